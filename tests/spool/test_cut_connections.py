"""Connections that break at any byte, in either direction, or fall silent: stored once all the same."""

import random
import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from spool_stores import PLACE

from loghouse.config import StoreUrl
from loghouse.spool import delivery as module
from loghouse.spool.delivery import Delivery
from loghouse.spool.rows import Row
from loghouse.spool.spool import Spool
from loghouse.store.client import Store
from loghouse.store.migrate import migrate

BATCHES = 12
LINES = 400


class Proxy:
    """Between sender and store. `cuts` tells of each connection after how many bytes it breaks, and how."""

    def __init__(self, to: StoreUrl) -> None:
        self.straight = to
        self._to = (to.host, to.port)
        self.cuts: Iterator[tuple[str, int]] = iter(())
        self.broken = 0
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = replace(to, port=self._listener.getsockname()[1])
        self._start(self._accept)

    def close(self) -> None:
        for one in (self._listener, *self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(20)
        for one in (self._listener, *self._open):
            one.close()

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._to)
            self._open += [client, server]
            way, size = next(self.cuts, ("", 0))
            for source, target, name in ((client, server, "to store"), (server, client, "from store")):
                limit = size if name == way or way == "silent" and name == "from store" else -1
                self._start(self._pump, source, target, limit, way == "silent")

    def _pump(self, source: socket.socket, target: socket.socket, limit: int, silent: bool) -> None:
        with suppress(OSError):
            while data := source.recv(4096 if limit < 0 else min(4096, max(limit, 1))):
                if limit == 0:
                    self.broken += 1
                    if silent:
                        while source.recv(4096):
                            pass
                    break
                target.sendall(data)
                limit = max(limit - len(data), 0) if limit > 0 else limit
        for one in (source, target):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def proxy(store_url: StoreUrl) -> Iterator[Proxy]:
    url = replace(store_url, database="cut_" + uuid.uuid4().hex[:8])
    with Store(url) as store:
        migrate(store)
    proxy = Proxy(url)
    yield proxy
    proxy.close()


def rows(batch: int) -> list[Row]:
    data = [b"2026-11-20T10:00:00.%09dZ stdout F line %d %d\n" % (n, batch, n) for n in range(LINES)]
    return [Row(PLACE, batch, n * 100, 0, line) for n, line in enumerate(data)]


@pytest.mark.parametrize("way", ["to store", "from store", "silent"])
def test_stored_once_wherever_the_connection_breaks(
    proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setattr(module, "_jitter", lambda: 0.01)
    seed = random.randrange(1 << 32)
    chance = random.Random(seed)
    most = 60_000 if way == "to store" else 1500  # what an insert sends, and what it hears
    sizes = [chance.randrange(1, most) for _ in range(4 if way == "silent" else 25)]
    sizes[0] = chance.randrange(1, 100)  # so that one breaks, however few connections there are
    proxy.cuts = iter([(way, size) for size in sizes])
    spool = Spool(str(tmp_path / "spool"))
    for batch in range(BATCHES):
        spool.append(rows(batch))
    timeout = 1.0 if way == "silent" else 60.0
    delivery = Delivery(spool, lambda: Store(proxy.url, read_timeout=timeout))
    assert delivery.close(threading.Event(), 0), seed
    assert proxy.broken > 0, seed
    with Store(proxy.straight) as store:
        sql = "SELECT count(), uniqExact(raw), uniqExact(source_id, offset) FROM logs"
        assert store.rows(sql) == [(BATCHES * LINES,) * 3], seed
        assert store.rows("SELECT sum(records) FROM counts") == [(BATCHES * LINES,)], seed
    spool.close()
