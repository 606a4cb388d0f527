"""A receiver in this process in front of an own database of the embedded store."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from receiving import eventually

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


@pytest.fixture(scope="session")
def state_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("receive")


@pytest.fixture
def query(received_url: StoreUrl, state_dir: Path) -> Iterator[Callable[..., list[tuple[Any, ...]]]]:
    """Asks the store once it has everything that was acknowledged."""

    def ask(sql: str, **params: Any) -> list[tuple[Any, ...]]:
        eventually(lambda: not [*state_dir.glob("spool/*.open"), *state_dir.glob("spool/*.batch")])
        return store.rows(sql, params)

    with Store(received_url) as store:
        yield ask


@pytest.fixture(scope="session")
def receiver(received_url: StoreUrl, state_dir: Path) -> Iterator[Receiver]:
    receiver = Receiver(ANYWHERE, received_url, str(state_dir), "node-1")
    yield receiver
    receiver.close()
