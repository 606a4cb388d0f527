"""A store that may be backed up, dropped and restored."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from servers import start_embedded, stop

from loghouse.config import StoreUrl
from loghouse.store.client import Store
from loghouse.store.migrate import migrate


@pytest.fixture(scope="module")
def own_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreUrl]:
    """An embedded store of the module's own, with a directory for backups."""
    place: Path = tmp_path_factory.mktemp("operating")
    process, url = start_embedded(place / "store", "--backup-dir", str(place / "backups"))
    try:
        yield url
    finally:
        stop(process)


@pytest.fixture
def store(own_url: StoreUrl) -> Iterator[Store]:
    """Without records."""
    with Store(StoreUrl(own_url.host, own_url.port, "default")) as outside:
        outside.rows("DROP DATABASE IF EXISTS loghouse SYNC")
    with Store(own_url) as store:
        migrate(store)
        yield store
