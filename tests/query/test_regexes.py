"""A regular expression that the check lets pass runs in ClickHouse."""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loghouse.query.regex import RegexFault, required_text, undelimited, validate
from loghouse.store.client import Store

PIECES = [
    *"abé()[]{}|^$*+?.\\-/ ,:",
    *(
        r"\d",
        r"\b",
        r"\w",
        r"\1",
        r"\12",
        r"\pL",
        r"\p{Greek}",
        r"\p{Foo}",
        r"\Q",
        r"\E",
        r"\x41",
        r"\x{110000}",
    ),
    *(r"\z", r"\Z", r"\_", r"\é", "[:alpha:]", "[:foo:]"),
    *(
        "(?i)",
        "(?:",
        "(?P<x>",
        "(?=",
        "(?!",
        "(?-)",
        "(?s-i:",
        "{2}",
        "{1,3}",
        "{3,1}",
        "{1001}",
        "{500}",
        "{,3}",
    ),
]

GOOD = [
    "",
    "a|b",
    "(warning|info)",
    "kube-[1-9]",
    r"\d+\.\d+",
    "^$",
    "a??",
    "a{2,}?",
    "[]a]",
    "[^]]",
    "[a-]",
    "[-a]",
    r"[\w-]",
    r"[\]\\]",
    "[[:alpha:]_]",
    "(?i)x",
    "(?P<n>a)",
    "(?s:.)",
    r"\Qa(b\E",
    "a{",
    "a{,2}",
    "}",
    "]",
    r"\x{42f}",
    r"\p{Cyrillic}+",
    "(a{10}){10}",
    "()",
    "a||b",
    r"\bx\b",
    "^*",
]
BAD = [
    "(",
    ")",
    "[",
    "[b-a]",
    "*",
    "a**",
    "a{2}{3}",
    "(?=a)",
    "(?<!a)",
    r"\1",
    r"(a)\1",
    r"\k<n>",
    r"\Z",
    r"\G",
    "(?>a)",
    "a++",
    "(?#c)",
    "a{1001}",
    "(a{100}){100}",
    "\\",
    "(?P<n>a)(?P<n>b)",
    "[[:foo:]]",
    r"\p{Foo}",
    "(?",
    r"[\d-z]",
    "(?P<1>a)",
    r"\x{110000}",
    "|*",
]


def refused(pattern: str) -> bool:
    try:
        validate(pattern)
    except RegexFault as fault:
        assert 0 <= fault.start < fault.end <= len(pattern)
        return True
    return False


def test_patterns_of_re2_pass() -> None:
    assert [pattern for pattern in GOOD if refused(pattern)] == []


def test_others_are_refused() -> None:
    assert [pattern for pattern in BAD if not refused(pattern)] == []


def test_delimiters_go_only_as_a_pair() -> None:
    assert undelimited("/err.*/i") == "(?i)err.*"
    assert undelimited("/a/b/") == "a/b"
    assert undelimited("/var/log") == "/var/log"
    assert undelimited("/") == "/"


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.sampled_from(PIECES), max_size=8).map("".join), min_size=10, max_size=20))
def test_what_passes_runs(store: Store, patterns: list[str]) -> None:
    passed = [pattern for pattern in [*patterns, *GOOD] if not refused(pattern)]
    tests = ", ".join(f"match(materialize('abc'), {{p{place}:String}})" for place in range(len(passed)))
    store.rows(f"SELECT {tests}", {f"p{place}": pattern for place, pattern in enumerate(passed)})


REQUIRED = {
    "refused": "refused",
    "connection (was )?refused": "connection ",
    "user [0-9]+ logged": " logged",
    "time ?out": "time",
    "erro+r": "erro",
    "ab*c": "a",
    "a{2}b": "b",
    "one|two": "",
    "(one|two) three": " three",
    "(?i)error": "",
    "(?:x)abc": "abc",
    "(?P<n>abcdef)gh": "gh",
    "^GET /api/v1$": "GET ",
    r"\bword\b x": "word",
    r"\Qa.b\E": "",
    "[abc]def[|]x": "def",
    "": "",
    ".*": "",
    "a.b-c:d": "b-c:d",
}


@pytest.mark.parametrize("pattern", REQUIRED)
def test_text_that_every_match_holds(pattern: str) -> None:
    assert required_text(pattern) == REQUIRED[pattern]


@settings(max_examples=300, deadline=None)
@given(
    st.from_regex(r"([abc .|?*+]|\([ab|]{1,3}\)[?*+]?|\[ab\][+*]?|a\{0,2\}){1,8}", fullmatch=True), st.data()
)
def test_a_match_holds_the_required_text(pattern: str, data: st.DataObject) -> None:
    try:
        validate(pattern)
        compiled = re.compile(pattern)
    except (RegexFault, re.error):
        return
    text = data.draw(st.from_regex(compiled, fullmatch=True))
    assert required_text(pattern) in text
