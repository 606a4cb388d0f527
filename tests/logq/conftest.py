"""A store with known records, and `logq` as a command."""

import subprocess
from collections.abc import Iterator
from datetime import timedelta

import pytest
from logq.stores import KNOWN, LIMIT, LiveStore, Logq, Source, address, command, environment
from servers import start_embedded, stop

from loghouse.config import StoreUrl
from loghouse.store.client import Store
from loghouse.store.migrate import migrate


@pytest.fixture(scope="session")
def logs_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreUrl]:
    """An embedded store with the real tables, for reading only once its records are in."""
    process, url = start_embedded(tmp_path_factory.mktemp("logq") / "data")
    with Store(url) as store:
        migrate(store)
    yield url
    stop(process)


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveStore]:
    """A store that tests write to, each in a namespace of its own, and may restart."""
    store = LiveStore(tmp_path_factory.mktemp("live") / "data")
    store.start()
    with Store(store.url) as connection:
        migrate(connection)
    yield store
    store.stop()


@pytest.fixture
def logs_address(logs_url: StoreUrl) -> str:
    """The store with the known records, as the command takes it."""
    return address(logs_url)


@pytest.fixture(scope="session")
def logq(logs_url: StoreUrl) -> Logq:
    """Run `logq` against the store with the known records."""

    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            command(*arguments),
            env=environment(**{"LOGQ_URL": address(logs_url), **variables}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=LIMIT,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def known(logs_url: StoreUrl) -> list[bytes]:
    """The known records, oldest first; each a second after the other."""
    records = [
        b'{"level":"info","msg":"order paid","order":{"id":7},"status":200,"ok":true,"none":null}',
        b'{"level":"error","msg":"connection refused","status":500,"took":0.25,"tags":["a","b"]}',
        b'10.0.0.1 - - [01/Aug/2026:10:00:00 +0000] "GET /cart?id=1 HTTP/1.1" 404 12 "-" "curl/8"',
        b'level=warn msg="slow query" took=2.5 table=orders',
        b"plain text with \x1b[31mcolours\x1b[0m and a \xff byte",
        b'{"level":"critical","msg":"Disk full, \xe2\x80\xae \xe6\x97\xa5\xe6\x9c\xac","status":500}',
        b'last line, "quoted"',
    ]
    source = Source(logs_url, labels={"app": "shop"})
    source.write(*records, at=[KNOWN + timedelta(seconds=second) for second in range(len(records))])
    other = Source(logs_url, namespace="staging", pod="job-9", container="main", node="kube-2", identity=2)
    other.write(b"connection reset by peer", at=KNOWN - timedelta(days=3))
    return records


@pytest.fixture
def space(request: pytest.FixtureRequest) -> str:
    """The namespace of one test."""
    return str(request.node.name).replace("_", "-")[:60]
