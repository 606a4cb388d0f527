"""Queries end when they shall: cancelled, abandoned, out of time or memory, or because the store stops."""

import signal
import socket
import threading
from pathlib import Path

import pytest
from clickhouse_driver.result import QueryInfo
from embedded.clients import driver, running, wait_for
from servers import start_embedded, stop

from loghouse.config import StoreUrl
from loghouse.embedded.engine import Engine, Running
from loghouse.embedded.watch import Watch, Watched

ENDLESS = "SELECT count() FROM numbers_mt(1000000000000) WHERE NOT ignore('{}')"
ENDLESS_ROWS = "SELECT number FROM system.numbers WHERE NOT ignore('{}')"

SLEEPY = "SELECT sleepEachRow(3), '{}' FROM numbers(100) SETTINGS max_block_size = 1"


def test_progress_is_told_while_a_query_runs(store_url: StoreUrl) -> None:
    with driver(store_url) as client:
        progress = client.execute_with_progress(ENDLESS.format("progress"))
        done = next(rows for rows, _ in progress if rows)
        assert done > 0
        client.cancel()


def test_the_engine_is_not_asked_how_far_an_insert_has_come() -> None:
    asked: list[str] = []

    class Counting(Engine):
        def __init__(self) -> None:
            pass

        def progress(self) -> dict[str, Running]:
            asked.append("progress")
            return {}

    near, far = socket.socketpair()
    watch = Watch(Counting())
    insert = Watched("insert", near, 54484, threading.Lock(), listening=False)
    query = Watched("query", near, 54484, threading.Lock())
    with near, far:
        try:
            watch.begin(insert)
            wait_for(lambda: insert.beats > 3)
            assert not asked
            watch.begin(query)
            wait_for(lambda: bool(asked))
        finally:
            watch.stop()


def test_the_rows_read_are_told_at_the_end(store_url: StoreUrl) -> None:
    with driver(store_url) as client:
        client.execute("SELECT sum(number) FROM numbers(100000)")
        assert client.last_query.progress.rows == 100_000


def test_cancel_ends_the_query_and_keeps_the_connection(store_url: StoreUrl) -> None:
    with driver(store_url) as client:
        client.connection.force_connect()
        client.connection.send_query(ENDLESS.format("cancelled"))
        client.connection.send_external_tables(None)
        wait_for(lambda: running(store_url, "cancelled"))
        client.connection.send_cancel()
        client.last_query = QueryInfo()  # progress may come before the end
        client.receive_result()
        assert not running(store_url, "cancelled")
        client.connection.is_query_executing = False
        assert client.execute("SELECT 1") == [(1,)]


def test_cancel_in_the_middle_of_rows(store_url: StoreUrl) -> None:
    with driver(store_url) as client:
        rows = client.execute_iter(ENDLESS_ROWS.format("rows"))
        assert next(rows) == (0,)
        client.cancel()
        wait_for(lambda: not running(store_url, "rows"))


@pytest.mark.parametrize("sql", [ENDLESS.format("left alone"), ENDLESS_ROWS.format("left alone")])
def test_a_client_that_goes_away_ends_its_query(store_url: StoreUrl, sql: str) -> None:
    with driver(store_url) as client:
        client.connection.force_connect()
        client.connection.send_query(sql)
        client.connection.send_external_tables(None)
        wait_for(lambda: running(store_url, "left alone"))
    wait_for(lambda: not running(store_url, "left alone"))


def test_a_client_that_gave_up_ends_its_query_before_it_closes(store_url: StoreUrl) -> None:
    sql = "SELECT number, repeat('x', 1000) FROM system.numbers WHERE NOT ignore('given up')"
    with driver(store_url) as client:
        rows = client.execute_iter(sql)
        next(rows)
        # The store waits for room in the buffers of a connection that is still there.
        client.connection.socket.shutdown(socket.SHUT_RDWR)
        wait_for(lambda: not running(store_url, "given up"))


def test_a_client_that_goes_away_in_an_insert_stores_nothing(store_url: StoreUrl) -> None:
    with driver(store_url) as watcher:
        watcher.execute("CREATE TABLE broken_off (a UInt32) ENGINE = MergeTree ORDER BY a")
        with driver(store_url) as client:
            client.connection.force_connect()
            client.connection.send_query("INSERT INTO broken_off VALUES")
            client.connection.send_external_tables(None)
            client.receive_sample_block()
            client.connection.socket.sendall(b"\x02\x00\x01")
            wait_for(lambda: running(store_url, "INSERT INTO broken_off"))
        wait_for(lambda: not running(store_url, "INSERT INTO broken_off"))
        assert watcher.execute("SELECT count() FROM broken_off") == [(0,)]


def test_limits_of_time_and_memory(store_url: StoreUrl) -> None:
    from clickhouse_driver.errors import ServerException

    with driver(store_url) as client:
        with pytest.raises(ServerException) as caught:
            client.execute(ENDLESS.format("time"), settings={"max_execution_time": 1})
        assert caught.value.code == 159
        with pytest.raises(ServerException) as caught:
            client.execute(
                "SELECT groupArray(number) FROM numbers(100000000)", settings={"max_memory_usage": 50_000_000}
            )
        assert caught.value.code == 241
        assert client.execute("SELECT 1") == [(1,)]


def test_short_queries_beside_a_long_one(store_url: StoreUrl) -> None:
    answers: list[int] = []

    def ask(number: int) -> None:
        with driver(store_url) as client:
            answers.extend(client.execute(f"SELECT {number}")[0][0] for _ in range(20))

    with driver(store_url) as client:
        client.connection.force_connect()
        client.connection.send_query(ENDLESS.format("long"))
        client.connection.send_external_tables(None)
        wait_for(lambda: running(store_url, "long"))
        threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert running(store_url, "long")
    assert sorted(answers) == sorted([number for number in range(8) for _ in range(20)])


@pytest.mark.parametrize("number", ["SIGTERM", "SIGINT"])
def test_a_signal_ends_the_store_while_queries_run(tmp_path: Path, number: str) -> None:
    process, url = start_embedded(tmp_path / "data")
    clients = []
    try:
        for query in (ENDLESS, ENDLESS_ROWS, SLEEPY):
            clients.append(Unread(url, query.format("stopped")))
        wait_for(lambda: running(url, "stopped") == 3)
        # Five seconds are the promise; `stop` waits longer, because a test must not fail for a busy machine.
        assert stop(process, getattr(signal, number)) == 0
    finally:
        for connection in clients:
            connection.close()
        if process.poll() is None:
            process.kill()
            process.wait()


class Unread:
    """A client that sends a query and never reads the answer."""

    def __init__(self, url: StoreUrl, sql: str) -> None:
        from clickhouse_driver import Client

        self._client = Client(url.host, url.port)
        self._client.connection.force_connect()
        self._client.connection.send_query(sql)
        self._client.connection.send_external_tables(None)

    def close(self) -> None:
        self._client.disconnect()
