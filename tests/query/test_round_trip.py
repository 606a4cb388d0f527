"""A query, printed and read again, is the same tree; no text makes the parser fail but with its own error."""

import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from query.records import END, NOW, START
from query.test_filters_find import FILTERS

from loghouse.errors import QueryError
from loghouse.query import TimeRange, compile, parse
from loghouse.query.ast import (
    Compare,
    Contains,
    Everything,
    FieldText,
    Filter,
    Glob,
    Has,
    In,
    InNetwork,
    IsBool,
    IsNull,
    Key,
    Like,
    Missing,
    Not,
    Range,
    Regex,
    Sequence,
    Text,
    Value,
    all_of,
    any_of,
)
from loghouse.query.columns import COLUMNS

WINDOW = TimeRange(START, END)

# As it is written -> as it is printed.
CANONICAL = {
    "": "*",
    "*": "*",
    "  error  ": "error",
    "# all of it\n error # the word\n -redis": "error and not redis",
    "error redis": "error and redis",
    "error AND redis OR NOT x": "error and redis or not x",
    "a (b c) d": "a and b and c and d",
    "a or (b or c)": "a or b or c",
    "a=1 or b=2 and not (c=3 or d=4)": "a = 1 or b = 2 and not (c = 3 or d = 4)",
    "host=kube-1 and log.level > 10": "host = kube-1 and log.level > 10",
    'a="x"': "a = x",
    'a="5"': 'a = "5"',
    "a='it''s'": None,
    "log !~ (warning|info)": 'log !~ "(warning|info)"',
    "a =~ x|y": 'a =~ "x|y"',
    r'a =~ "\d+\b"': r"a =~ \d+\b",
    "a =~ /err.*/i": 'a =~ "(?i)err.*"',
    "a =~ /var/log": 'a =~ "/var/log"',
    "label.component=x": "~component = x",
    "labels.a.b/c != x": "~a.b/c != x",
    "`my field` = 5": "`my field` = 5",
    "status:(500 or 502)": "status:500 or status:502",
    "status:(>=500 <600)": "status >= 500 and status < 600",
    'trace_id:="4bf92f35"': "trace_id == 4bf92f35",
    "f:!=x": "not f == x",
    "f:*": "has(f)",
    'f:""': "missing(f)",
    "f:~x": "f =~ x",
    "f:range[1, 5)": "f:range[1, 5)",
    "f:[1 TO *]": "f:range[1, *]",
    "f:in(a,b)": "f in (a, b)",
    "f:ip(10.1.2.3)": "f:ip(10.1.2.3/32)",
    'i("Ab c"*)': '"Ab c"*',
    "Error: failed": "Error:failed",
    "http://x/y?a=1": '"http://x/y?a=1"',
    "10:15": '"10:15"',
    "localhost:8080": '"localhost:8080"',
    "status is null": "status is null",
    "value is nullable": 'value and "is" and nullable',
    "looks like rain": 'looks and "like" and rain',
    '"and" "or"': '"and" and "or"',
    "_time:5m": "_time:5m",
    "_time:[2026-08-01T10:00Z, 2026-08-01T11:00Z) oom*": (
        "_time:range[2026-08-01T10:00Z, 2026-08-01T11:00Z) and oom*"
    ),
    "a = x) b": 'a = "x)" and b',
    "(a = (x)) b": 'a = "(x)" and b',
    "error|count()": "error | stats count()",
    "error | stats by (level, pod) count()": "error | stats count() by level, pod",
    "| stats count() n, p95(t) as slow by _time:5m": "* | stats count() as n, p95(t) as slow by _time:5m",
    '| eval x = if ("a, b") 1 else 2': '* | eval x = if ("a, b") 1 else 2',
    "| eval x = if (`a, b` = 'c, d') 1 else 2": '* | eval x = if (`a, b` = "c, d") 1 else 2',
    "| eval x = if (user:a, and b) 1 else 2": "* | eval x = if (user:a, and b) 1 else 2",
    "| stats dc(user) if (a=1 or b=2) x": "* | stats count_uniq(user) if (a = 1 or b = 2) as x",
    "| stats quantile(0.9, t)": "* | stats quantile(0.9, t)",
    "| timechart 5m by level": "* | hist 5m by level",
    "| hist": "* | hist",
    "| sort by (a desc, b)": "* | sort a desc, b",
    "| sort (a, b) desc": "* | sort a desc, b desc",
    "| head 5 | offset 2": "* | limit 5 | offset 2",
    "| keep a, ~b | drop c": "* | fields a, ~b | drop c",
    "| dedup trace_id keep first": "* | uniq by trace_id",
    "| uniq keep last": "* | uniq keep last",
    "| top uri": "* | top 10 uri",
    "| rare 3 by a, b": "* | rare 3 a, b",
    "| status>=500": "* | where status >= 500",
    "| (a or b)": "* | where a or b",
    "| 'a phrase'": '* | where "a phrase"',
    "| limit = 5": "* | where limit = 5",
    "a|b|": None,
}


@pytest.mark.parametrize("text", [*FILTERS, *(text for text, printed in CANONICAL.items() if printed)])
def test_accepted_query_prints_and_reads_back(text: str) -> None:
    query = parse(text)
    assert parse(str(query)) == query
    assert str(parse(str(query))) == str(query)


@pytest.mark.parametrize(("text", "printed"), CANONICAL.items())
def test_canonical_form(text: str, printed: str | None) -> None:
    if printed is None:
        with pytest.raises(QueryError):
            parse(text)
    else:
        assert str(parse(text)) == printed


@pytest.mark.parametrize(
    ("text", "swallowed"),
    [
        ("path=/x|count()", True),
        ("a =~ x|limit", True),
        ("a =~ x|y", False),
        ("a =~ x | limit 5", False),
        ("error|limit 5", False),
    ],
)
def test_a_bar_inside_a_value_is_noticed_when_a_stage_follows_it(text: str, swallowed: bool) -> None:
    notices = parse(text).notices
    assert bool(notices) == swallowed
    assert all("put a space before it" in notice.message for notice in notices)


# Random trees. Only what the parser can give: flat and/or, keys and numbers it would read back.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=12)
plain_texts = st.one_of(
    texts, st.sampled_from(["a b", "5", "true", 'x"y', "a\\", "\\n", "it's", "|", ")", "%", "*"])
)
names = st.from_regex(r"[A-Za-z@_][A-Za-z0-9_.@-]{0,8}", fullmatch=True).filter(
    lambda name: name.lower() not in ("and", "or", "not") and not name.startswith(("label.", "labels."))
)
keys = st.one_of(
    names.map(Key),
    st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_./@-]{0,8}", fullmatch=True).map(lambda name: Key(name, "label")),
    texts.filter(lambda text: "`" not in text).map(lambda text: Key(text, "literal")),
    st.just(Key("*", "any")),
)
values = st.builds(Value.read, plain_texts, st.booleans())
words = plain_texts.filter(lambda text: text != "")
not_time = keys.filter(lambda key: COLUMNS.get(key.name) != "timestamp")
leaves: st.SearchStrategy[Filter] = st.one_of(
    st.builds(Text, words, st.booleans()),
    st.sampled_from(["x", "a|b", r"\d+", "(?i)x"]).map(Regex),
    st.builds(Compare, keys, st.sampled_from(["=", "==", "!=", ">", "<", ">=", "<="]), values),
    st.builds(
        Compare,
        keys,
        st.sampled_from(["=~", "!~"]),
        st.sampled_from(["x", "a|b", r"\d+ [x]", "^(a)$", '"', "/a/"]).map(Value),
    ),
    st.builds(FieldText, not_time, values),
    st.builds(lambda key, text: Glob(key, (text, "")), keys, words),
    st.builds(
        Glob,
        keys,
        st.lists(st.from_regex(r"[a-z0-9./@]{1,4}", fullmatch=True), min_size=1, max_size=3).map(
            lambda parts: ("", *parts, "")
        ),
    ),
    st.builds(In, keys, st.lists(values, min_size=1, max_size=3).map(tuple), st.booleans()),
    st.builds(Contains, keys, plain_texts, st.booleans()),
    st.builds(Like, keys, plain_texts, st.booleans(), st.booleans()),
    st.builds(IsNull, keys, st.booleans()),
    st.builds(IsBool, keys, st.booleans()),
    st.builds(Has, keys),
    st.builds(Missing, keys),
    st.builds(Range, keys, values, st.one_of(st.none(), values), st.booleans(), st.booleans()),
    st.sampled_from(["10.0.0.0/8", "fd00::/8"]).flatmap(
        lambda network: keys.map(lambda key: InNetwork(key, network))
    ),
    st.builds(Sequence, keys, st.lists(words, min_size=1, max_size=3).map(tuple)),
    st.just(Everything()),
)
filters = st.recursive(
    leaves,
    lambda inner: st.one_of(
        inner.map(Not),
        st.lists(inner, min_size=2, max_size=3).map(all_of),
        st.lists(inner, min_size=2, max_size=3).map(any_of),
    ),
    max_leaves=8,
)


@settings(max_examples=400, deadline=None)
@given(filters)
def test_random_trees_print_and_read_back(tree: Filter) -> None:
    read = parse(str(tree)).filter
    assert (Everything() if read is None else read) == tree


PIECES = [
    *"()[]{}|,:;=!<>~*-#\"'`\\/&+%^$ \n\t0",
    *re.findall(
        r"\S+",
        """and or not in is null like has( missing( i( seq( in( ip( range[ _time: ~x level status =
        =~ >= 500 5m
        | stats count() by if as hist 5m sort limit 10 fields top uniq keep last where p95( quantile(0.5,""",
    ),
    *("a", "x=1", "err*", "(?i)", "now-5m", "ошибка", "\ud83d\ude00", "{app=", '"x"', "select", "from"),
]


@settings(max_examples=600, deadline=None)
@given(
    st.one_of(
        st.text(max_size=60),
        st.lists(st.sampled_from(PIECES), max_size=14).map(" ".join),
        st.lists(st.sampled_from(PIECES), max_size=14).map("".join),
    )
)
def test_any_text_is_a_query_or_a_query_error(text: str) -> None:
    try:
        query = parse(text)
        assert parse(str(query)) == query
        compile(query, WINDOW, limit=10, now_ns=NOW)
    except QueryError as error:
        assert error.text == text or error.text == ""
        assert 0 <= error.start <= error.end <= len(text)
        assert error.message


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5000,
        "not " * 4000,
        "-" * 9000 + "x",
        "x " * 9000,
        "x" * 50_000,
        "a:(" * 3000,
        "| limit 1 " * 1500,
        f"a in ({'1,' * 5000}1)",
        "a = 1e999999",
        f"a > {'9' * 5000}",
        f"| limit {'9' * 6000}",
        f"_time:{'9' * 6000}w",
        f"| stats quantile({'9' * 5000}, x)",
    ],
)
def test_monstrous_queries_are_refused_or_read(text: str) -> None:
    try:
        compile(parse(text), WINDOW, limit=10, now_ns=NOW)
    except QueryError as error:
        assert len(error.message) < 300


def test_infinite_numbers_are_text() -> None:
    value = Value("1e999")
    assert value.number is None or math.isfinite(value.number)
