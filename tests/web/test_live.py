"""Live tails, clients that leave or are slow, and a store that goes away."""

import socket
import sys
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from logq.stores import NOW, LiveStore, Source, wait_for
from web import serving
from web.serving import answered, client_of, events, served

from loghouse.config import StoreUrl
from loghouse.errors import StoreUnreachable
from loghouse.store.client import Store
from loghouse.store.migrate import migrate
from loghouse.web import bridge, calls
from loghouse.web.parts import Parts
from loghouse.web.server import WebServer


@contextmanager
def _tail(client: httpx.Client, **parameters: Any) -> Iterator[Iterator[tuple[str, Any, str]]]:
    """The events of a tail that has begun."""
    with client.stream("GET", "/api/v1/tail", params=parameters) as answer:
        assert answer.status_code == 200, answer.read()
        coming = events(answer)
        assert next(coming)[0] == ""
        yield coming


def _messages(coming: Iterator[tuple[str, Any, str]], count: int) -> list[str]:
    """The messages of the next records."""
    found: list[str] = []
    for kind, data, _ in coming:
        if kind == "records":
            found += [record["message"] for record in data]
        if len(found) >= count:
            break
    return found


def test_a_tail_sends_what_is_stored_from_then_on(own_store: StoreUrl) -> None:
    source = Source(own_store)
    source.write(b"before", at=datetime.now(UTC))
    with (
        served(own_store) as server,
        client_of(server) as client,
        _tail(client, query="namespace=prod") as coming,
    ):
        source.write(b"one", b"two", at=datetime.now(UTC))
        assert _messages(coming, 2) == ["one", "two"]


def test_a_tail_takes_up_where_a_search_or_another_tail_ended(own_store: StoreUrl) -> None:
    source = Source(own_store)
    source.write(b"before", at=datetime.now(UTC))
    with served(own_store) as server, client_of(server) as client:
        found = answered(client, "search")
        source.write(b"between", at=datetime.now(UTC))
        with _tail(client, resume=found["tail_from"]) as coming:
            seen = _messages(coming, 2)
            assert seen[-1] == "between"  # and what was stored just before, which its id tells
            source.write(b"last", at=datetime.now(UTC))
            kind, data, number = next(event for event in coming if event[0] == "records")
        source.write(b"while away", at=datetime.now(UTC))
        with client.stream("GET", "/api/v1/tail", headers={"Last-Event-ID": number}) as answer:
            assert "while away" in _messages(events(answer), 2 + len(seen))


def test_fifty_tails_at_once_all_get_every_record(own_store: StoreUrl) -> None:
    source = Source(own_store)
    with served(own_store) as server, ExitStack() as stack:
        limits = httpx.Limits(max_connections=60)
        client = stack.enter_context(client_of(server, limits=limits))
        tails = [stack.enter_context(_tail(client)) for _ in range(50)]
        for number in range(2):
            source.write(b"line %d" % number, at=datetime.now(UTC))
        with ThreadPoolExecutor(50) as readers:
            found = list(readers.map(lambda coming: _messages(coming, 2), tails))
        assert found == [["line 0", "line 1"]] * 50
        # and the page goes on answering
        assert len(answered(client, "search")["records"]) == 2


def test_more_tails_than_one_person_may_have_are_refused(own_store: StoreUrl) -> None:
    with served(own_store) as server, ExitStack() as stack:
        client = stack.enter_context(client_of(server, limits=httpx.Limits(max_connections=100)))
        for _ in range(64):
            stack.enter_context(_tail(client))
        answer = client.get("/api/v1/tail")
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) >= 1


@pytest.fixture(scope="module")
def large_store(store_url: StoreUrl) -> StoreUrl:
    """A database whose download is more than any buffer between here and there takes."""
    url = replace(store_url, database="web_large")
    with Store(url) as store:
        migrate(store)
    source = Source(url)
    for number in range(4):
        lines = [b"%d %d " % (number, line) + b"x" * 1000 for line in range(10_000)]
        source.write(*lines, at=NOW - timedelta(seconds=60 - number))
    return url


@contextmanager
def _begun_download(server: WebServer) -> Iterator[socket.socket]:
    """A client that has asked for everything, and has read the first bytes of it."""
    parts = urlsplit(server.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=serving.LIMIT) as client:
        head = f"GET /api/v1/search?format=raw&limit=0 HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n"
        client.sendall(head.encode())
        assert client.recv(1000).startswith(b"HTTP/1.1 200")
        yield client


def _downloads(url: StoreUrl) -> list[str]:
    """The queries of records that run in this database, and how long."""
    with Store(url) as store:
        asked = (
            "SELECT concat(toString(elapsed), ' s', if(is_cancelled, ' killed: ', ': '), left(query, 200)) "
            "FROM system.processes WHERE query LIKE 'SELECT raw%' AND current_database = currentDatabase()"
        )
        return [str(told) for (told,) in store.rows(asked)]


def _wait_for_the_end(url: StoreUrl) -> None:
    """Until no download runs; what still does is told."""
    left: list[str] = []

    def ended() -> bool:
        left[:] = _downloads(url)
        return not left

    try:
        wait_for(ended, "the end of the query")
    except AssertionError:
        threads = ["".join(traceback.format_stack(frame)[-4:]) for frame in sys._current_frames().values()]
        raise AssertionError("\n".join(["still there:", *left, *threads])) from None


def test_the_query_of_a_client_that_leaves_is_ended(large_store: StoreUrl) -> None:
    with served(large_store) as server:
        with _begun_download(server):
            wait_for(lambda: len(_downloads(large_store)) == 1, "the query")
        _wait_for_the_end(large_store)


def test_a_client_that_takes_nothing_is_left(large_store: StoreUrl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bridge, "SLOW_CLIENT_SECONDS", 0.5)
    with served(large_store) as server, _begun_download(server) as client:
        _wait_for_the_end(large_store)
        received = b""
        while piece := client.recv(1 << 20):
            received += piece
        assert not received.endswith(b"0\r\n\r\n")  # it was broken off, and the client can see it


def test_a_query_that_needs_too_much_is_told_to_be_narrower(
    large_store: StoreUrl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "MEMORY", 2 << 20)
    with served(large_store) as server, client_of(server) as client:
        answer = client.get("/api/v1/search", params={"query": "* | stats count() by message"})
        assert answer.status_code == 422, answer.text
        assert "memory" in answer.json()["error"]
        assert "Narrow" in answer.json()["hint"]
        lines = client.get(
            "/api/v1/search", params={"query": "* | stats count() by message", "format": "csv"}
        )
        assert lines.status_code == 422


def test_a_server_that_stops_ends_what_runs(large_store: StoreUrl) -> None:
    with served(large_store) as server, ExitStack() as stack:
        stack.enter_context(_begun_download(server))
        server.stop()
        _wait_for_the_end(large_store)


def test_a_tail_that_outlives_the_server_opens_no_connection(own_store: StoreUrl) -> None:
    parts = Parts(own_store)
    assert parts() == frozenset()
    parts.close()
    with pytest.raises(StoreUnreachable):
        parts()


def test_a_store_that_goes_away_is_waited_for(tmp_path: Path) -> None:
    live = LiveStore(tmp_path / "data")
    live.start()
    with Store(live.url) as store:
        migrate(store)
    source = Source(live.url)
    try:
        with served(live.url) as server, client_of(server) as client, _tail(client) as coming:
            source.write(b"one", at=datetime.now(UTC))
            assert _messages(coming, 1) == ["one"]
            live.stop()
            assert next(event for event in coming if event[0])[0] == "notice"
            away = client.get("/api/v1/search")
            assert away.status_code == 503
            assert "store" in away.json()["error"] and away.headers["retry-after"]
            live.start()
            source.write(b"two", at=datetime.now(UTC))
            assert _messages(coming, 1) == ["two"]
            assert len(answered(client, "search")["records"]) == 2
    finally:
        live.stop()
