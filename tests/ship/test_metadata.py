"""Rows carry what the API tells of their pod, and never what it tells of another."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes_api import FakeApi, owned_by, pod, served
from prometheus_client import CollectorRegistry
from shipping import UID, Following, RecordingStore, Runtime, eventually, ship_once

from loghouse.kubernetes import watch as watch_module
from loghouse.kubernetes.api import Server
from loghouse.ship import metadata, shipper
from loghouse.ship.reading import Reading
from loghouse.ship.reading_metrics import ReadingMetrics

LABELS = {"app": "shop", "pod-template-hash": "5d8f7c9b64"}
STORED = {**LABELS, "workload_kind": "Deployment"}


@pytest.fixture(autouse=True)
def short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipper, "RESCAN", 0.05)
    monkeypatch.setattr(watch_module, "FIRST_WAIT", 0.02)
    monkeypatch.setattr(watch_module, "LONGEST_WAIT", 0.05)


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


@pytest.fixture
def server(api: FakeApi, tmp_path: Path) -> Iterator[Server]:
    token = tmp_path / "token"
    token.write_text(api.token)
    with served(api) as url:
        yield Server(url, str(token))


@pytest.fixture
def store() -> RecordingStore:
    return RecordingStore()


def shop(uid: str = UID, **more: Any) -> dict[str, Any]:
    given = {"labels": LABELS, "ownerReferences": owned_by("ReplicaSet", "shop-5d8f7c9b64"), **more}
    return pod("shop-5d8f7c9b64-x2k4z", uid, **given)


def runtime(tmp_path: Path, name: str = "shop-5d8f7c9b64-x2k4z", container: str = "app") -> Runtime:
    return Runtime(tmp_path / "pods", name, container)


def following(tmp_path: Path, store: RecordingStore, server: Server, hold: float = 20.0) -> Following:
    return Following(
        tmp_path / "pods", tmp_path / "state", store, kubernetes=server, reading=Reading(hold=hold)
    )


def encoded(labels: dict[str, str]) -> dict[bytes, bytes]:
    return {key.encode(): value.encode() for key, value in labels.items()}


def test_rows_carry_labels_and_workload(
    tmp_path: Path, api: FakeApi, server: Server, store: RecordingStore
) -> None:
    api.put(shop())
    runtime(tmp_path).write(b"hello")
    ship_once(tmp_path / "pods", tmp_path / "state", store, kubernetes=server)
    (row,) = store.inserted
    assert (row["labels"], row["workload"]) == (encoded(STORED), b"shop")
    assert (row["node"], row["pod_uid"]) == (b"node-1", UID.encode())


@pytest.mark.parametrize(
    ("owner", "kind"),
    [
        (("StatefulSet", "db"), "StatefulSet"),
        (("DaemonSet", "agent"), "DaemonSet"),
        (("Job", f"backup-{29_000_000}"), "Job"),
        (("Job", "backup-1795161600"), "CronJob"),
    ],
)
def test_the_kind_of_the_workload_is_a_label(
    tmp_path: Path, api: FakeApi, server: Server, store: RecordingStore, owner: tuple[str, str], kind: str
) -> None:
    api.put(pod("some-name", UID, ownerReferences=owned_by(*owner)))
    runtime(tmp_path, "some-name").write(b"hello")
    ship_once(tmp_path / "pods", tmp_path / "state", store, kubernetes=server)
    assert store.inserted[0]["labels"] == encoded({"workload_kind": kind})


def test_a_label_of_that_name_is_not_overwritten(
    tmp_path: Path, api: FakeApi, server: Server, store: RecordingStore
) -> None:
    api.put(shop(labels={"workload_kind": "mine"}))
    runtime(tmp_path).write(b"hello")
    ship_once(tmp_path / "pods", tmp_path / "state", store, kubernetes=server)
    assert store.inserted[0]["labels"] == encoded({"workload_kind": "mine"})


def test_a_pod_may_ask_to_be_sampled(
    tmp_path: Path, api: FakeApi, server: Server, store: RecordingStore
) -> None:
    """One container of it, the other is stored whole."""
    api.put(shop(annotations={"logq.io/sample.app": "10%"}))
    app, whole = runtime(tmp_path), runtime(tmp_path, container="whole")
    for number in range(1000):
        app.write(b"line %d" % number)
        whole.write(b"line %d" % number)
    ship_once(tmp_path / "pods", tmp_path / "state", store, kubernetes=server)
    assert 50 < len(store.records(container=b"app")) < 200
    assert store.records(container=b"whole") == whole.written
    told = [row for row in store.inserted if row["namespace"] == b"loghouse"]
    assert b'"rule": "logq.io/sample"' in told[0]["data"]


@pytest.mark.parametrize("hint", ["0", "110%", "-1", "some", "", "nan"])
def test_a_sample_that_is_none_is_told_and_everything_is_stored(
    tmp_path: Path,
    api: FakeApi,
    server: Server,
    store: RecordingStore,
    caplog: pytest.LogCaptureFixture,
    hint: str,
) -> None:
    api.put(shop(annotations={"logq.io/sample": hint}))
    app = runtime(tmp_path)
    for number in range(20):
        app.write(b"line %d" % number)
    ship_once(tmp_path / "pods", tmp_path / "state", store, kubernetes=server)
    assert store.records() == app.written
    assert "no such sample" in caplog.text


def test_an_unusual_workload_is_known_only_from_the_api(
    tmp_path: Path, api: FakeApi, server: Server, store: RecordingStore
) -> None:
    api.put(pod("odd-name", UID, ownerReferences=owned_by("StatefulSet", "odd")))
    runtime(tmp_path, "odd-name").write(b"hello")
    ship_once(tmp_path / "pods", tmp_path / "state", store, kubernetes=server)
    assert store.inserted[0]["workload"] == b"odd"


def test_a_static_pod_is_found_by_its_hash(
    tmp_path: Path, api: FakeApi, server: Server, store: RecordingStore
) -> None:
    annotations = {"kubernetes.io/config.hash": UID, "kubernetes.io/config.mirror": UID}
    references = owned_by("Node", "node-1")
    api.put(
        pod(
            "etcd-node-1",
            "api-uid",
            annotations=annotations,
            labels={"tier": "control-plane"},
            ownerReferences=references,
        )
    )
    runtime(tmp_path, "etcd-node-1").write(b"hello")
    ship_once(tmp_path / "pods", tmp_path / "state", store, kubernetes=server)
    (row,) = store.inserted
    assert (row["labels"], row["workload"]) == ({b"tier": b"control-plane"}, b"etcd")


def test_a_new_pod_of_the_same_name_does_not_get_the_labels_of_the_old(
    tmp_path: Path, api: FakeApi, server: Server, store: RecordingStore
) -> None:
    api.put(shop(uid="another-uid"))
    runtime(tmp_path).write(b"hello")
    ship_once(tmp_path / "pods", tmp_path / "state", store, kubernetes=server)
    assert store.inserted[0]["labels"] == {}
    assert store.inserted[0]["workload"] == b"shop"


def test_lines_wait_for_their_pod_to_become_known(
    tmp_path: Path, api: FakeApi, server: Server, store: RecordingStore
) -> None:
    other = runtime(tmp_path, "known-0")
    api.put(pod("known-0", UID))
    with following(tmp_path, store, server):
        other.write(b"flows")
        eventually(lambda: bool(store.inserted))
        app = Runtime(tmp_path / "pods", "late-0", uid="late-uid")
        app.write(b"first line")
        other.write(b"still flows")
        eventually(lambda: ("stdout", b"still flows") in store.records())
        assert not store.records(pod=b"late-0")
        api.put(pod("late-0", "late-uid", labels={"app": "late"}))
        eventually(lambda: store.records(pod=b"late-0") == app.written)
    assert all(row["labels"] == {b"app": b"late"} for row in store.inserted if row["pod"] == b"late-0")


def test_lines_do_not_wait_longer_than_a_moment(
    tmp_path: Path, api: FakeApi, server: Server, store: RecordingStore
) -> None:
    app = runtime(tmp_path)
    app.write(b"one")
    with following(tmp_path, store, server, hold=0.2):
        eventually(lambda: store.records() == app.written)
        assert store.inserted[0]["labels"] == {}
        api.put(shop())

        def described() -> bool:
            app.write(b"more")
            return store.inserted[-1]["labels"] == encoded(STORED)

        eventually(described)


def test_changed_labels_count_from_then_on(
    tmp_path: Path, api: FakeApi, server: Server, store: RecordingStore
) -> None:
    api.put(shop())
    app = runtime(tmp_path)
    app.write(b"one")
    with following(tmp_path, store, server):
        eventually(lambda: store.records() == app.written)
        api.put(shop(labels={"app": "renamed"}))

        def renamed() -> bool:
            app.write(b"more")
            return store.inserted[-1]["labels"] == encoded({"app": "renamed", "workload_kind": "ReplicaSet"})

        eventually(renamed)
    assert store.inserted[0]["labels"] == encoded(STORED)


@pytest.mark.parametrize("fault", ["forbidden", "broken", "token", "hang", "absent"])
def test_without_the_api_lines_flow_with_what_their_path_tells(
    tmp_path: Path,
    api: FakeApi,
    server: Server,
    store: RecordingStore,
    fault: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(metadata, "HOLD", 0.3)
    if fault == "token":
        api.token = "another"
    elif fault == "hang":
        api.hang.set()
    elif fault == "absent":
        server = Server("http://127.0.0.1:1")
    else:
        setattr(api, fault, True)
    app = runtime(tmp_path)
    app.write(b"hello")
    with following(tmp_path, store, server, hold=0.3):
        eventually(lambda: store.records() == app.written)
    assert (store.inserted[0]["workload"], store.inserted[0]["labels"]) == (b"shop", {})


def test_a_removed_pod_keeps_its_labels_until_it_is_read(
    tmp_path: Path, api: FakeApi, server: Server, store: RecordingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_module, "KEPT", 0.0)
    api.put(shop())
    app = runtime(tmp_path)
    app.write(b"one")
    with following(tmp_path, store, server):
        eventually(lambda: store.records() == app.written)
        api.delete(UID)
        api.end_watches()
        app.write(b"last words")
        os.rename(app.directory, tmp_path / "gone")
        eventually(lambda: store.records() == app.written)
    assert all(row["labels"] == encoded(STORED) for row in store.inserted)


def test_an_excluded_pod_is_not_stored(
    tmp_path: Path, api: FakeApi, server: Server, store: RecordingStore
) -> None:
    api.put(shop(annotations={"logq.io/exclude": "true", "logq.io/exclude.sidecar": "false"}))
    runtime(tmp_path).write(b"secret")
    runtime(tmp_path, container="sidecar").write(b"hello")
    ship_once(tmp_path / "pods", tmp_path / "state", store, kubernetes=server)
    assert store.records() == [("stdout", b"hello")]


def test_what_was_written_while_excluded_is_never_stored(
    tmp_path: Path, api: FakeApi, server: Server, store: RecordingStore
) -> None:
    app = runtime(tmp_path)
    app.write(b"before")
    api.put(shop())
    ship_once(tmp_path / "pods", tmp_path / "state", store, kubernetes=server)
    api.put(shop(annotations={"logq.io/exclude": "true"}))
    app.write(b"ERROR secret")
    app.write_part(b"secret ")
    ship_once(tmp_path / "pods", tmp_path / "state", store, kubernetes=server)
    api.put(shop())
    app.end_record(b"end")
    app.write(b"after")
    ship_once(tmp_path / "pods", tmp_path / "state", store, kubernetes=server)
    assert store.records() == [("stdout", b"before"), ("stdout", b"end"), ("stdout", b"after")]


def test_a_pod_says_how_its_lines_make_up_events(
    tmp_path: Path, api: FakeApi, server: Server, store: RecordingStore, caplog: pytest.LogCaptureFixture
) -> None:
    hints = {"logq.io/multiline": "start:BEGIN", "logq.io/multiline.off": "off", "logq.io/multiline.odd": "?"}
    api.put(shop(annotations=hints))
    for container in ("app", "off", "odd"):
        app = runtime(tmp_path, container=container)
        for text in (b"BEGIN Error", b"\tat x", b"BEGIN y"):
            app.write(text)
    ship_once(tmp_path / "pods", tmp_path / "state", store, kubernetes=server)

    def texts(container: bytes) -> list[bytes]:
        return [text for _, text in store.records(container=container)]

    assert texts(b"app") == [b"BEGIN Error\n\tat x", b"BEGIN y"]
    assert texts(b"off") == [b"BEGIN Error", b"\tat x", b"BEGIN y"]
    assert texts(b"odd") == [b"BEGIN Error\n\tat x", b"BEGIN y"]
    assert "no such multi-line hint" in caplog.text


def test_a_changed_hint_loses_nothing(
    tmp_path: Path, api: FakeApi, server: Server, store: RecordingStore
) -> None:
    api.put(shop(annotations={"logq.io/multiline": "indent"}))
    app = runtime(tmp_path)
    app.write(b"one")
    with following(tmp_path, store, server):
        app.write(b"  two")
        eventually(lambda: len(store.lines()) == 2)
        app.write(b"three")
        api.put(shop(annotations={"logq.io/multiline": "off"}))

        def changed() -> bool:
            app.write(b"  four")
            return store.records()[-1:] == [("stdout", b"  four")]

        eventually(changed)
        eventually(lambda: store.lines() == app.written)


def test_metrics_tell_whether_the_api_answers(
    tmp_path: Path, api: FakeApi, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.forbidden = True
    monkeypatch.setattr(metadata, "HOLD", 10.0)
    with metadata.watching(server, "node-1") as pods:
        registry = CollectorRegistry()
        registry.register(ReadingMetrics(Reading(pods=pods)))
        assert registry.get_sample_value("loghouse_kubernetes_up") == 0
        assert (registry.get_sample_value("loghouse_kubernetes_errors_total") or 0) >= 1
