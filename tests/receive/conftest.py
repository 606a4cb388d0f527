"""A receiver in this process in front of an own database of the embedded store."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from loghouse.config import StoreUrl
from loghouse.receive.command import Listening, Receiver
from loghouse.store.client import Store
from loghouse.store.migrate import migrate

ANYWHERE = Listening(forward="127.0.0.1:0", http="127.0.0.1:0", syslog="127.0.0.1:0")


@pytest.fixture(scope="session")
def received_url(store_url: StoreUrl) -> StoreUrl:
    url = replace(store_url, database="receive_" + uuid.uuid4().hex[:8])
    with Store(url) as store:
        migrate(store)
    return url


@pytest.fixture
def query(received_url: StoreUrl) -> Iterator[Callable[..., list[tuple[Any, ...]]]]:
    with Store(received_url) as store:
        yield lambda sql, **params: store.rows(sql, params)


@pytest.fixture(scope="session")
def receiver(received_url: StoreUrl) -> Iterator[Receiver]:
    receiver = Receiver(ANYWHERE, received_url, "node-1")
    yield receiver
    receiver.close()
