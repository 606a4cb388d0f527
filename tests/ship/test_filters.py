"""Filters before the spool: from files to rows."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from shipping import Following, RecordingStore, Runtime, eventually, records_of, ship_once

from loghouse.filters.config import DropRule, FilterRules, LimitRule
from loghouse.filters.filters import Filters
from loghouse.query import parse
from loghouse.query.ast import Everything
from loghouse.ship import follow
from loghouse.ship.batch import Row
from loghouse.ship.discover import Discovery
from loghouse.ship.follow import Lineage
from loghouse.ship.offsets import Offsets
from loghouse.ship.problems import Problems
from loghouse.ship.reading import Reading
from loghouse.ship.reading_metrics import ReadingMetrics


@pytest.fixture
def app(tmp_path: Path) -> Runtime:
    return Runtime(tmp_path / "pods")


@pytest.fixture
def store() -> RecordingStore:
    return RecordingStore()


def reading(rules: FilterRules) -> Reading:
    return Reading(filters=Filters(rules))


def drop(text: str) -> FilterRules:
    return FilterRules(builtin=(), drops=(DropRule("rule", parse(text).filter or Everything()),))


def test_secrets_never_reach_the_spool(tmp_path: Path, app: Runtime, store: RecordingStore) -> None:
    app.write(b"password=hunter2 ok")
    app.write(b"password=hunter2 " + b"x" * 50, part=10)
    app.write(b"ERROR token=abc123")
    app.write(b"\tat x")
    summary = ship_once(tmp_path / "pods", tmp_path / "state", store, reading=reading(FilterRules()))
    assert store.records() == [
        ("stdout", b"password=******* ok"),
        ("stdout", b"password=******* " + b"x" * 50),
        ("stdout", b"ERROR token=******\n\tat x"),
    ]
    assert sum(row["span"] or len(row["data"]) for row in store.inserted) == app.path.stat().st_size
    assert summary.filtered == {"secrets masked (password)": 3}
    assert not summary.problems


def test_a_private_key_of_many_lines_is_masked(tmp_path: Path, app: Runtime, store: RecordingStore) -> None:
    key = [
        b"-----BEGIN PRIVATE KEY-----",
        *[b"MIIEvQIBADANBgkq%02d" % n for n in range(30)],
        b"-----END PRIVATE KEY-----",
    ]
    for text in (b"before", *key, b"after"):
        app.write(text)
    ship_once(tmp_path / "pods", tmp_path / "state", store, reading=reading(FilterRules()))
    texts = b"\n".join(text for _, text in store.records())
    assert b"MIIE" not in texts
    assert texts.startswith(b"before\n-----BEGIN PRIVATE KEY-----*")
    assert texts.endswith(b"*-----END PRIVATE KEY-----\nafter")


def test_dropped_lines_are_read_once(tmp_path: Path, app: Runtime, store: RecordingStore) -> None:
    for number in range(10):
        app.write(b"probe %d" % number)
        app.write(b"line %d" % number)
    rules = reading(drop("probe namespace:prod"))
    for _ in range(2):
        summary = ship_once(tmp_path / "pods", tmp_path / "state", store, reading=rules)
    assert store.records(namespace=b"prod") == [("stdout", b"line %d" % number) for number in range(10)]
    assert set(store.coverage().values()) == {1}
    assert summary.filtered == {"lines dropped by rule": 10}


def test_a_container_that_is_dropped_as_a_whole_moves_on(
    tmp_path: Path, app: Runtime, store: RecordingStore
) -> None:
    other = Runtime(tmp_path / "pods", "other-0")
    with Following(tmp_path / "pods", tmp_path / "state", store, reading=reading(drop("pod:shop-0"))):
        app.write(b"unwanted")
        other.write(b"wanted")
        eventually(lambda: store.records() == other.written)
    ship_once(tmp_path / "pods", tmp_path / "state", store)
    assert store.records(namespace=b"prod") == other.written


def test_a_limit_of_a_namespace(tmp_path: Path, app: Runtime, store: RecordingStore) -> None:
    for number in range(50):
        app.write(b"line %d" % number)
    rules = FilterRules(builtin=(), limits=(LimitRule("flood", Everything(), 1),))
    summary = ship_once(tmp_path / "pods", tmp_path / "state", store, reading=reading(rules))
    assert store.records(namespace=b"prod") == app.written[:10]
    assert summary.filtered == {"lines dropped by flood": 40}


def test_what_was_dropped_is_told_in_the_store(tmp_path: Path, app: Runtime, store: RecordingStore) -> None:
    """One record for the file and rule, with the first row that follows, for all bytes that are missing."""
    with Following(tmp_path / "pods", tmp_path / "state", store, reading=reading(drop("probe"))):
        app.write(b"first")
        eventually(lambda: len(store.inserted) == 1)
        for number in range(5):
            app.write(b"probe %d" % number)
        app.write(b"second")
        eventually(lambda: ("stdout", b"second") in store.records())
        app.write(b"probe at the end")
    told = [row for row in store.inserted if row["namespace"] == b"loghouse"]
    text = [json.loads(text) for row in told for _, text in records_of(row)]
    assert [(each["rule"], each["namespace"], each["pod"], each["container"]) for each in text] == [
        ("rule", "prod", "shop-0", "app")
    ] * len(text)
    assert sum(each["lines"] for each in text) == 5
    assert [row["offset"] for row in told][0] == len(app.line(b"first"))
    assert sum(row["span"] for row in told) == 5 * len(app.line(b"probe 0"))
    assert {row["source_id"] for row in store.inserted} == {told[0]["source_id"]}
    assert {(row["pod"], row["container"]) for row in told} == {(b"node-1", b"dropped")}


class Scene:
    """One lineage with a rule, read by hand; what is in `stored` and in the journal survives a kill."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._problems = Problems()
        self.stored: list[Row] = []
        (root / "state").mkdir(exist_ok=True)
        self.start()

    def start(self) -> None:
        self.offsets = Offsets(str(self._root / "state"), self._problems)
        ((self.key, found),) = Discovery([str(self._root / "pods")], "node-1", self._problems).scan().items()
        self.lineage = Lineage(found, "node-1", self.offsets, self._problems, reading(drop("probe")))

    def kill(self) -> None:
        self.lineage.close()
        self.offsets.close()

    def look(self, now: float) -> None:
        """Read what there is; each chunk is a batch."""
        while self.lineage.changed(now) and (rows := self.lineage.read(now)) is not None:
            positions, waits = self.lineage.changes()
            waiting = {self.key: waits} if waits is not None else {}
            self.offsets.commit(positions.values(), waiting, len(self.stored) + 1 if rows else 0)
            self.stored += rows

    def covered(self) -> int:
        """How many bytes of the file the rows stand for."""
        return sum(row.span or len(row.data) for row in self.stored)

    def told(self) -> int:
        """How many rows tell of drops."""
        return sum(row.origin.namespace == "loghouse" for row in self.stored)


@pytest.fixture
def scene(tmp_path: Path, app: Runtime) -> Iterator[Scene]:
    app.write(b"first")
    made = Scene(tmp_path)
    yield made
    made.kill()


def test_a_kill_after_dropped_lines_leaves_no_gap(app: Runtime, scene: Scene) -> None:
    """Nothing has told of them yet, so they are read and dropped once more."""
    for _ in range(3):
        scene.look(100)
        app.write(b"probe")
        scene.look(100)
        scene.kill()
        scene.start()
    assert scene.covered() == len(app.line(b"first"))
    app.write(b"second")
    scene.look(200)
    assert scene.covered() == app.path.stat().st_size
    assert scene.told() == 1


def test_dropped_lines_are_told_in_the_end_though_nothing_follows(app: Runtime, scene: Scene) -> None:
    """Otherwise a container that is dropped as a whole would be read from its beginning again and again."""
    scene.look(100)
    for second in range(10):
        app.write(b"probe")
        scene.look(100 + second)
    assert scene.told() == 0
    assert scene.lineage.rest()
    scene.look(100 + follow.UNTOLD_SECONDS)
    assert scene.covered() == app.path.stat().st_size
    assert scene.told() == 1
    scene.kill()
    scene.start()
    scene.look(1000)
    assert scene.covered() == app.path.stat().st_size


def test_many_dropped_bytes_are_told_at_once(
    app: Runtime, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "UNTOLD_BYTES", 100)
    scene.look(100)
    for _ in range(10):
        app.write(b"probe")
        scene.look(100)
    assert scene.told() >= 3
    assert app.path.stat().st_size - scene.covered() < 100


def test_metrics_tell_what_was_masked_and_dropped(
    tmp_path: Path, app: Runtime, store: RecordingStore
) -> None:
    app.write(b"password=hunter2")
    app.write(b"probe")
    rules = reading(FilterRules(drops=(DropRule("probes", parse("probe").filter or Everything()),)))
    ship_once(tmp_path / "pods", tmp_path / "state", store, reading=rules)
    registry = CollectorRegistry()
    registry.register(ReadingMetrics(rules))
    assert registry.get_sample_value("loghouse_redacted_total", {"rule": "password"}) == 1
    assert registry.get_sample_value("loghouse_dropped_lines_total", {"rule": "probes"}) == 1
    assert registry.get_sample_value("loghouse_dropped_bytes_total", {"rule": "probes"}) == 46
    assert registry.get_sample_value("loghouse_kubernetes_up") is None
