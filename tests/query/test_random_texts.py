"""Random texts through the stages that take text apart, make it or change it.

A text is put together from known parts, so what a stage has to find is known without reading the text again.
"""

import json
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from query.records import END, NOW, ROWS, START

from loghouse.query import TimeRange, compile, parse
from loghouse.query.spelling import quoted
from loghouse.record import Record
from loghouse.store.client import Store

PODS = sorted({row.pod for row in ROWS if row.format == "text"})
SOURCES = {row.id: row.pod for row in ROWS if row.format == "text"}

Texts = list[str]  # one for each pod

quick = settings(max_examples=7, deadline=None, suppress_health_check=list(HealthCheck))
deep = settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))

# Letters that mean something somewhere: quotes, escapes, groups, digits, line ends, more than one byte.
ODD = st.sampled_from([*"aAzé日🙂09 _-.,;:=|/\\\"'`<>{}[]()$%*+?#&\n\t\x1b\x7f", "null", "{{", "\\n"])
texts = st.lists(ODD, max_size=8).map("".join)
words = st.text("abcXYZé日", min_size=1, max_size=6)
names = st.text("abcdexyz", min_size=1, max_size=4).filter(lambda name: name not in RESERVED)
prefixes = st.sampled_from(["", "p.", "x_"])

NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)"  # of those that can be made of these letters

# Words of the grammar that a bare name cannot be, and the field that the texts are read from.
RESERVED = (
    "m",
    "by",
    "as",
    "if",
    "in",
    "at",
    "and",
    "or",
    "not",
    "is",
    "has",
    "log",
    "msg",
    "body",
    "node",
    "pod",
)


def found(store: Store, text: str) -> list[Record]:
    """The records that a query gives as it is printed."""
    query = parse(text)
    assert parse(str(query)) == query
    compiled = compile(parse(str(query)), TimeRange(START, END), limit=None, now_ns=NOW)
    assert compiled.kind == "records"
    return [Record(*row) for row in store.rows(compiled.sql, compiled.params, compiled.settings)]


def with_texts(of_pods: Texts, name: str = "m") -> str:
    """A query of the records that are plain text, each with the text of its pod in a field."""
    choices = [f"if (pod = {pod}) {quoted(text)} else " for pod, text in zip(PODS, of_pods, strict=True)]
    return f'format=text | eval {name} = {"".join(choices)}""'


def made(records: list[Record]) -> dict[str, dict[str, Any]]:
    """The fields that stages made, by pod, without the text itself: the same in all records of a pod."""
    assert sorted(record.source_id for record in records) == sorted(SOURCES)
    by_pod: dict[str, dict[str, Any]] = {}
    for record in records:
        fields = {name: json.loads(text) for name, text in record.made.items() if name != "m"}
        assert by_pod.setdefault(record.pod, fields) == fields
    return by_pod


def for_pods(values: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return dict(zip(PODS, values, strict=True))


def each(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    """One for each pod."""
    return st.lists(strategy, min_size=len(PODS), max_size=len(PODS))


def typed(text: str) -> str | float:
    """A text as a made field shows it: a plain number is one."""
    return json.loads(text) if re.fullmatch(r"-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,9})?", text) else text


def shown(fields: dict[str, str]) -> dict[str, str | float]:
    """Fields whose values are texts: an empty one is none."""
    return {name: typed(text) for name, text in fields.items() if text != ""}


# JSON: objects in objects become dotted names, four levels deep; lists and what is below stay JSON.
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**9), 10**9), st.sampled_from([0.5, -1.25, 1234.5678]), texts
)
json_names = st.one_of(names, st.sampled_from(["a b", 'q"', "é", "x`", "it's", "$", "a\\"]))
objects = st.recursive(
    st.dictionaries(json_names, st.one_of(scalars, st.lists(scalars, max_size=2)), max_size=3),
    lambda inner: st.dictionaries(json_names, st.one_of(scalars, inner), max_size=3),
    max_leaves=4,
)
no_objects = st.sampled_from(
    ["", "plain", "{", "}{", '{"a": }', "[1, 2]", '{"a": 1} more', "null", '{"a": 1']
)


def flat(value: dict[str, Any], before: str = "", depth: int = 1) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, inner in value.items():
        if isinstance(inner, dict) and inner and depth < 4:
            fields |= flat(inner, f"{before}{name}.", depth + 1)
        else:
            fields[before + name] = inner
    return fields


def check_json(store: Store, values: list[Any], front: str, prefix: str, ascii_only: bool) -> None:
    lines = [
        value if isinstance(value, str) else front + json.dumps(value, ensure_ascii=ascii_only)
        for value in values
    ]
    wanted = [
        {"_error": "the text holds no JSON object"}
        if isinstance(value, str)
        else {prefix + name: inner for name, inner in flat(value).items()}
        for value in values
    ]
    end = f" prefix {quoted(prefix)}" if prefix else ""
    assert made(found(store, f"{with_texts(lines)} | json from m{end}")) == for_pods(wanted)
    every = {name for fields in wanted for name in fields}
    # Asked for by its name, an object is a value as well: its JSON.
    leaves = {name for name in every if not any(other.startswith(f"{name}.") for other in every)}
    chosen = sorted(name for name in leaves if "`" not in name and "\\" not in name)[:4]
    if chosen and not prefix and "_error" not in chosen:
        listed = ", ".join(f"`{name}`" for name in chosen)
        only = made(found(store, f"{with_texts(lines)} | json from m fields ({listed})"))
        assert only == for_pods(
            [
                shown({name: as_text(fields[name]) for name in ("_error", *chosen) if name in fields})
                for fields in wanted
            ]
        )


def as_text(value: Any) -> str:
    """A value of JSON as the text of a field."""
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


json_case = (
    each(st.one_of(objects, objects, no_objects)),
    st.sampled_from(["", "INFO done ", "é: "]),
    prefixes,
    st.booleans(),
)


@quick
@given(*json_case)
@example([{"a": [None, "b"]}] * len(PODS), "", "", False)
def test_json_finds_every_field_of_an_object(
    store: Store, values: list[Any], front: str, prefix: str, ascii_only: bool
) -> None:
    check_json(store, values, front, prefix, ascii_only)


# logfmt: between pairs a space, a comma, a semicolon or a tab; a value with one of those is in quotes.
bare_values = st.text("abc019é日.-_/@%+", min_size=1, max_size=6)
quoted_values = st.text("ab 0=é,;'{}|", min_size=1, max_size=6)
pairs = st.dictionaries(names, st.tuples(st.one_of(bare_values, quoted_values), st.booleans()), max_size=4)


def check_logfmt(store: Store, values: list[dict[str, tuple[str, bool]]], between: str, prefix: str) -> None:
    lines = [
        between.join(
            f'{name}="{text}"' if in_quotes or re.search("[ =,;'{}|]", text) else f"{name}={text}"
            for name, (text, in_quotes) in value.items()
        )
        for value in values
    ]
    wanted = [
        shown({prefix + name: text for name, (text, _) in value.items()})
        or {"_error": "the text holds no key=value pairs"}
        for value in values
    ]
    end = f" prefix {quoted(prefix)}" if prefix else ""
    assert made(found(store, f"{with_texts(lines)} | logfmt from m{end}")) == for_pods(wanted)


logfmt_case = (each(pairs), st.sampled_from([" ", ", ", ";", "\t", "  "]), prefixes)


@quick
@given(*logfmt_case)
def test_logfmt_finds_every_pair(
    store: Store, values: list[dict[str, tuple[str, bool]]], between: str, prefix: str
) -> None:
    check_logfmt(store, values, between, prefix)


# pattern: literals with values between them; the next literal ends a value, so a value holds no part of one.
literals = st.lists(
    st.sampled_from([*"|/\\\"'[](){}$^*+?.#:; ", " - ", "é", "=>", "\n"]), min_size=1, max_size=3
).map("".join)
pattern_values = st.text("abc019öX日_", max_size=5)


@st.composite
def patterns(draw: st.DrawFn) -> tuple[str, list[tuple[str, dict[str, str]]]]:
    """A pattern, and for each pod a text of that form and the fields in it."""
    parts = draw(st.lists(st.tuples(names, literals), min_size=1, max_size=4, unique_by=lambda part: part[0]))
    opens, closes, skipped = draw(st.booleans()), draw(st.booleans()), draw(st.integers(0, 4))
    start = draw(literals) if opens else ""
    pattern = start
    for place, (name, literal) in enumerate(parts):
        hidden = place == skipped and len(parts) > 1
        last = place == len(parts) - 1
        pattern += f"<{'_' if hidden else name}>{literal if not last or closes else ''}"
    lines = []
    for _ in PODS:
        values = [draw(pattern_values) for _ in parts]
        text, fields = draw(st.sampled_from(["", "before"])) + start if opens else "", {}
        for place, ((name, literal), value) in enumerate(zip(parts, values, strict=True)):
            last = place == len(parts) - 1
            text += value + (literal if not last or closes else "")
            if not (place == skipped and len(parts) > 1):
                fields[name] = value
        lines.append((text, fields))
    return pattern, lines


def check_pattern(store: Store, case: tuple[str, list[tuple[str, dict[str, str]]]], prefix: str) -> None:
    pattern, lines = case
    end = f" prefix {quoted(prefix)}" if prefix else ""
    query = f"{with_texts([text for text, _ in lines])} | pattern {quoted(pattern)} from m{end}"
    assert made(found(store, query)) == for_pods(
        [shown({prefix + name: text for name, text in fields.items()}) for _, fields in lines]
    )


@quick
@given(patterns(), prefixes)
def test_pattern_gives_the_parts_back(
    store: Store, case: tuple[str, list[tuple[str, dict[str, str]]]], prefix: str
) -> None:
    check_pattern(store, case, prefix)


# regexp: expressions that mean the same in Python and in RE2, where a dot is any character, on any text.
REGEXES = [
    "(?P<a>[a-c]+)(?P<b>[0-9]*)",
    "^(?P<a>.)(?P<b>.?)",
    "(?P<a>[^ ]*)$",
    "(?P<a>x)?(?P<b>[^a])",
    "(?i)(?P<a>a+)(é)(?P<b>.*)",
    r"(?P<a>\d+)(?:\.(?P<b>\d+))?",
    r'"(?P<a>[^"]*)"',
    r"(?P<a>\\)(?P<b>.)",
    "(?s)(?P<a>.*)\n(?P<b>.*)",
    "(?P<a>é|日|🙂)(?P<b>[a-z]?)",
]


def check_regexp(store: Store, lines: Texts, regex: str) -> None:
    wanted = []
    for text in lines:
        match = re.search(regex, text, re.DOTALL | (re.ASCII if r"\d" in regex else re.UNICODE))
        error = {"_error": "the text does not match the regexp"}
        wanted.append(
            error if match is None else shown({k: v for k, v in match.groupdict().items() if v is not None})
        )
    assert made(found(store, f"{with_texts(lines)} | regexp {quoted(regex)} from m")) == for_pods(wanted)


@quick
@given(each(texts), st.sampled_from(REGEXES))
def test_regexp_gives_the_groups_of_python(store: Store, lines: Texts, regex: str) -> None:
    check_regexp(store, lines, regex)


# syslog: both forms, written from their parts.
SEVERITIES = ("emergency", "alert", "critical", "error", "warning", "notice", "info", "debug")
FACILITIES = [
    "kern",
    "user",
    "mail",
    "daemon",
    "auth",
    "syslog",
    "lpr",
    "news",
    "uucp",
    "cron",
    "authpriv",
    "ftp",
]
FACILITIES += ["ntp", "audit", "alert", "clock", *(f"local{number}" for number in range(8))]
tokens = st.text("abcXYZ0123456789.-_", min_size=1, max_size=8).filter(lambda text: text != "-")
some_lines = st.text("ab 0'\"[]<>:é\n", max_size=10)


@st.composite
def new_syslog(draw: st.DrawFn) -> tuple[str, dict[str, str]]:
    """RFC 5424."""
    priority = draw(st.integers(0, 191))
    host, app, proc, kind = (draw(tokens) for _ in range(4))
    data = draw(st.sampled_from(["-", '[x@1 a="b"]', '[x@1 a="b"][y c="d e"]']))
    message = draw(some_lines)
    time = "2026-07-30T10:00:00.5Z"
    text = f"<{priority}>1 {time} {host} {app} {proc} {kind} {data}{' ' + message if message else ''}"
    fields = {"priority": str(priority), "time": time, "hostname": host, "app_name": app}
    return text, {**fields, "proc_id": proc, "msg_id": kind, "message": message, **of_priority(priority)}


@st.composite
def old_syslog(draw: st.DrawFn) -> tuple[str, dict[str, str]]:
    """RFC 3164, with and without its priority."""
    priority = draw(st.one_of(st.none(), st.integers(0, 191)))
    host, app = draw(tokens), draw(tokens)
    number = draw(st.sampled_from(["", "7", "1234"]))
    time = draw(st.sampled_from(["Jul  3 10:00:00", "Dec 31 23:59:59"]))
    message = draw(some_lines.filter(lambda text: not text.startswith(" ")))
    front = "" if priority is None else f"<{priority}>"
    text = f"{front}{time} {host} {app}{f'[{number}]' if number else ''}: {message}"
    fields = {"time": time, "hostname": host, "app_name": app, "proc_id": number, "message": message}
    if priority is not None:
        fields |= {"priority": str(priority), **of_priority(priority)}
    return text, fields


def of_priority(priority: int) -> dict[str, str]:
    return {"level": SEVERITIES[priority % 8], "facility": FACILITIES[priority // 8]}


def check_syslog(store: Store, cases: list[tuple[str, dict[str, str]]]) -> None:
    query = f"{with_texts([text for text, _ in cases])} | syslog from m prefix 's.'"
    assert made(found(store, query)) == for_pods(
        [shown({f"s.{name}": text for name, text in fields.items()}) for _, fields in cases]
    )
    # Without a prefix message and level are those of the record.
    for record in found(store, query.replace(" prefix 's.'", "")):
        _, fields = cases[PODS.index(record.pod)]
        assert record.message == fields["message"]
        assert record.level == fields.get(
            "level", next(row.level for row in ROWS if row.id == record.source_id)
        )


@quick
@given(each(st.one_of(new_syslog(), old_syslog())))
def test_syslog_gives_the_parts_back(store: Store, cases: list[tuple[str, dict[str, str]]]) -> None:
    check_syslog(store, cases)


# format: texts and fields in turn.
FORMAT_FIELDS: dict[str, Callable[[int, str], str]] = {
    "pod": lambda id, text: SOURCES[id],
    "m": lambda id, text: text,
    "level": lambda id, text: next(row.level for row in ROWS if row.id == id),
    "message": lambda id, text: next(row.message for row in ROWS if row.id == id),
    "~tier": lambda id, text: next(row.labels.get("tier", "") for row in ROWS if row.id == id),
    "n": lambda id, text: str(len(text)),
    "half": lambda id, text: f"{len(text) / 2:g}",
    "none": lambda id, text: "",
    "`odd name`": lambda id, text: "",
}
format_parts = st.lists(
    st.one_of(texts, st.sampled_from(sorted(FORMAT_FIELDS)).map(lambda name: (name,))), max_size=6
)


def check_format(store: Store, lines: Texts, parts: list[str | tuple[str]]) -> None:
    template = "".join(
        part.replace("{", "{{").replace("}", "}}") if isinstance(part, str) else f"{{{part[0]}}}"
        for part in parts
    )
    assume("{{." not in template)  # taken for LogQL's spelling and refused
    start = f"{with_texts(lines)} | eval n = length(m), half = n / 2, none = 1 / 0"
    wanted = {
        id: "".join(
            part if isinstance(part, str) else FORMAT_FIELDS[part[0]](id, lines[PODS.index(pod)])
            for part in parts
        )
        for id, pod in SOURCES.items()
    }
    in_message = {
        record.source_id: record.message for record in found(store, f"{start} | format {quoted(template)}")
    }
    assert in_message == wanted
    named = found(store, f"{start} | format {quoted(template)} as line")
    assert {record.source_id: json.loads(record.made.get("line", '""')) for record in named} == {
        id: typed(text) for id, text in wanted.items()
    }


@quick
@given(each(texts), format_parts)
def test_format_puts_texts_and_fields_together(
    store: Store, lines: Texts, parts: list[str | tuple[str]]
) -> None:
    check_format(store, lines, parts)


# replace and replace_regexp.
REPLACEMENTS = [  # an expression that never finds nothing, the new text, and the same for Python
    ("[a-c]+", "<\\0>", r"<\g<0>>"),
    ("(.)(.)", "\\2\\1", r"\2\1"),
    ("(?i)A(é?)", "$1-", r"\1-"),
    (r"\\", "/", "/"),
    ("[0-9]", "", ""),
    ("(\n)", "${1}\\\\", r"\1\\"),
    ("(x)|(a)", "[\\1\\2]", r"[\1\2]"),
    ("🙂|日", "é", "é"),
    ("^.", "", ""),
]


def check_replace(store: Store, lines: Texts, old: str, new: str, regexp: tuple[str, str, str]) -> None:
    queries = (
        (f"replace ({quoted(old)}, {quoted(new)})", lambda text: text.replace(old, new)),
        (
            f"replace_regexp ({quoted(regexp[0])}, {quoted(regexp[1])})",
            lambda text: re.sub(regexp[0], regexp[2], text, flags=re.DOTALL),
        ),
    )
    for stage, change in queries:
        changed = found(store, f"{with_texts(lines)} | {stage} in m")
        assert {record.pod: json.loads(record.made.get("m", '""')) for record in changed} == {
            pod: typed(change(text)) for pod, text in zip(PODS, lines, strict=True)
        }
        in_message = found(store, f"{with_texts(lines, 'message')} | {stage}")
        assert {record.pod: record.message for record in in_message} == {
            pod: change(text) for pod, text in zip(PODS, lines, strict=True)
        }


replace_case = (each(texts), texts.filter(bool), texts, st.sampled_from(REPLACEMENTS))


@quick
@given(*replace_case)
def test_replace_gives_what_python_gives(
    store: Store, lines: Texts, old: str, new: str, regexp: tuple[str, str, str]
) -> None:
    check_replace(store, lines, old, new, regexp)


# mask and decolorize: words with secrets, or codes, between them.
SECRETS = {
    "email": ["ann@example.com", "a.b+c@x-y.co.uk"],
    "ip": ["10.1.2.3", "255.255.255.255", "fd00::5", "2001:db8:0:1:2:3:4:5", "::1"],
    "card": ["4111 1111 1111 1111", "5500-0000-0000-0004"],
    "token": ["Bearer abcdefgh.12-_", "eyJhbGci.eyJzdWIi.abc_d-e"],
    "uuid": ["123e4567-e89b-12d3-a456-426614174000"],
    "hex": ["0xDEADbeef", "0123456789abcdef0"],
    "number": ["7", "3.25", "10000", "2026"],
}
USUAL = ("email", "ip", "card", "token")
plain_words = st.sampled_from(["user", "é", "[a]", '"q"', "it's", "x:", "/path/", "a_b", "{", "\n", "日本"])
# Alone one may look like another: a card holds numbers.
secrets = st.sampled_from([(kind, text) for kind, several in SECRETS.items() for text in several])
mask_lines = st.lists(st.one_of(plain_words.map(lambda word: ("", word)), secrets), max_size=6)


def check_mask(store: Store, kinds: list[str], lines: list[list[tuple[str, str]]]) -> None:
    chosen = set(kinds or USUAL)
    # A secret that is not asked for is left out where a kind that is would see a part of it.
    alike = {"number": set(SECRETS), "hex": {"card", "uuid", "token"}, "card": {"uuid", "hex"}}
    hidden = set().union(*(alike.get(kind, set()) for kind in chosen)) - chosen
    kept = [[(kind, text) for kind, text in line if kind not in hidden] for line in lines]
    original = [" ".join(text for _, text in line) for line in kept]
    masked = [" ".join(f"<{kind}>" if kind in chosen else text for kind, text in line) for line in kept]
    stage = f"mask {', '.join(kinds)}".strip()
    for text in (f"{stage} in m", stage):
        changed = found(store, f"{with_texts(original)} | {text}")
        assert {record.pod: json.loads(record.made.get("m", '""')) for record in changed} == {
            pod: typed(text) for pod, text in zip(PODS, masked, strict=True)
        }


mask_case = (st.lists(st.sampled_from(sorted(SECRETS)), max_size=4, unique=True), each(mask_lines))


@quick
@given(*mask_case)
def test_mask_hides_each_secret_and_nothing_else(
    store: Store, kinds: list[str], lines: list[list[tuple[str, str]]]
) -> None:
    check_mask(store, kinds, lines)


codes = st.sampled_from(
    ["\x1b[31m", "\x1b[0m", "\x1b[m", "\x1b[1;32m", "\x1b[38;5;200m", "\x1b[2K", "\x1b[48:2:1:2:3m"]
)
coloured = st.lists(st.tuples(st.text("ab[]m 0;é\n", max_size=4), codes), max_size=5)


def check_decolorize(store: Store, lines: list[list[tuple[str, str]]]) -> None:
    with_codes = ["".join(text + code for text, code in line) for line in lines]
    changed = found(store, f"{with_texts(with_codes)} | decolorize")
    assert {record.pod: json.loads(record.made.get("m", '""')) for record in changed} == {
        pod: typed("".join(text for text, _ in line)) for pod, line in zip(PODS, lines, strict=True)
    }


@quick
@given(each(coloured))
def test_decolorize_leaves_the_text(store: Store, lines: list[list[tuple[str, str]]]) -> None:
    check_decolorize(store, lines)


# unroll: lists of values; what is no list is one.
# Numbers are written in ClickHouse's way, so those that Python writes otherwise are left out.
list_items = st.one_of(st.none(), st.booleans(), st.integers(-(10**9), 10**9), st.sampled_from([0.5]), texts)
lists = st.lists(st.one_of(list_items, st.lists(st.integers(0, 9), max_size=2)), max_size=4)
no_lists = st.sampled_from(["", "plain", "[", "[1, 2", "[] more", '"[1]"', "{}", "null", "[1]]"])


def check_unroll(store: Store, values: list[Any]) -> None:
    lines = [value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) for value in values]
    rows = found(store, f"{with_texts(lines)} | unroll m")
    wanted: Counter[tuple[int, str]] = Counter()
    for id, pod in SOURCES.items():
        value = values[PODS.index(pod)]
        for item in value or [""] if isinstance(value, list) else [value]:
            wanted[id, json.dumps(typed(item if isinstance(item, str) else unrolled(item)))] += 1
    assert Counter((row.source_id, json.dumps(json.loads(row.made.get("m", '""')))) for row in rows) == wanted


def unrolled(item: Any) -> str:
    return "" if item is None else json.dumps(item, ensure_ascii=False, separators=(",", ":"))


@quick
@given(each(st.one_of(lists, lists, no_lists)))
def test_unroll_gives_a_row_for_each_item(store: Store, values: list[Any]) -> None:
    check_unroll(store, values)


# Functions of texts.
FUNCTIONS: dict[str, Callable[[str], str | float | None]] = {
    "length(m)": len,
    "upper(m)": str.upper,
    "lower(m)": str.lower,
    'trim(concat("  ", m, " "))': lambda text: text.strip(" "),
    'coalesce(none, m, "else")': lambda text: text or "else",
    "num(m)": lambda text: float(text) if re.fullmatch(NUMBER, text) else None,
    'concat(m, "|", 2, none, m)': lambda text: f"{text}|2{text}",
    "length(m) / length(trim(m))": lambda text: len(text) / len(text.strip(" ")) if text.strip(" ") else None,
    'if (m contains "a" or missing(m)) m else 1': lambda text: text if "a" in text or not text else "1",
    "if (has(m)) length(m) else none": lambda text: len(text) if text else None,
}


def check_functions(store: Store, lines: Texts) -> None:
    listed = ", ".join(f"f{place} = {text}" for place, text in enumerate(FUNCTIONS))
    records = made(found(store, f"{with_texts(lines)} | eval none = 1 / 0 | eval {listed}"))
    for pod, text in zip(PODS, lines, strict=True):
        for place, (function, compute) in enumerate(FUNCTIONS.items()):
            value = compute(text)
            wanted = typed(value) if isinstance(value, str) else value
            assert records[pod].get(f"f{place}", None if value is None else "") == wanted, (function, text)


# Other letters have more than one capital in one library or the other.
ascii_texts = texts.filter(lambda text: "\x1b" not in text)


@quick
@given(each(ascii_texts))
def test_functions_of_texts_give_what_python_gives(store: Store, lines: Texts) -> None:
    check_functions(store, lines)


DEEP: list[tuple[Callable[..., None], tuple[st.SearchStrategy[Any], ...]]] = [
    (check_json, json_case),
    (check_logfmt, logfmt_case),
    (check_pattern, (patterns(), prefixes)),
    (check_regexp, (each(texts), st.sampled_from(REGEXES))),
    (check_syslog, (each(st.one_of(new_syslog(), old_syslog())),)),
    (check_format, (each(texts), format_parts)),
    (check_replace, replace_case),
    (check_mask, mask_case),
    (check_decolorize, (each(coloured),)),
    (check_unroll, (each(st.one_of(lists, lists, no_lists)),)),
    (check_functions, (each(ascii_texts),)),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("check", "case"), DEEP, ids=[check.__name__.removeprefix("check_") for check, _ in DEEP]
)
def test_many_random_texts(
    store: Store, check: Callable[..., None], case: tuple[st.SearchStrategy[Any], ...]
) -> None:
    @deep
    @given(st.tuples(*case))
    def run(values: tuple[Any, ...]) -> None:
        check(store, *values)

    run()
