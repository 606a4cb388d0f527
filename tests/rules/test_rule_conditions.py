"""Each condition, as time goes on and on the past: both say the same."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from logq.stores import LiveStore, Source
from rules.scenes import START, Scene

from loghouse.query import TimeRange
from loghouse.query.timerange import SECOND
from loghouse.rules.backtest import episodes
from loghouse.rules.load import load
from loghouse.store.client import Store


@pytest.fixture
def scene(rules_store: LiveStore, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Scene]:
    made = Scene(rules_store.url, tmp_path, str(request.node.name).replace("_", "-")[:60])
    yield made
    made.close()


def rule(condition: str, more: str = "", query: str = "namespace=NS") -> str:
    return (
        f"rules:\n  - name: R\n    query: '{query}'\n    window: 5m\n    delay: 0s\n"
        f"    condition: {condition}\n    {more}\n"
    )


def past(scene: Scene, directory: Path, until: float) -> list[tuple[float, float | None, tuple[str, ...]]]:
    """The episodes of a back-test from START: seconds at which each fires and ends, and its group."""
    (made,) = load([directory / "rules.yml"]).rules
    with Store(scene.url) as store:
        found = list(episodes(store, made, TimeRange(START, START + round(until * SECOND))))
    return [
        (
            ((each.fired or 0) - START) / SECOND,
            None if each.ended is None else (each.ended - START) / SECOND,
            each.group,
        )
        for each in found
    ]


def test_any_record_fires_until_it_leaves_the_window(scene: Scene, tmp_path: Path) -> None:
    scene.start(rule("any", query="namespace=NS level>=error"))
    scene.write(70, "level=info msg=fine", "level=error msg=broken")
    scene.at(60)
    assert not scene.firing
    scene.at(120)
    (alert,) = scene.firing
    assert alert.annotations["value"] == "1"
    assert "broken" in alert.annotations["samples"] and "fine" not in alert.annotations["samples"]
    scene.at(420)
    assert not scene.firing
    assert past(scene, tmp_path, 900) == [(120, 420, ())]


def test_frequency_is_counted_for_each_group(scene: Scene, tmp_path: Path) -> None:
    other = Source(scene.url, namespace=scene.namespace, pod="web-2", identity=2)
    scene.start(rule("{frequency: {above: 2}}", "by: [pod]"))
    scene.write(10, "one", "two", "three")
    scene.write(10, "one", "two", source=other)
    scene.at(120)
    assert scene.groups("pod") == {"web-1"}
    assert past(scene, tmp_path, 600) == [(60, 360, ("web-1",))]


def test_fewer_than_a_bound_includes_none(scene: Scene) -> None:
    scene.start(rule("{frequency: {below: 2}}"))
    scene.write(-10, "one", "two")
    scene.at(60)
    assert not scene.firing
    scene.at(360)
    assert [alert.annotations["value"] for alert in scene.firing] == ["0"]


def test_percentage_of_another_query(scene: Scene, tmp_path: Path) -> None:
    scene.start(
        rule(
            "{percentage: {of: 'namespace=NS', above: 50, at_least: 4}}",
            query="namespace=NS level=error",
        )
    )
    scene.write(10, "level=error msg=a", "level=error msg=b", "level=error msg=c")
    scene.at(60)
    assert not scene.firing, "three records are too few"
    scene.write(70, "level=info msg=d")
    scene.at(120)
    assert [alert.annotations["value"] for alert in scene.firing] == ["75"]
    # On the past the first three are too few as well, until the fourth comes.
    assert past(scene, tmp_path, 900) == [(120, 360, ())]


def test_a_spike_is_many_times_the_usual(scene: Scene, tmp_path: Path) -> None:
    for minute in range(-60, 0, 5):
        scene.write(minute * 60 + 1, "usual", "usual")
    scene.start(rule("{spike: {times: 5, over: 1h, at_least: 10}}"))
    scene.write(61, *["usual"] * 9)
    scene.at(120)
    assert not scene.firing
    scene.write(121, *["usual"] * 3)
    scene.at(180)
    assert [alert.annotations["value"] for alert in scene.firing] == ["6"]
    assert past(scene, tmp_path, 900)[0][:2] == (180, 420)


def test_a_drop_is_a_spike_downwards(scene: Scene) -> None:
    for minute in range(-65, -5, 5):
        scene.write(minute * 60 + 1, *["usual"] * 20)
    scene.start(rule("{spike: {times: 4, over: 1h, at_least: 10, direction: down}}"))
    scene.write(-100, *["usual"] * 2)
    scene.at(60)
    assert [alert.annotations["value"] for alert in scene.firing] == ["10"]


def test_silence_of_one_pod_of_two(scene: Scene, tmp_path: Path) -> None:
    other = Source(scene.url, namespace=scene.namespace, pod="web-2", identity=2)
    scene.write(-60, "alive")
    scene.write(-60, "alive", source=other)
    scene.start(rule("{silence: {over: 1h}}", "by: [pod]"))
    for second in (60, 240, 420):
        scene.write(second, "alive", source=other)
    scene.at(420)
    assert scene.groups("pod") == {"web-1"}
    assert past(scene, tmp_path, 600) == [(300, None, ("web-1",))]


def test_silence_of_everything(scene: Scene) -> None:
    scene.start(rule("silence"))
    scene.write(10, "alive")
    scene.at(240)
    assert [alert.starts for alert in scene.firing] == []
    scene.at(360)
    assert len(scene.firing) == 1


def test_a_new_value_fires_once(scene: Scene, tmp_path: Path) -> None:
    scene.write(-3600, 'level=error msg="old"', "user=ann")
    scene.start(rule("{new_value: {field: user, memory: 1d}}"))
    scene.write(10, "user=ann", "user=bob", "no such field")
    scene.at(120)
    assert scene.groups("user") == {"bob"}
    assert "user=bob" in scene.firing[0].annotations["samples"]
    scene.write(130, "user=bob")
    scene.restart()
    scene.at(480)
    assert not scene.firing, "known by now"
    scene.write(490, "user=bob")
    scene.at(600)
    assert not scene.firing
    assert past(scene, tmp_path, 900) == [(60, 360, ("bob",))]


def test_a_new_pattern_fires(scene: Scene) -> None:
    scene.write(-600, "request 1 took 20ms")
    scene.start(rule("{new_value: {field: pattern, memory: 1d}}"))
    scene.write(10, "request 2 took 30ms", "disk 3 is full", "disk 4 is full")
    scene.at(60)
    assert scene.groups("pattern") == {"disk <num> is full"}
    assert scene.firing[0].annotations["samples"] == "disk 3 is full"


def test_cardinality_counts_values(scene: Scene, tmp_path: Path) -> None:
    scene.start(rule("{cardinality: {field: client, above: 3}}"))
    scene.write(10, *[f"client={number % 3}" for number in range(20)])
    scene.at(60)
    assert not scene.firing
    scene.write(70, "client=9")
    scene.at(120)
    assert [alert.annotations["value"] for alert in scene.firing] == ["4"]
    assert past(scene, tmp_path, 900) == [(120, 360, ())]


def test_for_waits_until_it_was_true_long_enough(scene: Scene, tmp_path: Path) -> None:
    scene.start(rule("any", "for: 3m"))
    scene.write(10, "one")
    scene.at(180)
    assert not scene.firing
    scene.at(240)
    assert len(scene.firing) == 1
    assert past(scene, tmp_path, 900) == [(240, 360, ())]


def test_labels_take_any_text(scene: Scene) -> None:
    odd = 'a "quoted"\nvalue \\ with \u2028 and \x1b[31m'
    scene.start(rule("any", "by: [user.name]", query="namespace=NS level=error"))
    scene.write(10, '{"level":"error","user":{"name":' + json.dumps(odd) + "}}")
    scene.at(60)
    (alert,) = scene.firing
    assert alert.labels["user_name"] == odd
    assert "\x1b" not in alert.annotations["samples"]
    assert "{" in alert.annotations["samples"], "the command and the sample stand for this group"
