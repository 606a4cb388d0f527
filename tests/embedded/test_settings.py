"""Settings hold for one query, sessions see nothing of each other."""

import pytest
from embedded.clients import driver

from loghouse.config import StoreUrl

MAX_THREADS = "SELECT getSetting('max_threads')"


def test_a_setting_holds_for_its_query_only(store_url: StoreUrl) -> None:
    with driver(store_url) as client:
        before = client.execute(MAX_THREADS)
        assert client.execute(MAX_THREADS, settings={"max_threads": 61}) == [(61,)]
        assert client.execute(MAX_THREADS) == before


def test_set_holds_for_the_session_and_only_for_it(store_url: StoreUrl) -> None:
    with driver(store_url) as client, driver(store_url) as other:
        before = other.execute(MAX_THREADS)
        client.execute("SET max_threads = 61")
        assert client.execute(MAX_THREADS, settings={"max_threads": 62}) == [(62,)]
        assert client.execute(MAX_THREADS) == [(61,)]
        assert other.execute(MAX_THREADS) == before


def test_database_and_temporary_tables_belong_to_the_session(store_url: StoreUrl) -> None:
    from clickhouse_driver.errors import ServerException

    with driver(store_url) as client, driver(store_url) as other:
        client.execute("CREATE TEMPORARY TABLE mine (a UInt8)")
        client.execute("INSERT INTO mine VALUES", [(1,)])
        client.execute("USE system")
        assert client.execute("SELECT currentDatabase(), (SELECT sum(a) FROM mine)") == [("system", 1)]
        assert other.execute("SELECT currentDatabase()") == [(store_url.database,)]
        with pytest.raises(ServerException) as caught:
            other.execute("SELECT * FROM mine")
        assert caught.value.code == 60


def test_an_unknown_setting_is_an_error_only_if_it_is_important(store_url: StoreUrl) -> None:
    from clickhouse_driver.errors import ServerException

    with driver(store_url) as client:
        assert client.execute("SELECT 1", settings={"no_such_setting": 1}) == [(1,)]
    with driver(store_url, settings_is_important=True) as client:
        with pytest.raises(ServerException, match="no_such_setting") as caught:
            client.execute("SELECT 1", settings={"no_such_setting": 1})
        assert caught.value.code == 115
    with driver(store_url) as client, pytest.raises(ServerException) as caught:
        client.execute("SELECT 1 SETTINGS no_such_setting = 1")
    assert caught.value.code == 115


def test_a_wrong_value_is_an_error_and_leaves_nothing_behind(store_url: StoreUrl) -> None:
    from clickhouse_driver.errors import ServerException

    with driver(store_url) as client:
        before = client.execute(MAX_THREADS)
        with pytest.raises(ServerException):
            client.execute("SELECT 1", settings={"max_threads": 61, "max_block_size": "abc"})
        assert client.execute(MAX_THREADS) == before


def test_a_value_cannot_become_sql(store_url: StoreUrl) -> None:
    with driver(store_url) as client:
        before = client.execute(MAX_THREADS)
        hostile = "x', max_threads = '61"
        assert client.execute("SELECT getSetting('log_comment')", settings={"log_comment": hostile})[0][
            0
        ].startswith(hostile)
        assert client.execute(MAX_THREADS) == before


def test_a_read_only_query_leaves_the_session_writable(store_url: StoreUrl) -> None:
    from clickhouse_driver.errors import ServerException

    with driver(store_url) as client, pytest.raises(ServerException) as caught:
        client.execute("CREATE TABLE never (a UInt8) ENGINE = Memory", settings={"readonly": 1})
    assert caught.value.code == 164
    with driver(store_url) as client:
        client.execute("SET max_threads = 61")
        assert client.execute("SELECT 1", settings={"readonly": 1}) == [(1,)]
        client.execute("CREATE TABLE once_writable (a UInt8) ENGINE = Memory")
        assert client.execute(MAX_THREADS) == [(61,)]


def test_after_a_read_only_query_the_settings_are_those_of_a_new_session(store_url: StoreUrl) -> None:
    changed = "SELECT name, value FROM system.settings WHERE changed AND name != 'log_comment' ORDER BY name"
    with driver(store_url) as client:
        new = client.execute(changed)
        client.execute("SELECT 1", settings={"readonly": 1})
        assert client.execute(changed) == new
        assert ("database", store_url.database) in new


def test_an_insert_with_a_known_token_is_stored_once(store_url: StoreUrl) -> None:
    with driver(store_url) as client:
        client.execute("CREATE TABLE arriving (a UInt32) ENGINE = Null")
        client.execute(
            "CREATE TABLE arrived (a UInt32) ENGINE = MergeTree ORDER BY a "
            "SETTINGS non_replicated_deduplication_window = 100"
        )
        client.execute("CREATE MATERIALIZED VIEW arrives TO arrived AS SELECT a FROM arriving")
        for token in ("one", "one", "two"):
            settings = {
                "insert_deduplication_token": token,
                "insert_deduplicate": 1,
                "deduplicate_blocks_in_dependent_materialized_views": 1,
                "async_insert": 0,
            }
            client.execute("INSERT INTO arriving VALUES", [(1,), (2,)], settings=settings)
        assert client.execute("SELECT count() FROM arrived") == [(4,)]


def test_every_insert_reaches_the_disk(store_url: StoreUrl) -> None:
    with driver(store_url) as client:
        rows = client.execute(
            "SELECT name, value FROM system.merge_tree_settings "
            "WHERE name IN ('fsync_after_insert', 'fsync_part_directory')"
        )
    assert dict(rows) == {"fsync_after_insert": "1", "fsync_part_directory": "1"}
