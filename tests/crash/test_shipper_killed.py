"""Killed at any labelled point of its work, the shipper loses no line and stores none twice."""

import random
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from crashing import SHIPPER_POINTS, Node

from loghouse.config import StoreUrl
from loghouse.store.client import Store
from loghouse.store.migrate import migrate


@pytest.fixture(scope="module")
def url(store_url: StoreUrl) -> StoreUrl:
    url = replace(store_url, database="crash_" + uuid.uuid4().hex[:8])
    with Store(url) as store:
        migrate(store)
    return url


@pytest.fixture
def node(tmp_path: Path, url: StoreUrl) -> Iterator[Node]:
    return Node(tmp_path, url, "pod-" + uuid.uuid4().hex[:8])


def test_killed_at_each_point_in_turn(node: Node) -> None:
    """One shipper's life: it dies at one point after the other, and new lines come in between."""
    for point, when in SHIPPER_POINTS:
        node.write()
        node.die(point, when, nth=2 if not point.endswith(("compact", "close")) else 1)
        node.assert_nothing_doubled()
    assert node.ship() == 0
    node.assert_every_line_once()


@pytest.mark.slow
@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize(("point", "when"), SHIPPER_POINTS)
def test_killed_at_a_point_of_each_batch(node: Node, point: str, when: str, nth: int) -> None:
    if nth > 1 and point.endswith(("compact", "close")):
        return  # they happen once a run
    node.write()
    node.die(point, when, nth)
    node.write()
    node.die(point, when, nth)
    assert node.ship() == 0
    node.assert_every_line_once()


@pytest.mark.parametrize(
    ("point", "when"),
    [
        pytest.param("loghouse.spool.spool:Spool.split", "before", marks=pytest.mark.slow),
        pytest.param("loghouse.spool.replacing:_written_part", "after", marks=pytest.mark.slow),
        ("loghouse.spool.spool:Spool._replace", "before"),
        pytest.param("loghouse.spool.spool:Spool._replace", "after", marks=pytest.mark.slow),
        pytest.param("loghouse.spool.quarantine:Quarantine.keep", "before", marks=pytest.mark.slow),
        ("loghouse.spool.quarantine:Quarantine.keep", "after"),
    ],
)
def test_killed_while_a_bad_line_is_put_aside(
    tmp_path: Path, store_url: StoreUrl, point: str, when: str
) -> None:
    url = replace(store_url, database="crash_" + uuid.uuid4().hex[:8])
    with Store(url) as store:
        migrate(store)
        store.rows("ALTER TABLE logs ADD CONSTRAINT good CHECK raw != 'line 33'")
    node = Node(tmp_path, url, "pod-1")
    node.write()
    node.die(point, when, nth=1)
    node.ship()
    kept = list((node.state / "spool" / "quarantine").glob("*.batch"))
    assert len(kept) == 1
    node.written -= 1  # the line in the quarantine
    node.assert_every_line_once()


@pytest.mark.slow
def test_killed_at_any_moment_under_load(node: Node) -> None:
    """For a minute, every 0 to 3 seconds."""
    seed = random.randrange(1 << 32)
    chance = random.Random(seed)
    node.write()
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with node.shipping():
            life = time.monotonic() + chance.uniform(0, 3)
            while time.monotonic() < life:
                node.write(lines=chance.randrange(200))
                time.sleep(0.02)
        node.assert_nothing_doubled()
    assert node.ship() == 0, seed
    node.assert_every_line_once()
