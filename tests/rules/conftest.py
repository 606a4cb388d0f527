"""A store with the real tables, and an Alertmanager with a webhook."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from logq.stores import LiveStore
from rules.notified import CONFIG, AlertmanagerServer, Webhook, webhook

from loghouse.store.client import Store
from loghouse.store.migrate import migrate


@pytest.fixture(scope="session")
def rules_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveStore]:
    """A store that tests write to, each in a namespace of its own, and may restart."""
    store = LiveStore(tmp_path_factory.mktemp("rules") / "data")
    store.start()
    with Store(store.url) as connection:
        migrate(connection)
    yield store
    store.stop()


@pytest.fixture
def hook() -> Iterator[Webhook]:
    """What Alertmanager tells."""
    with webhook() as sink:
        yield sink


@pytest.fixture
def alertmanager(tmp_path: Path, hook: Webhook) -> Iterator[AlertmanagerServer]:
    """Alertmanager, running, that tells `hook` at once."""
    server = AlertmanagerServer(tmp_path / "alertmanager", CONFIG.format(port=hook.port))
    server.start()
    yield server
    server.stop()
