"""The queries in the documentation are read and compiled, and its lists are complete."""

import re
from pathlib import Path

import pytest
from query.records import END, NOW, START

from loghouse.query import TimeRange, compile, parse
from loghouse.query.columns import COLUMNS
from loghouse.query.stages import STAGES
from loghouse.query.stages.functions import FUNCTIONS

PAGE = (Path(__file__).parents[2] / "docs" / "query-language.md").read_text("utf-8")
EXAMPLES = [line for block in re.findall(r"```lql\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]


def test_there_are_examples() -> None:
    assert len(EXAMPLES) > 30


@pytest.mark.parametrize("text", EXAMPLES)
def test_example_compiles_and_prints_back(text: str) -> None:
    query = parse(text)
    assert query.notices == ()
    assert parse(str(query)) == query
    assert compile(query, TimeRange(START, END), limit=10, now_ns=NOW).sql


@pytest.mark.parametrize("name", [*COLUMNS, *STAGES, *FUNCTIONS])
def test_each_name_is_documented(name: str) -> None:
    assert re.search(rf"`[^`]*{re.escape(name)}\b", PAGE)
