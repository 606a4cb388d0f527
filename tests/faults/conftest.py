"""One database of the shared store for all faults; each test has containers of its own."""

import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from faultproxy import FaultProxy
from scene import Scene

from loghouse.config import StoreUrl
from loghouse.store.client import Store
from loghouse.store.migrate import migrate


@pytest.fixture(scope="session")
def faults_url(store_url: StoreUrl) -> StoreUrl:
    url = replace(store_url, database="faults_" + uuid.uuid4().hex[:8])
    with Store(url) as store:
        migrate(store)
    return url


@pytest.fixture
def scene(tmp_path: Path, faults_url: StoreUrl) -> Scene:
    return Scene(tmp_path, faults_url)


@pytest.fixture
def own_scene(tmp_path: Path, store_url: StoreUrl) -> Scene:
    """With a database of its own, whose tables the test may break."""
    url = replace(store_url, database="fault_" + uuid.uuid4().hex[:8])
    with Store(url) as store:
        migrate(store)
    return Scene(tmp_path, url)


@pytest.fixture
def proxy(faults_url: StoreUrl) -> Iterator[FaultProxy]:
    """Between the shipper and the store."""
    with FaultProxy(faults_url) as opened:
        yield opened
