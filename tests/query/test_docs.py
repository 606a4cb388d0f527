"""The queries in the documentation are read and run, and its lists are complete."""

import re
from pathlib import Path

import pytest
from query.records import END, NOW, START

from loghouse.query import TimeRange, compile, parse
from loghouse.query.columns import COLUMNS
from loghouse.query.stages import STAGES
from loghouse.query.stages.expressions import FUNCTIONS as OF_EVAL
from loghouse.query.stages.functions import FUNCTIONS
from loghouse.query.stages.mask import KINDS as MASKED
from loghouse.store.client import Store

PAGE = (Path(__file__).parents[2] / "docs" / "query-language.md").read_text("utf-8")
EXAMPLES = [line for block in re.findall(r"```lql\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]


def test_there_are_examples() -> None:
    assert len(EXAMPLES) > 30


@pytest.mark.parametrize("text", EXAMPLES)
def test_example_runs_and_prints_back(store: Store, text: str) -> None:
    query = parse(text)
    assert query.notices == ()
    assert parse(str(query)) == query
    compiled = compile(query, TimeRange(START, END), limit=10, now_ns=NOW)
    rows = store.rows(compiled.sql, compiled.params, compiled.settings)
    assert all(len(row) == len(compiled.columns) for row in rows)


@pytest.mark.parametrize("name", [*COLUMNS, *STAGES, *FUNCTIONS, *OF_EVAL, *MASKED])
def test_each_name_is_documented(name: str) -> None:
    assert re.search(rf"`[^`]*{re.escape(name)}\b", PAGE)
