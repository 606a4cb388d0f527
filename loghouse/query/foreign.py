"""Recognises what people paste from LogQL, LogsQL, KQL, Lucene and SQL, and shows how LQL says it.

Nothing here is part of the language: each function looks at a place where the parser is stuck and either
gives the error with the LQL spelling of the same query, or None.
"""

import re

from loghouse.errors import QueryError
from loghouse.query import spelling
from loghouse.query.ast import Key
from loghouse.query.columns import COLUMNS
from loghouse.query.lateregex import late_regex
from loghouse.query.tokens import Scanner

_STRING = r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|`[^`]*`"
_MATCHER = late_regex(rf"\s*([A-Za-z_][\w.]*)\s*(=~|!~|!=|=)\s*({_STRING})\s*,?")
_LINE_FILTER = late_regex(rf"\s*(\|=|!=|\|~|!~)\s*((?:{_STRING})(?:\s+or\s+(?:{_STRING}))*)")
_LINE_TEST = {"|=": "contains", "!=": "not contains", "|~": "=~", "!~": "!~"}
_ONE_STRING = late_regex(_STRING)
_ALTERNATIVES = late_regex(r"[\w-]+(?:\|[\w-]+)+")
_SELECT = late_regex(
    r"\s*select\s+(?P<columns>.*?)\s+from\s+\S+(?:\s+where\s+(?P<where>.*?))?(?:\s+group\s+by\s+(?P<group>.*?))?"
    r"(?:\s+order\s+by\s+(?P<order>.*?))?(?:\s+limit\s+(?P<limit>\d+))?\s*;?\s*",
    re.IGNORECASE | re.DOTALL,
)
_LOGQL_METRIC = late_regex(
    r"(?P<outer>.*?)(?P<function>\w+_over_time|rate|bytes_rate)\s*\((?P<inner>.*?)\[(?P<step>\w+)\]",
    re.DOTALL,
)
_UNPACKING_STAGE = late_regex(r"\|\s*(?:json|logfmt|unpack)\b\s*(?=\||$)")
_BY = late_regex(r"\bby\s*\(([^)]*)\)")
_AGGREGATE = late_regex(
    r"count|count_uniq|distinct|dc|uniq_exact|sum|avg|min|max|median|quantile|stddev|rate|bytes|values|p\d{2,4}"
)
_EXISTS = late_regex(r"_exists_:\s*([\w.@-]+)")
_LOGSQL_STREAM = late_regex(r"_stream\s*:\s*\{")
_STREAM_BEFORE = late_regex(r"_stream\s*:$")
_PLUS_SIGN = late_regex(r"\+(?=[\w\"'`])")
_LONE_OPERATOR = late_regex(r"=~|==|!=|!~|>=|<=|[=<>]")
_LONE_NEGATION = late_regex(r"[!-](?=\s|$)")
_PATTERN_FILTER = late_regex(r"[|!]>")
_LINE_FILTER_SIGN = late_regex(r"\|[=~]")
_OPEN_RANGE = late_regex(r"\{\s*(\S+)\s+TO\s+(\S+?)\s*\}")
_NESTED = late_regex(r"\{\s*([\w.]+)\s*:\s*([^{}]*?)\s*\}")
_LOGSQL_CALLS = {
    "re": ':~"regex"',
    "exact": ':="text"',
    "eq_field": " = value",
    "contains_any": ":(a or b)",
    "contains_all": ":(a and b)",
    "ipv4_range": ":ip(10.0.0.0/8)",
    "ipv6_range": ":ip(fd00::/8)",
    "equals_common_case": ':i("text")',
    "string_range": ":range[a, b)",
    "len_range": ' =~ "^.{1,5}$"',
}


def term(scan: Scanner) -> QueryError | None:
    """The error for a term that starts as none of ours does."""
    start = scan.pos
    if scan.sees("{"):
        return _selector(scan)
    if not scan.text[:start].strip() and (select := _SELECT.fullmatch(scan.text)) is not None:
        return scan.span(0, len(scan.text)).error("this is SQL", f"Write: {_from_sql(select)}")
    if scan.sees("&&"):
        return scan.span(start, start + 2).error('"&&" is not an operator here', "Write: and")
    if found := scan.looking_at(_EXISTS):
        return scan.span(start, found.end()).error(
            "_exists_ is the spelling of Lucene", f"Write: has({found.group(1)})"
        )
    if scan.looking_at(_LOGSQL_STREAM):
        scan.pos = scan.text.index("{", start)
        return _selector(scan)
    if found := scan.looking_at(_PLUS_SIGN):
        return scan.span(start, start + 1).error("a term that must match has no sign here", "Leave out the +")
    if found := scan.looking_at(_LINE_FILTER):
        return line_filter(scan)
    if found := scan.looking_at(_LONE_OPERATOR):
        return scan.span(start, found.end()).error(
            f'expected the name of a field before "{found.group()}"', f"Write: field {found.group()} value"
        )
    if found := scan.looking_at(_LONE_NEGATION):
        return scan.span(start, start + 1).error(
            f'"{found.group()}" stands directly before what it excludes', "Write: -word, or: not word"
        )
    return None


def line_filter(scan: Scanner) -> QueryError | None:
    """The error for `|= "text"`, `|~`, `!=`, `!~` and `|>` where a term or a stage could start."""
    start = scan.pos
    found = scan.looking_at(_LINE_FILTER)
    if found is not None:
        return scan.span(start, found.end()).error(
            f'"{found.group(1)}" is a line filter of LogQL', f"Write: {_with_line_filters(scan.text, start)}"
        )
    if scan.looking_at(_PATTERN_FILTER):
        return scan.span(start, start + 2).error(
            "a pattern filter of LogQL is not part of the language", 'Write: raw like "%text%text%"'
        )
    if scan.looking_at(_LINE_FILTER_SIGN):
        return scan.span(start, start + 2).error(
            "a line filter of LogQL is not part of the language",
            'Write: raw contains "text", or raw =~ "regex"',
        )
    return None


def line_filter_after(scan: Scanner) -> QueryError | None:
    """The same, when white space may stand before it."""
    scan.skip_space()
    return line_filter(scan)


def call(scan: Scanner, name: str, start: int) -> QueryError | None:
    """The error for a function of another language, or for one of ours that belongs behind a bar."""
    place = scan.span(start, start + len(name))
    if (metric := _LOGQL_METRIC.match(scan.text)) is not None and "{" in scan.text:
        return scan.span(0, len(scan.text)).error(
            "this is a metric query of LogQL", f"Write: {_from_metric(metric)}"
        )
    if _AGGREGATE.fullmatch(name):
        return place.error(f"{name} is a function of the stage stats", f"Put a bar before it: | {name}(...)")
    if name in _LOGSQL_CALLS:
        return place.error(f"{name}( ) is a function of LogsQL", f"Write: field{_LOGSQL_CALLS[name]}")
    return None


def colon_value(scan: Scanner, key: Key) -> QueryError | None:
    """The error for `key:{...}`: a nested query of KQL, an exclusive range of Lucene, a stream of LogsQL."""
    if not scan.sees("{"):
        return None
    place = scan.span(scan.pos, scan.pos + 1)
    if found := scan.looking_at(_OPEN_RANGE):
        low, high = found.groups()
        return place.error(
            "a range that leaves out its ends is written with ( )", f"Write: {key}:range({low}, {high})"
        )
    if found := scan.looking_at(_NESTED):
        return place.error("nested queries of KQL are not needed here", f"Write: {key}.{found[1]}:{found[2]}")
    return place.error(
        "braces are not part of the language", f"Write the full name of the field, like {key}.name"
    )


def _selector(scan: Scanner) -> QueryError:
    start = scan.pos
    closing = scan.text.find("}", start)
    place = scan.span(start, len(scan.text) if closing < 0 else closing + 1)
    translated = _with_line_filters(scan.text, start)
    return place.error("a stream selector of LogQL is not part of the language", f"Write: {translated}")


def _with_line_filters(text: str, start: int) -> str:
    """The query with everything LogQL from `start` on spelled in LQL."""
    before, pos, terms = text[:start].strip(), start, []
    if (stream := _STREAM_BEFORE.search(before)) is not None:
        before = before[: stream.start()].strip()
    if text.startswith("{", pos):
        pos += 1
        while (found := _MATCHER.match(text, pos)) is not None:
            terms.append(_matcher(*found.groups()))
            pos = found.end()
        closing = text.find("}", pos)
        pos = len(text) if closing < 0 else closing + 1
    while (found := _LINE_FILTER.match(text, pos)) is not None:
        terms.append(_line_test(found.group(1), found.group(2)))
        pos = found.end()
    rest = _UNPACKING_STAGE.sub("", text[pos:]).strip()
    query = " and ".join(([before] if before else []) + terms) or "*"
    return f"{query} {rest}".strip()


def _matcher(name: str, operator: str, string: str) -> str:
    key = name if name in COLUMNS else f"~{name}"
    text = _inner(string)
    if operator in ("=", "!="):
        return f"{key} {operator} {spelling.value(text)}"
    if _ALTERNATIVES.fullmatch(text):
        negation = "not " if operator == "!~" else ""
        return f"{key} {negation}in ({', '.join(text.split('|'))})"
    return f"{key} {operator} {spelling.quoted(f'^(?:{text})$')}"


def _line_test(operator: str, strings: str) -> str:
    tests = [f"raw {_LINE_TEST[operator]} {string}" for string in _ONE_STRING.findall(strings)]
    if len(tests) == 1:
        return tests[0]
    joined = (" or " if operator[0] == "|" else " and ").join(tests)
    return f"({joined})"


def _inner(string: str) -> str:
    text = string[1:-1]
    return text if string[0] == "`" else text.replace('\\"', '"').replace("\\\\", "\\")


def _from_metric(metric: re.Match[str]) -> str:
    inner = metric["inner"].strip()
    by = _BY.search(metric.string)
    stage = f"hist {metric['step']}" + (f" by {by.group(1).strip()}" if by and by.group(1).strip() else "")
    return f"{_with_line_filters(inner, inner.index('{')) if '{' in inner else '*'} | {stage}"


def _from_sql(select: re.Match[str]) -> str:
    columns = select["columns"].strip()
    parts = [(select["where"] or "*").strip().replace("<>", "!=")]
    if "(" in columns:
        functions = re.sub(r"\(\s*[*1]?\s*\)", "()", columns)
        calls = ", ".join(part for part in re.split(r",\s*(?![^()]*\))", functions) if "(" in part)
        parts.append(f"stats {calls}" + (f" by {select['group'].strip()}" if select["group"] else ""))
    if select["order"]:
        parts.append(f"sort {select['order'].strip()}")
    if "(" not in columns and columns != "*":
        parts.append(f"fields {columns}")
    if select["limit"]:
        parts.append(f"limit {select['limit']}")
    return " | ".join(parts)


_STAGES = {
    "take": "limit 100",
    "project": "fields a, b",
    "project-away": "drop a, b",
    "extend": "eval a = b / c",
    "parse": "pattern '<ip> <_>'",
    "rex": "regexp '(?P<name>[0-9]+)'",
    "spath": "json",
    "parse_json": "json",
    "unpack": "json",
    "mv-expand": "unroll tags",
    "mvexpand": "unroll tags",
    "eventstats": "total count() as all by pod",
    "streamstats": "running count() as so_far",
    "running_stats": "running count() as so_far",
    "total_stats": "total count() as all",
    "select": "fields a, b",
    "group": "stats count() by field",
    "having": "where n > 5",
    "unwrap": "stats sum(field)",
    "render": "hist 5m",
    "grep": "where raw contains text",
    "orderby": "sort field desc",
    "fetch": "limit 100",
    "regex": "where raw =~ regex",
    "search": "where word",
}


def stage(scan: Scanner, name: str, start: int) -> QueryError | None:
    """The error for a stage of another language."""
    if name in _STAGES:
        return scan.span(start).error(f'"{name}" is not a stage here', f"Write: | {_STAGES[name]}")
    return None
