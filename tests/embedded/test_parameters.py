"""Values of query parameters arrive as they are and are never read as SQL."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from embedded.clients import driver
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loghouse.config import StoreUrl

HOSTILE = [
    "", "'", "''", "it's", "\\", "\\\\", "\\'", "a\\", "\0", "a\0b", "line\nline\r\n", "tab\there",
    "\b\f\v\a", "{x:String}", "'; DROP DATABASE loghouse; --", "/* */", "--", "NULL", "\\N", "\\x41",
    "zażółć 💥", "\u2028", '`"',
]  # fmt: skip


@pytest.fixture(scope="module")
def client(store_url: StoreUrl) -> Iterator[Any]:
    with driver(store_url, settings={"server_side_params": True}) as client:
        yield client


@pytest.mark.parametrize("value", HOSTILE)
def test_a_hostile_text_comes_back(client: Any, value: str) -> None:
    assert client.execute("SELECT {x:String}, length({x:String})", {"x": value}) == [
        (value, len(value.encode()))
    ]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=50))
def test_any_text_comes_back(client: Any, value: str) -> None:
    assert client.execute("SELECT {x:String}", {"x": value}) == [(value,)]


def test_other_types_come_back(client: Any) -> None:
    sql = "SELECT {n:Int64}, {f:Float64}, {l:Array(String)}, {d:Date}, {t:Identifier} FROM (SELECT 5 AS col)"
    given_values = {"n": -5, "f": 1.5, "l": ["a'b", "c\\d", "e\nf"], "d": dt.date(2026, 1, 1), "t": "col"}
    assert client.execute(sql, given_values) == [(-5, 1.5, ["a'b", "c\\d", "e\nf"], dt.date(2026, 1, 1), 5)]


def test_a_parameter_belongs_to_its_query(client: Any) -> None:
    from clickhouse_driver.errors import ServerException

    assert client.execute("SELECT {x:String}", {"x": "a"}) == [("a",)]
    with pytest.raises(ServerException) as caught:
        client.execute("SELECT {x:String}", {})
    assert caught.value.code == 456


def test_parameters_in_statements_that_are_no_select(client: Any) -> None:
    client.execute("CREATE TABLE given_names (s String) ENGINE = Memory")
    client.execute("INSERT INTO given_names SELECT {x:String}", {"x": "it's"})
    assert client.execute("SELECT * FROM given_names WHERE s = {x:String}", {"x": "it's"}) == [("it's",)]
    assert client.execute("DESCRIBE TABLE {t:Identifier}", {"t": "given_names"})[0][0] == "s"
