"""The pods of a node stay known whatever the API does, and nobody waits for it."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kubernetes_api import FakeApi, pod, served
from shipping import eventually

from loghouse.errors import UsageError
from loghouse.kubernetes import api as api_module
from loghouse.kubernetes import watch as watch_module
from loghouse.kubernetes.api import Server, in_cluster, server_of
from loghouse.kubernetes.watch import PodWatch


@pytest.fixture(autouse=True)
def short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_module, "FIRST_WAIT", 0.02)
    monkeypatch.setattr(watch_module, "LONGEST_WAIT", 0.05)
    monkeypatch.setattr(watch_module, "FORBIDDEN_WAIT", 0.1)


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


@pytest.fixture
def server(api: FakeApi, tmp_path: Path) -> Iterator[Server]:
    token = tmp_path / "token"
    token.write_text(f"{api.token}\n")
    with served(api) as url:
        yield Server(url, str(token))


@pytest.fixture
def pods(server: Server) -> Iterator[PodWatch]:
    watch = PodWatch(server, "node-1")
    yield watch
    watch.close()


def begin_anew(api: FakeApi, condition: Callable[[], bool]) -> None:
    """End watches until the condition holds."""

    def ended() -> bool:
        api.end_watches()
        return condition()

    eventually(ended)


def test_pods_of_the_node_are_listed(api: FakeApi, pods: PodWatch) -> None:
    api.put(pod("here", "u1", labels={"app": "shop"}))
    api.put(pod("elsewhere", "u2", node="node-2"))
    pods.start()
    assert pods.ready(10)
    found = pods.get("u1")
    assert found is not None
    assert (found.name, found.labels) == ("here", (("app", "shop"),))
    assert pods.get("u2") is None
    assert api.lists()[0] == {
        "fieldSelector": "spec.nodeName=node-1",
        "resourceVersion": "0",
        "limit": "500",
    }


def test_a_list_comes_in_pages(api: FakeApi, pods: PodWatch) -> None:
    api.page = 3
    for number in range(10):
        api.put(pod(f"p{number}", f"u{number}"))
    pods.start()
    assert pods.ready(10)
    assert all(pods.get(f"u{number}") for number in range(10))
    assert len(api.lists()) == 4


def test_changes_arrive_as_events(api: FakeApi, pods: PodWatch) -> None:
    api.put(pod("old", "u1", labels={"version": "1"}))
    pods.start()
    assert pods.ready(10)
    api.put(pod("new", "u2"))
    api.put(pod("old", "u1", labels={"version": "2"}))
    eventually(lambda: pods.get("u2") is not None)
    eventually(lambda: (found := pods.get("u1")) is not None and found.labels == (("version", "2"),))
    assert len(api.lists()) == 1


def test_a_pod_of_the_same_name_is_another(api: FakeApi, pods: PodWatch) -> None:
    api.put(pod("redis-0", "u1", labels={"version": "1"}))
    pods.start()
    assert pods.ready(10)
    api.delete("u1")
    api.put(pod("redis-0", "u2", labels={"version": "2"}))
    eventually(lambda: pods.get("u2") is not None)
    first, second = pods.get("u1"), pods.get("u2")
    assert first is not None and second is not None
    assert (first.labels, second.labels) == ((("version", "1"),), (("version", "2"),))


def test_a_deleted_pod_is_forgotten_after_a_while(
    api: FakeApi, pods: PodWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_module, "KEPT", 0.2)
    api.put(pod("gone", "u1"))
    pods.start()
    assert pods.ready(10)
    api.delete("u1")
    api.put(pod("next", "u2"))
    eventually(lambda: pods.get("u2") is not None)

    begin_anew(api, lambda: pods.get("u1") is None)
    assert pods.get("u2") is not None


def test_a_watch_goes_on_from_the_last_version(api: FakeApi, pods: PodWatch) -> None:
    pods.start()
    assert pods.ready(10)
    api.put(pod("one", "u1"))
    eventually(lambda: pods.get("u1") is not None)
    api.bookmark()
    begin_anew(api, lambda: len(api.watches()) >= 2)
    begin_anew(api, lambda: any(watch["resourceVersion"] == "1011" for watch in api.watches()))
    assert len(api.lists()) == 1
    assert all(watch["allowWatchBookmarks"] == "true" for watch in api.watches())


def test_a_version_that_is_gone_means_to_list_again(api: FakeApi, pods: PodWatch) -> None:
    pods.start()
    assert pods.ready(10)
    api.put_unseen(pod("missed", "u1"))
    api.compact()
    begin_anew(api, lambda: pods.get("u1") is not None)
    assert len(api.lists()) == 2
    assert pods.answering


def test_missed_events_are_made_up_for_by_listing(
    api: FakeApi, pods: PodWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_module, "RESYNC", 0.0)
    pods.start()
    assert pods.ready(10)
    api.put_unseen(pod("missed", "u1"))
    begin_anew(api, lambda: pods.get("u1") is not None)


def test_a_renewed_token_is_read_from_its_file(
    api: FakeApi, server: Server, pods: PodWatch, caplog: pytest.LogCaptureFixture
) -> None:
    pods.start()
    assert pods.ready(10)
    Path(server.token_file).write_text("second-token")
    api.token = "second-token"
    api.put_unseen(pod("later", "u1"))
    api.compact()
    begin_anew(api, lambda: pods.get("u1") is not None)
    assert "second-token" in api.tokens
    assert caplog.text == ""


def test_the_token_is_read_again_before_it_is_refused(
    api: FakeApi, server: Server, pods: PodWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_module, "TOKEN_AGE", 0.0)
    pods.start()
    assert pods.ready(10)
    Path(server.token_file).write_text("second-token")
    begin_anew(api, lambda: "second-token" in api.tokens)


def test_a_token_that_stays_refused_is_told_once(
    api: FakeApi, pods: PodWatch, caplog: pytest.LogCaptureFixture
) -> None:
    api.token = "another"
    pods.start()
    assert not pods.ready(10)
    eventually(lambda: len(api.requests) > 5)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "401" in caplog.text


def test_forbidden_is_told_once_and_tried_again(
    api: FakeApi, pods: PodWatch, caplog: pytest.LogCaptureFixture
) -> None:
    api.forbidden = True
    api.put(pod("p", "u1"))
    pods.start()
    assert not pods.ready(10)
    eventually(lambda: len(api.requests) >= 3)
    assert len(caplog.records) == 1
    assert "403" in caplog.text
    assert "may the service account" in caplog.text
    api.forbidden = False
    eventually(lambda: pods.get("u1") is not None)
    eventually(lambda: "again" in caplog.text)


def test_an_api_that_fails_is_tried_again(api: FakeApi, pods: PodWatch) -> None:
    api.broken = True
    pods.start()
    assert not pods.ready(10)
    api.put(pod("p", "u1"))
    api.broken = False
    eventually(lambda: pods.get("u1") is not None)
    eventually(lambda: pods.answering)


def test_an_api_that_hangs_holds_nobody_up(
    api: FakeApi, pods: PodWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_module, "READ_TIMEOUT", 0.3)
    api.hang.set()
    pods.start()
    assert not pods.ready(0.05)
    eventually(lambda: not pods.answering)
    api.hang.clear()
    api.released.set()
    eventually(lambda: pods.answering)


def test_an_api_that_is_not_there(tmp_path: Path) -> None:
    watch = PodWatch(Server("http://127.0.0.1:1", ""), "node-1")
    watch.start()
    assert not watch.ready(10)
    assert watch.get("u1") is None
    watch.close()


def test_a_pod_that_makes_no_sense_is_passed_over(
    api: FakeApi, pods: PodWatch, caplog: pytest.LogCaptureFixture
) -> None:
    odd = pod("odd", "u1")
    odd["metadata"]["labels"] = "none"
    api.put(odd)
    api.put(pod("good", "u2"))
    pods.start()
    assert pods.ready(10)
    assert pods.get("u2") is not None
    assert pods.get("u1") is None
    assert "cannot be understood" in caplog.text


def test_closing_ends_a_watch_at_once(api: FakeApi, server: Server) -> None:
    watch = PodWatch(server, "node-1")
    watch.start()
    assert watch.ready(10)
    eventually(lambda: bool(api.watches()))
    watch.close()
    assert not watch._thread.is_alive()


def test_in_cluster_comes_from_the_environment() -> None:
    found = in_cluster({"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "6443"})
    assert found is not None
    assert found.url == "https://[fd00::1]:6443"
    assert in_cluster({}) is None


def test_a_setting_names_the_api() -> None:
    inside = {"KUBERNETES_SERVICE_HOST": "10.43.0.1"}
    assert server_of("off", environment=inside) is None
    assert server_of("auto", environment={}) is None
    assert server_of("auto", "/my/token", environment=inside) == Server(
        "https://10.43.0.1:443", "/my/token", f"{api_module.ACCOUNT}/ca.crt"
    )
    assert server_of("https://k8s.example:6443/", environment={}) == Server("https://k8s.example:6443")
    with pytest.raises(UsageError):
        server_of("k8s.example", environment={})
