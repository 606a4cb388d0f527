"""Old parts move to the cold volume of the policy that docs/retention.md shows, and are still found there."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from lines import store_lines
from servers import embedded_store, start_embedded, stop

from loghouse.errors import StoreError
from loghouse.retention.rules import read_rules
from loghouse.retention.store import applied, apply
from loghouse.store.client import Store
from loghouse.store.migrate import migrate

PAGE = Path(__file__).parents[2] / "docs" / "retention.md"
MOVED_WITHIN = 60  # seconds; the engine looks every few
# Runs the embedded store with the policy in its configuration, which `loghouse up` has no option for.
RUNNER = """
import runpy, sys
from loghouse.embedded import engine
policy = open(sys.argv[1]).read().removeprefix("<clickhouse>")
engine.SERVER_CONFIG = engine.SERVER_CONFIG.replace("</clickhouse>", policy)
sys.argv = sys.argv[4:]
runpy.run_module("loghouse.embedded", run_name="__main__", alter_sys=True)
"""


def shown(language: str) -> str:
    """The first block of the section on tiers in this language."""
    _, _, section = PAGE.read_text("utf-8").partition("## Tiers")
    return section.partition(f"```{language}\n")[2].partition("```")[0]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tiers")


@pytest.fixture(scope="module")
def tiered(place: Path) -> Iterator[Store]:
    """A store that had its tables before it had a cold volume."""
    with embedded_store(place / "store") as url, Store(url) as store:
        migrate(store)
    policy, runner = place / "policy.xml", place / "runner.py"
    policy.write_text(shown("xml").strip().replace("/srv/cold/", f"{place}/cold/"))
    runner.write_text(RUNNER)
    process, url = start_embedded(place / "store", before=(sys.executable, str(runner), str(policy)))
    try:
        with Store(url) as store:
            yield store
    finally:
        stop(process)


def places(store: Store) -> list[tuple[str, str]]:
    """The namespaces of records and the disks that their parts lie on."""
    sql = (
        "SELECT DISTINCT namespace, disk_name FROM logs AS l JOIN system.parts AS p ON l._part = p.name "
        "WHERE p.database = currentDatabase() AND p.table = 'logs' AND p.active ORDER BY ALL"
    )
    return [(str(namespace), str(disk)) for namespace, disk in store.rows(sql)]


def test_old_parts_move_to_the_cold_volume(tiered: Store, place: Path) -> None:
    store_lines(tiered, "old", ["one", "two"], days_ago=10)
    store_lines(tiered, "new", ["three"])
    assert places(tiered) == [("new", "default"), ("old", "default")]
    rules = place / "rules.toml"
    rules.write_text(shown("toml"))
    apply(tiered, read_rules(rules))
    deadline = time.monotonic() + MOVED_WITHIN
    while places(tiered) != [("new", "default"), ("old", "cold")]:
        assert time.monotonic() < deadline, places(tiered)
        time.sleep(0.2)
    assert list((place / "cold").rglob("*.bin"))
    assert tiered.rows("SELECT count() FROM logs") == [(3,)]


def test_a_volume_that_is_not_there_is_refused(tiered: Store, tmp_path: Path) -> None:
    before = applied(tiered)
    rules = tmp_path / "rules.toml"
    rules.write_text('[[keep]]\nfor = "30d"\n[tiers]\nfrozen = "7d"\n')
    with pytest.raises(StoreError, match='no volume "frozen"'):
        apply(tiered, read_rules(rules))
    assert applied(tiered) == before
