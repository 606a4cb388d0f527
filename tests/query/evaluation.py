"""What a query means, in plain Python over the rows of `records.py`; only its tree is code under test."""

import ipaddress
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from msgspec import structs
from query.records import END, ROWS, SECOND, START, Row, Scalar

from loghouse.query import ast
from loghouse.query.parser import Query
from loghouse.query.stages import expressions as ex
from loghouse.query.stages.columns import Drop, Fields
from loghouse.query.stages.cut import Limit, Offset
from loghouse.query.stages.ends import Ends
from loghouse.query.stages.eval import Eval
from loghouse.query.stages.facets import Facets, FieldNames, FieldValues
from loghouse.query.stages.functions import Call
from loghouse.query.stages.hist import Hist
from loghouse.query.stages.rename import Rename
from loghouse.query.stages.replace import Replace
from loghouse.query.stages.sort import Sort, SortKey
from loghouse.query.stages.stats import Stats
from loghouse.query.stages.top import Top
from loghouse.query.stages.uniq import Uniq
from loghouse.query.stages.where import Where
from loghouse.query.stages.window import Window

LEVELS = (
    *("unknown", "trace", "debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"),
)
SPELLINGS = {"warn": "warning", "err": "error", "crit": "critical", "fatal": "critical", "panic": "emergency"}
COLUMNS = {
    **{name: name for name in ("namespace", "pod", "container", "node", "workload", "format", "level")},
    "ns": "namespace",
    "pod_name": "pod",
    "container_name": "container",
    "host": "node",
    "severity": "level",
    "message": "message",
    "log": "message",
    "raw": "raw",
}
UNITS = {
    "ns": 1e-9,
    "us": 1e-6,
    "ms": 1e-3,
    "s": 1,
    "m": 60,
    "h": 3600,
    "d": 86400,
    "B": 1,
    "KB": 1e3,
    "MB": 1e6,
    "GB": 1e9,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
}
IN_SECONDS = {"request_time": 1, "took_ms": 1e-3}
IN_BYTES = {"bytes": 1}

Cell = str | float | None
TableRow = tuple[Cell, ...]


@dataclass(frozen=True)
class Seen:
    """A record and the fields that stages made."""

    row: Row
    made: Mapping[str, Cell] = field(default_factory=dict)

    def column(self, key: ast.Key) -> str | None:
        """The column that a key means, if no stage made a field of that name."""
        if key.kind != "plain" or key.name in self.made:
            return None
        return COLUMNS.get(key.name)

    def value(self, key: ast.Key) -> Scalar:
        """The typed value of a field."""
        if key.name in self.made and key.kind != "label":
            return self.made[key.name]
        return self.row.fields.get(key.name)

    def text(self, key: ast.Key) -> str:
        """A value as text, '' when it is absent or null."""
        if key.kind == "label":
            return self.row.labels.get(key.name, "")
        column = self.column(key)
        return str(getattr(self.row, column)) if column else as_text(self.value(key))

    def number(self, key: ast.Key) -> float | None:
        """A value as a number, None if it is none."""
        return as_number(self.value(key))


def as_text(value: Cell | bool) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float | int):
        return str(int(value)) if value == int(value) else repr(value)
    return value


def as_number(value: Cell | bool) -> float | None:
    if value is None or isinstance(value, bool):
        return None
    text = str(value)
    return float(text) if re.fullmatch(r"-?\d+(\.\d+)?", text) else None


def quantity(text: str, kind: str) -> float | None:
    """Seconds (kind `time`) or bytes of a text such as 1m20s."""
    units = "ns|us|ms|s|m|h|d" if kind == "time" else "B|[KMG]B|[KMG]iB"
    whole = rf"(?:\d+(?:\.\d+)?\s?(?:{units}))" + ("+" if kind == "time" else "")
    if not re.fullmatch(whole, text):
        return None
    return sum(float(n) * UNITS[unit] for n, unit in re.findall(r"(\d+(?:\.\d+)?)\s?([A-Za-z]+)", text))


def words_in(text: str, wanted: str, prefix: bool = False) -> bool:
    """The phrase from one border of words to another, any case."""
    token = "[0-9A-Za-z\x80-\U0010ffff]"
    before = f"(?<!{token})" if re.match(token, wanted) else ""
    after = f"(?!{token})" if re.match(token, wanted[-1]) and not prefix else ""
    return re.search(before + re.escape(wanted) + after, text, re.IGNORECASE) is not None


def like(text: str, pattern: str, any_case: bool) -> bool:
    regex, escaped = "", False
    for char in pattern:
        if escaped or char not in "%_\\":
            regex += re.escape("\\" + char if escaped and char not in "%_\\" else char)
            escaped = False
        elif char == "\\":
            escaped = True
        else:
            regex += ".*" if char == "%" else "."
    return re.fullmatch(regex, text, re.DOTALL | (re.IGNORECASE if any_case else 0)) is not None


def matches(node: ast.Filter | None, seen: Seen) -> bool:
    """Whether the record meets the filter."""
    match node:
        case None | ast.Everything():
            return True
        case ast.And():
            return all(matches(item, seen) for item in node.items)
        case ast.Or():
            return any(matches(item, seen) for item in node.items)
        case ast.Not():
            return not matches(node.item, seen)
        case ast.Text():
            raw = seen.row.raw
            raw = re.sub(r"\\[bfnrt\\]", " ", raw) if seen.row.format == "json" else raw
            return words_in(raw, node.text, node.prefix)
        case ast.Regex():
            return re.search(node.pattern, seen.text(ast.Key("message"))) is not None
        case ast.Compare():
            return compares(node, seen)
        case ast.In():
            return node.negated != any(exactly(seen, node.key, value) for value in node.values)
        case ast.Contains():
            return node.negated != (node.text in seen.text(node.key))
        case ast.Like():
            found = there(seen, node.key) and like(seen.text(node.key), node.pattern, node.any_case)
            return node.negated != found
        case ast.Has():
            return seen.text(node.key) not in ("", "unknown" if seen.column(node.key) == "level" else "")
        case ast.Missing():
            return not matches(ast.Has(node.key), seen)
        case ast.IsNull():
            present = node.key.name in seen.row.fields
            is_null = present and seen.row.fields[node.key.name] is None
            return present and not is_null if node.negated else is_null
        case ast.IsBool():
            value = seen.value(node.key)
            word = "true" if node.truth else "false"
            return value is node.truth or (seen.row.format != "json" and value == word)
        case ast.FieldText():
            return in_field(node, seen)
        case ast.Range():
            low = node.low is None or ordered(seen, node.key, ">=" if node.with_low else ">", node.low)
            high = node.high is None or ordered(seen, node.key, "<=" if node.with_high else "<", node.high)
            return low and high
        case ast.InNetwork():
            try:
                address = ipaddress.ip_address(seen.text(node.key))
            except ValueError:
                return False
            return address in ipaddress.ip_network(node.network)
    raise NotImplementedError(type(node).__name__)


def there(seen: Seen, key: ast.Key) -> bool:
    """The field is there, be it empty; columns always are."""
    if key.kind == "label":
        return key.name in seen.row.labels
    if key.name in seen.made:
        return seen.text(key) != ""
    return seen.column(key) is not None or key.name in seen.row.fields


def compares(node: ast.Compare, seen: Seen) -> bool:
    key, value = node.key, node.value
    match node.op:
        case "=":
            return equals(seen, key, value)
        case "!=":
            return not equals(seen, key, value)
        case "==":
            return exactly(seen, key, value)
        case "=~" | "!~":
            found = there(seen, key) and re.search(value.text, seen.text(key)) is not None
            return found == (node.op == "=~")
    return ordered(seen, key, node.op, value)


def equals(seen: Seen, key: ast.Key, value: ast.Value) -> bool:
    if re.search(r"(?<!\\)%", value.text) and seen.number(key) != value.number:
        text = value.text.replace("\\%", "\0").replace("\\", "\\\\").replace("_", "\\_").replace("\0", "\\%")
        return there(seen, key) and like(seen.text(key), text, False)
    return exactly(seen, key, structs.replace(value, text=value.text.replace("\\%", "%")))


def exactly(seen: Seen, key: ast.Key, value: ast.Value) -> bool:
    if seen.column(key) == "level":
        return seen.row.severity == severity(value.text)
    if seen.column(key) is None and key.kind != "label":
        if value.number is not None and seen.number(key) == value.number:
            return True
        if value.truth is not None and matches(ast.IsBool(key, value.truth), seen):
            return True
    return there(seen, key) and seen.text(key) == value.text


def severity(text: str) -> int:
    return LEVELS.index(SPELLINGS.get(text.lower(), text.lower()))


def ordered(seen: Seen, key: ast.Key, operator: str, value: ast.Value) -> bool:
    if seen.column(key) == "level":
        return compared(seen.row.severity, operator, severity(value.text))
    number = ast.Value(value.text).number
    if number is not None:
        return compared(seen.number(key), operator, number)
    for kind, units in (("time", IN_SECONDS), ("size", IN_BYTES)):
        bound = quantity(value.text, kind)
        if bound is not None:
            plain = seen.number(key)
            scaled = plain * units[key.name] if plain is not None and key.name in units else None
            return compared(quantity(seen.text(key), kind), operator, bound) or compared(
                scaled, operator, bound
            )
    raise NotImplementedError(value.text)


def compared(a: float | None, operator: str, b: float) -> bool:
    if a is None:
        return False
    tests: dict[str, Callable[[float, float], bool]] = {
        ">": lambda a, b: a > b,
        "<": lambda a, b: a < b,
        ">=": lambda a, b: a >= b,
        "<=": lambda a, b: a <= b,
    }
    return tests[operator](a, b)


def in_field(node: ast.FieldText, seen: Seen) -> bool:
    if seen.column(node.key) == "level":
        return exactly(seen, node.key, node.value)
    if seen.column(node.key) is None and node.key.kind != "label":
        if node.value.number is not None and seen.number(node.key) == node.value.number:
            return True
        if node.value.truth is not None and matches(ast.IsBool(node.key, node.value.truth), seen):
            return True
    return words_in(seen.text(node.key), node.value.text)


def computed(node: ex.Node, seen: Seen) -> Cell:
    """The value of an expression; None where a number is missing."""
    match node:
        case ex.Number():
            return float(node.text)
        case ex.String():
            return node.text
        case ex.Field():
            column = seen.column(node.key)
            made = seen.made.get(node.key.name)
            return made if isinstance(made, float) and not column else seen.text(node.key)
        case ex.Choice():
            chosen = node.then if matches(node.only, seen) else node.otherwise
            value, kinds = (
                computed(chosen, seen),
                [_is_number(part, seen) for part in (node.then, node.otherwise)],
            )
            return value if all(kinds) else as_text(value)
        case ex.Negative():
            number = as_number(computed(node.item, seen))
            return None if number is None else -number
        case ex.Binary():
            a, b = as_number(computed(node.left, seen)), as_number(computed(node.right, seen))
            if a is None or b is None or (b == 0 and node.operator in "/%"):
                return None
            over = a / b if b else 0.0
            results = {"+": a + b, "-": a - b, "*": a * b, "/": over, "%": a - b * int(over)}
            return results[node.operator]
        case ex.Call():
            return {"concat": "".join, "upper": lambda texts: texts[0].upper()}[node.name](
                [as_text(computed(item, seen)) for item in node.items]
            )


def _is_number(node: ex.Node, seen: Seen) -> bool:
    if isinstance(node, ex.Field):
        return isinstance(seen.made.get(node.key.name), float)
    return isinstance(node, ex.Number | ex.Binary | ex.Negative)


def records(query: Query) -> list[Seen]:
    """The records a query without a table gives, the newest first."""
    found, table = evaluate(query)
    assert table is None
    return found


def evaluate(query: Query) -> tuple[list[Seen], list[TableRow] | None]:
    """The records, newest first, and the table that the last stage made of them."""
    found = [Seen(row) for row in reversed(ROWS) if matches(query.filter, Seen(row))]
    for stage in query.stages:
        match stage:
            case Where():
                found = [seen for seen in found if matches(stage.filter, seen)]
            case Eval():
                for item in stage.items:
                    found = [_made(seen, item.key.name, computed(item.value, seen)) for seen in found]
            case Rename():
                for name in stage.names:
                    old = ex.Field(name.old)
                    found = [_made(seen, name.new.name, computed(old, seen)) for seen in found]
            case Replace():
                name, texts = stage.key.name, (stage.old, stage.new)
                found = [_made(seen, name, seen.text(stage.key).replace(*texts)) for seen in found]
            case Limit():
                found = found[: stage.rows] if stage.rows else found
            case Offset():
                found = found[stage.rows :]
            case Ends() if stage.keys:
                turned = [SortKey(item.key, item.descending != stage.last) for item in stage.keys]
                found = _sorted(found, turned)[: stage.rows]
            case Ends():
                found = found[: stage.rows] if stage.last else found[-stage.rows :]
            case Sort():
                found = _sorted(found, stage.keys)
            case Window():
                found = _beside_each(found, stage)
            case Uniq():
                found = _uniq(found, stage)
            case Fields() | Drop():
                pass
            case Stats():
                return found, _stats(found, stage)
            case Top():
                counts = Counter(tuple(seen.text(key) for key in stage.keys) for seen in found)
                rows = sorted(counts.items(), key=_most_first)
                if stage.rarest:
                    rows.sort(key=lambda item: item[1])
                return found, [(*key, n, n / len(found)) for key, n in rows[: stage.rows]]
            case FieldValues():
                counts = Counter((text,) for seen in found if (text := seen.text(stage.key)))
                rows = sorted(counts.items(), key=_most_first)
                return found, [(*key, n) for key, n in rows[: stage.rows or None]]
            case FieldNames():
                counts = Counter((name,) for seen in found for name in {name for name, _ in seen.row.pairs})
                return found, [(*key, n) for key, n in sorted(counts.items(), key=_most_first)]
            case Facets():
                return found, _facets(found, stage.rows)
            case Hist():
                return found, _hist(found, stage)
            case _:
                raise NotImplementedError(type(stage).__name__)
    return found, None


def _most_first(item: tuple[tuple[str, ...], int]) -> tuple[int, list[bytes]]:
    texts, count = item
    return -count, [text.encode() for text in texts]


def _sorted(found: Sequence[Seen], keys: Sequence[SortKey]) -> list[Seen]:
    """Numbers before text and nothing last; equals the newest first."""
    rows = sorted(found, key=lambda seen: -seen.row.timestamp)
    for item in reversed(keys):
        key, turned = item.key, item.descending
        if rows and rows[0].column(key) == "level":
            rows.sort(key=lambda seen: seen.row.severity, reverse=turned)
            continue
        rows.sort(key=lambda seen: seen.text(key).encode(), reverse=turned)
        if key.kind != "label" and all(seen.column(key) is None for seen in rows):
            rows.sort(key=lambda seen: seen.text(key) == "")
            rows.sort(key=lambda seen: _number_first(seen.number(key), turned))
    return rows


def _number_first(number: float | None, turned: bool) -> tuple[bool, float]:
    return number is None, 0 if number is None else -number if turned else number


def _beside_each(found: Sequence[Seen], stage: Window) -> list[Seen]:
    rows = []
    for seen in found:
        made = dict(seen.made)
        same = [
            other
            for other in found
            if [other.text(key) for key in stage.by] == [seen.text(key) for key in stage.by]
            and (not stage.running or other.row.timestamp <= seen.row.timestamp)
        ]
        made |= {call.column: _function(call, same) for call in stage.calls}
        rows.append(replace(seen, made=made))
    return rows


def _facets(found: Sequence[Seen], most: int) -> list[TableRow]:
    pairs = Counter(pair for seen in found for pair in seen.row.pairs)
    having: Counter[str] = Counter()
    for (name, _), n in pairs.items():
        having[name] += n
    rows: list[TableRow] = []
    for name in sorted(having, key=lambda name: (-having[name], name.encode())):
        values = [((value,), n) for (of, value), n in pairs.items() if of == name]
        rows += [(name, *value, n) for value, n in sorted(values, key=_most_first)[:most]]
    return rows


def _hist(found: Sequence[Seen], stage: Hist) -> list[TableRow]:
    step = int(quantity(stage.step, "time") or 0) * SECOND
    keys = sorted(
        {tuple(seen.text(group.key) for group in stage.groups) for seen in found}, key=_levels_in_order
    )
    counts = Counter(
        (seen.row.timestamp // step * step, tuple(seen.text(group.key) for group in stage.groups))
        for seen in found
    )
    first = START // step * step
    return [
        (time, *key, counts[time, key]) for time in range(first, END, step) for key in keys or _one_if(stage)
    ]


def _one_if(stage: Hist) -> list[tuple[str, ...]]:
    """Without groups there are buckets even where nothing was found."""
    return [] if stage.groups else [()]


def _levels_in_order(key: tuple[str, ...]) -> list[bytes]:
    return [bytes([LEVELS.index(text)]) if text in LEVELS else text.encode() for text in key]


def _made(seen: Seen, name: str, value: Cell) -> Seen:
    return replace(seen, made={**seen.made, name: value})


def _uniq(found: Sequence[Seen], stage: Uniq) -> list[Seen]:
    kept: dict[tuple[str, ...], Seen] = {}
    for seen in found if stage.keep_last else reversed(found):
        kept.setdefault(tuple(seen.text(key) for key in stage.keys), seen)
    return sorted(kept.values(), key=lambda seen: -seen.row.timestamp)


def _stats(found: Sequence[Seen], stage: Stats) -> list[TableRow]:
    groups: dict[tuple[str, ...], list[Seen]] = {}
    for seen in found:
        groups.setdefault(tuple(seen.text(group.key) for group in stage.groups), []).append(seen)
    if not stage.groups:
        groups.setdefault((), list(found))
    rows = [(*key, *(_function(call, seen) for call in stage.calls)) for key, seen in groups.items()]
    width = len(stage.groups)

    def order(row: TableRow) -> tuple[object, ...]:
        first = row[width]
        keys = tuple(
            severity(str(cell)) if group.key.name == "level" else str(cell).encode()
            for cell, group in zip(row, stage.groups, strict=False)
        )
        return (first is None, -first if isinstance(first, float | int) else 0, keys)

    return sorted(rows, key=order)


def _function(call: Call, found: Sequence[Seen]) -> float | None:
    chosen = [seen for seen in found if call.only is None or matches(call.only, seen)]
    if call.function == "count":
        return len([seen for seen in chosen if not call.keys or matches(ast.Has(call.keys[0]), seen)])
    numbers = [number for seen in chosen if (number := seen.number(call.keys[0])) is not None]
    if call.function == "sum":
        return sum(numbers)
    if not numbers:
        return None
    return {"min": min(numbers), "max": max(numbers), "avg": sum(numbers) / len(numbers)}[call.function]
