"""The functions of `stats`: how each is read, printed and computed."""

import re
from collections.abc import Callable
from typing import Literal

from msgspec import Struct

from loghouse.query import spelling
from loghouse.query.ast import Filter, Key, Placed
from loghouse.query.conditions import condition
from loghouse.query.filters import FilterParser
from loghouse.query.relation import Expression, Kind
from loghouse.query.suggest import did_you_mean
from loghouse.query.table import Rows, Table

RESERVED_NAMES = ("by", "if", "as", "keep", "asc", "desc")

_PERCENTILE = re.compile(r"p(\d{2,4})")
_PHI = re.compile(r"\d*\.?\d+")


class Function(Struct, frozen=True):
    """A function: how many fields it takes and its SQL.

    `sql` gets the fields' SQL and the combinator's suffix ("" or "If") and tail ("" or ", condition") and
    gives the call of an aggregate function; `{}` in `result` stands for it. `reads` says whether it wants its
    fields as numbers or as they are.
    """

    fields: int
    reads: Literal["number", "value"]
    kind: Kind | None  # None: the kind of its first field
    sql: Callable[[list[str], str, str], str]
    optional: bool = False
    result: str = "{}"


def _plain(name: str) -> Callable[[list[str], str, str], str]:
    return lambda args, suffix, tail: (
        f"{name}{suffix}({', '.join(args)}{tail if args else tail.removeprefix(', ')})"
    )


def _parametric(name: str, parameter: str) -> Callable[[list[str], str, str], str]:
    return lambda args, suffix, tail: f"{name}{suffix}({parameter})({', '.join(args)}{tail})"


def _in_time(name: str) -> Callable[[list[str], str, str], str]:
    """The value of the earliest or the latest record."""
    return lambda args, suffix, tail: f"{name}{suffix}({args[0]}, (timestamp, source_id, offset){tail})"


def _histogram(number: str, tail: str) -> str:
    """The function takes no NULL."""
    there = f"isNotNull({number})"
    only = f"{there} AND {tail.removeprefix(', ')}" if tail else there
    return f"histogramIf(10)(ifNull({number}, 0), {only})"


def _quantile(phi: float) -> Function:
    return Function(1, "number", "number", _parametric("quantile", f"{phi:.6f}"))


FUNCTIONS: dict[str, Function] = {
    "count": Function(1, "value", "number", _plain("count"), optional=True),
    "count_uniq": Function(1, "value", "number", _plain("uniq")),
    "uniq_exact": Function(1, "value", "number", _plain("uniqExact")),
    "sum": Function(1, "number", "number", _plain("sum"), result="ifNull({}, 0)"),
    "avg": Function(1, "number", "number", _plain("avg")),
    "min": Function(1, "number", None, _plain("min")),
    "max": Function(1, "number", None, _plain("max")),
    "median": _quantile(0.5),
    "quantile": _quantile(0.5),
    "stddev": Function(1, "number", "number", _plain("stddevPop")),
    "rate": Function(0, "value", "number", _plain("count")),
    "bytes": Function(0, "value", "number", lambda _, suffix, tail: f"sum{suffix}(length(raw){tail})"),
    "values": Function(1, "value", "list", _parametric("groupArray", "1000")),
    "uniq_values": Function(
        1,
        "value",
        "list",
        _parametric("groupUniqArray", "1000"),
        result="arraySort({})",
    ),
    # From, to, and about how many between them.
    "histogram": Function(
        1,
        "number",
        "list",
        lambda args, suffix, tail: _histogram(args[0], tail),
        result="arrayMap(b -> [b.1, b.2, b.3], {})",
    ),
    "any": Function(1, "value", None, _plain("any")),
    "arg_min": Function(2, "value", None, _plain("argMin")),
    "arg_max": Function(2, "value", None, _plain("argMax")),
    "first": Function(1, "value", None, _in_time("argMin")),
    "last": Function(1, "value", None, _in_time("argMax")),
}
ALIASES = {
    "dc": "count_uniq",
    "distinct": "count_uniq",
    "row_any": "any",
    "row_min": "arg_min",
    "row_max": "arg_max",
}
_OF_RECORDS = ("bytes", "first", "last")
NAMES = (*FUNCTIONS, "dc", "p50", "p90", "p95", "p99", "p999")


def is_function(name: str) -> bool:
    """`stats` knows a function of that name."""
    return name in FUNCTIONS or name in ALIASES or _PERCENTILE.fullmatch(name) is not None


class Call(Placed, frozen=True):
    """`avg(took) if (status < 500) as name`."""

    function: str
    keys: tuple[Key, ...] = ()
    phi: str = ""
    only: Filter | None = None
    name: str = ""

    def __str__(self) -> str:
        only = f" if ({self.only})" if self.only else ""
        return f"{self.bare}{only}{f' as {self.name}' if self.name else ''}"

    @property
    def bare(self) -> str:
        """The call alone: the name of its column when it got none."""
        return f"{self.function}({', '.join([*([self.phi] if self.phi else []), *map(str, self.keys)])})"

    @property
    def column(self) -> str:
        """The name of its column."""
        return self.name or self.bare

    def expression(self, rows: Rows, seconds: float, over: str = "") -> Expression:
        """Its value for the rows of a group, or of the window `over`, that spans so many seconds."""
        if self.function in _OF_RECORDS and isinstance(rows, Table):
            raise self.span.error(f"{self.function} is about records, and this is a table", "Take it before")
        function = self._function()
        suffix, tail = ("", "") if self.only is None else ("If", f", {condition(self.only, rows.subject)}")
        kind = function.kind
        if self.function == "count" and self.keys:
            present = rows.subject(self.keys[0]).present()
            only = present if self.only is None else f"{present} AND {tail.removeprefix(', ')}"
            return Expression(
                f"countIf({only}){over}", "number", guarded=rows.expression(self.keys[0]).guarded
            )
        arguments = [
            self._argument(rows, key, function.reads if place == 0 else "number")
            for place, key in enumerate(self.keys)
        ]
        for argument in arguments:
            kind = kind or argument.kind
        call = function.sql([argument.sql for argument in arguments], suffix, tail)
        sql = function.result.replace("{}", f"{call}{over}")
        if self.function == "rate":
            sql = f"{sql} / {rows.context.params.number(seconds)}"
        counted = self.function in ("count", "rate", "bytes") and self.only is None
        guarded = tuple(each for argument in arguments for each in argument.guarded)
        # NULL is no number to any of these functions.
        return Expression(sql, kind or "text", counted, guarded, of_present=function.reads == "number")

    def _function(self) -> Function:
        percentile = _PERCENTILE.fullmatch(self.function)
        if percentile:
            digits = percentile.group(1)
            return _quantile(int(digits) / 10 ** len(digits))
        if self.phi:
            return _quantile(float(self.phi))
        return FUNCTIONS[self.function]

    def _argument(self, rows: Rows, key: Key, reads: Literal["number", "value"]) -> Expression:
        whole = rows.expression(key)
        if reads == "value" or (
            whole.kind in ("time", "level") and self.function in ("min", "max", "arg_min", "arg_max")
        ):
            return whole
        return rows.number(key)


def read_call(parser: FilterParser) -> Call:
    """One function with its fields, its condition and its name."""
    scan = parser.scan
    scan.skip_comments()
    start = scan.pos
    written = scan.name()
    if written is None:
        raise scan.error(f"expected a function, {scan.found()}", f"Functions: {', '.join(NAMES)}")
    lower = written.lower()
    if not is_function(lower):
        raise scan.error(
            f'unknown function "{written}"{did_you_mean(lower, NAMES)}',
            f"Functions: {', '.join(NAMES)}",
            start,
        )
    name = ALIASES.get(lower, lower)
    phi, keys = _read_arguments(parser, name, start)
    span = scan.span(start)
    only = _read_condition(parser)
    return Call(name, keys, phi, only, _read_name(parser), span=span)


def _read_arguments(parser: FilterParser, name: str, start: int) -> tuple[str, tuple[Key, ...]]:
    scan = parser.scan
    function = FUNCTIONS.get(name)
    example = _example(name)
    if not scan.sees("("):
        raise scan.error(f'expected "(" after {name}, {scan.found()}', f"Write: {example}")
    scan.take("(")
    scan.skip_space()
    phi = ""
    if name == "quantile":
        place = scan.pos
        phi = scan.match(_PHI) or ""
        if not phi or not 0 <= float(phi) <= 1:
            scan.pos = place
            raise scan.error(f"expected a number from 0 to 1, {scan.found()}", f"Write: {example}")
        scan.skip_space()
        if not scan.take(","):
            raise scan.error(f'expected "," and a field, {scan.found()}', f"Write: {example}")
        scan.skip_space()
    if name == "count" and scan.take("*"):
        scan.skip_space()
    keys: tuple[Key, ...] = ()
    if not scan.sees(")"):
        keys = _read_keys(parser)
    scan.skip_space()
    if not scan.take(")"):
        raise scan.error(f'expected ")" after the fields of {name}, {scan.found()}')
    wanted = function.fields if function else 1
    if len(keys) != wanted and not (function and function.optional and not keys):
        count = "no field" if wanted == 0 else "one field" if wanted == 1 else f"{wanted} fields"
        raise scan.error(f"{name} takes {count}", f"Write: {example}", start)
    return phi, keys


def _read_keys(parser: FilterParser) -> tuple[Key, ...]:
    keys = [parser.field()]
    parser.scan.skip_space()
    while parser.scan.take(","):
        parser.scan.skip_space()
        keys.append(parser.field())
        parser.scan.skip_space()
    return tuple(keys)


def _example(name: str) -> str:
    match name:
        case "quantile":
            return "quantile(0.95, request_time)"
        case "arg_min" | "arg_max":
            return f"{name}(url, request_time)"
        case "count" | "rate" | "bytes":
            return f"{name}()"
    return f"{name}(request_time)"


def _read_condition(parser: FilterParser) -> Filter | None:
    scan = parser.scan
    scan.skip_space()
    if scan.keyword("if") is None:
        return None
    scan.skip_space()
    if not scan.sees("("):
        raise scan.error(f'expected "(" after if, {scan.found()}', "Write: count() if (status >= 500)")
    return parser.group()


def _read_name(parser: FilterParser) -> str:
    scan = parser.scan
    scan.skip_space()
    named = scan.keyword("as") is not None
    scan.skip_space()
    start = scan.pos
    name = scan.name() or ""
    if not named and name.lower() in RESERVED_NAMES:
        scan.pos = start
        return ""
    if named and not name:
        raise scan.error(f"expected a name after as, {scan.found()}", "Letters, digits and _")
    if name.lower() in (*RESERVED_NAMES, *spelling.KEYWORDS):
        raise scan.error(f'"{name}" cannot name a column', "Take another word", start)
    return name


def read_calls(parser: FilterParser) -> tuple[Call, ...]:
    """Functions between commas."""
    calls = [read_call(parser)]
    parser.scan.skip_space()
    while parser.scan.take(","):
        calls.append(read_call(parser))
        parser.scan.skip_space()
    return tuple(calls)
