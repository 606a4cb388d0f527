"""A database with known records, and the web server over it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from logq.stores import KNOWN, Source
from web.serving import client_of, served

from loghouse.config import StoreUrl
from loghouse.store.client import Store
from loghouse.store.migrate import migrate

RECORDS = [
    b'{"level":"info","msg":"order paid","order":{"id":7},"status":200,"took":0.35}',
    b'{"level":"error","msg":"connection refused","status":500,"took":0.25,"tags":["a","b"]}',
    b'10.0.0.1 - - [01/Aug/2026:10:00:00 +0000] "GET /cart?id=1 HTTP/1.1" 404 12 "-" "curl/8"',
    b'level=warn msg="slow query" took=2.5 table=orders',
    b"=cmd|' /C calc'!A0 and a \xff byte",
    b'{"level":"info","msg":"order paid","order":{"id":8},"status":200}',
]


@pytest.fixture(scope="session")
def web_store(store_url: StoreUrl) -> StoreUrl:
    """A database with the known records, a second apart, and one of another namespace."""
    url = replace(store_url, database="web_page")
    with Store(url) as store:
        migrate(store)
    source = Source(url, labels={"app.kubernetes.io/name": "shop"})
    source.write(*RECORDS, at=[KNOWN + timedelta(seconds=second) for second in range(len(RECORDS))])
    other = Source(url, namespace="staging", pod="job-9", container="main", identity=2)
    other.write(b"connection reset by peer", at=KNOWN)
    return url


@pytest.fixture(scope="session")
def page(web_store: StoreUrl) -> Iterator[httpx.Client]:
    """A client of the page for anybody on this machine."""
    with served(web_store) as server, client_of(server) as client:
        yield client


@pytest.fixture
def own_store(store_url: StoreUrl, request: pytest.FixtureRequest) -> StoreUrl:
    """An empty database of one test."""
    url = replace(store_url, database=str(request.node.name).partition("[")[0][:60])
    with Store(url) as store:
        migrate(store)
    return url
