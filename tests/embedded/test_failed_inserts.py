"""An insert that could not be stored is never acknowledged, wherever in it the engine fails."""

from collections.abc import Iterator

import pytest
from embedded.clients import driver

from loghouse.config import StoreUrl


@pytest.fixture
def client(store_url: StoreUrl) -> Iterator[object]:
    with driver(store_url) as client:
        client.execute("DROP TABLE IF EXISTS small, source, cascade SYNC")
        client.execute("CREATE TABLE small (a Int32, CONSTRAINT c CHECK a < 5) ENGINE = MergeTree ORDER BY a")
        client.execute("CREATE TABLE source (a Int32) ENGINE = Null")
        client.execute("CREATE MATERIALIZED VIEW cascade TO small AS SELECT a FROM source")
        yield client
        client.execute("DROP TABLE IF EXISTS small, source, cascade SYNC")


@pytest.mark.parametrize("table", ["small", "source"])
@pytest.mark.parametrize("first", [[], [[1]] * 10])
def test_rows_that_the_last_step_refuses(client, table: str, first: list[list[int]]) -> None:
    from clickhouse_driver.errors import ServerException

    with pytest.raises(ServerException, match="Constraint") as error:
        client.execute(f"INSERT INTO {table} VALUES", [*first, [7]], settings={"insert_block_size": 3})
    assert error.value.code == 469
    client.execute(f"INSERT INTO {table} VALUES", [[2]])
    assert client.execute("SELECT count() FROM small WHERE a != 1") == [(1,)]


def test_a_table_dropped_in_the_middle(client) -> None:
    from clickhouse_driver.errors import ServerException

    client.execute("DROP TABLE small SYNC")
    with pytest.raises(ServerException):
        client.execute("INSERT INTO source VALUES", [[1]])


def test_an_insert_without_rows_and_one_with_settings(client) -> None:
    client.execute("INSERT INTO small VALUES", [])
    client.execute("INSERT INTO small (a) SETTINGS async_insert = 0 VALUES", [[3]])
    assert client.execute("SELECT a FROM small") == [(3,)]
