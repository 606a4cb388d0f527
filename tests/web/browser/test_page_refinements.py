"""A click narrows to exactly the lines that have the value, whatever the name and the value are."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from web.browser.conftest import Site
from web.browser.reading import Reader

VALUES: list[Any] = [
    "plain",
    "two words",
    "100%",
    "%",
    "a_b",
    'quo"te',
    "it's",
    "back\\slash",
    "\\",
    "new\nline",
    "tab\there",
    "pipe | count()",
    "(paren",
    "# no comment",
    "`tick`",
    "and",
    "*",
    "-minus",
    "007",
    "1e3",
    "köln 😀",
    "<b>",
    " space ",
    12,
    12.5,
    -3,
    True,
    False,
]
NAMES = [
    "plain",
    "user.id",
    "with space",
    "level",
    "host",
    "msg",
    "and",
    "in",
    "@odd",
    "a-b",
    "1st",
    "ünï",
    'q"uote',
    "a:b",
    "x/y",
    "labels.app",
]
# How a module of the page is reached: its address changes with its content.
REFINE = 'await import(document.querySelector("script").src + "/../refine.js")'
TERMS = f"""async (pairs) => {{
    const {{ condition, fieldKey }} = {REFINE};
    const terms = (key, value) => [condition(key, value), condition(key, value, true)];
    return pairs.map(([name, value]) => terms(fieldKey(name), value));
}}"""
PATTERN = f"async (pattern) => ({REFINE}).patternCondition(pattern)"


def numbers(site: Site, namespace: str, query: str) -> set[int]:
    """Which records a query finds."""
    answer = httpx.get(
        f"{site.url}api/v1/search",
        params={"query": query, "namespace": namespace, "since": "1h", "limit": 1000},
        timeout=60,
    )
    assert answer.status_code == 200, f"{query}: {answer.text}"
    return {record["fields"]["number"] for record in answer.json()["records"]}


@pytest.mark.parametrize("which", [pytest.param("values", marks=pytest.mark.slow), "names"])
def test_conditions_find_exactly_what_was_clicked(reader: Reader, site: Site, which: str) -> None:
    pairs: list[tuple[str, Any]] = (
        [("field", value) for value in VALUES] if which == "values" else [(name, "same") for name in NAMES]
    )
    namespace = f"refined-{which}"
    at = datetime.now(UTC) - timedelta(minutes=4)
    records = [
        json.dumps({"message": "m", "number": place, name: value})
        for place, (name, value) in enumerate(pairs)
    ]
    site.source(namespace).write(
        *(record.encode() for record in records),
        at=[at + timedelta(milliseconds=place) for place in range(len(records))],
    )
    reader.open("m", ns=namespace)
    everything = set(range(len(pairs)))
    for place, (only, without) in enumerate(reader.page.evaluate(TERMS, pairs)):
        assert numbers(site, namespace, only) == {place}, only
        assert numbers(site, namespace, without) == everything - {place}, without
    # Behind another condition and before a stage as well.
    assert numbers(site, namespace, f"m {only} | fields number") == {place}, only


def test_a_pattern_finds_its_lines(reader: Reader, site: Site) -> None:
    at = datetime.now(UTC) - timedelta(minutes=4)
    texts = [
        "took 12ms (a+b) [x] at 10.0.0.1",
        "took 3s (a+b) [x] at 10.0.0.2:80",
        "took off",
        'said "hi" `there` 5',
        "a/b 1",
    ]
    site.source("refined-patterns").write(
        *(text.encode() for text in texts),
        at=[at + timedelta(seconds=second) for second in range(len(texts))],
    )
    reader.open("", ns="refined-patterns")
    patterns = httpx.get(
        f"{site.url}api/v1/patterns", params={"namespace": "refined-patterns", "since": "1h"}, timeout=60
    ).json()["patterns"]
    assert len(patterns) == 4
    for each in patterns:
        term = reader.page.evaluate(PATTERN, each["pattern"])
        reader.ask(term)
        reader.count(f"{each['count']} line{'s' * (each['count'] != 1)}")


def test_a_condition_joins_any_query(reader: Reader, site: Site) -> None:
    reader.open("")
    joined = reader.page.evaluate(
        """async () => {
            const { narrowed } = REFINE;
            return [
                narrowed("", "", "a=1"),
                narrowed("*", "*", "a=1"),
                narrowed("error", "error", "a=1"),
                narrowed("x or y", "x or y", "a=1"),
                narrowed("(x or y) z", "(x or y) z", "a=1"),
                narrowed("x|count()", "x | stats count()", "a=1"),
                narrowed("| top 5 path", "* | top 5 path", "a=1"),
                narrowed('"a | b or c"', '"a | b or c"', "a=1"),
                narrowed("error # note", "error", "a=1"),
                narrowed("error a=1", "error a=1", "a=1"),
                narrowed("f in (1, 2) | limit 5", "f in (1, 2) | limit 5", "a=1"),
            ];
        }""".replace("REFINE", REFINE)
    )
    assert joined == [
        "a=1",
        "a=1",
        "error a=1",
        "(x or y) a=1",
        "(x or y) z a=1",
        "x a=1 | stats count()",
        "a=1 | top 5 path",
        '"a | b or c" a=1',
        "error a=1",
        "error a=1",
        "f in (1, 2) a=1 | limit 5",
    ]
