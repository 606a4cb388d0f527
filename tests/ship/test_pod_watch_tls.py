"""The API of a cluster has a certificate of the cluster's own CA: that one is trusted, no other."""

import logging
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from kubernetes_api import FakeApi, pod, served
from shipping import eventually

from loghouse.kubernetes import api as api_module
from loghouse.kubernetes import watch as watch_module
from loghouse.kubernetes.api import Server
from loghouse.kubernetes.watch import PodWatch


def openssl(*arguments: object) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=60)


def authority(directory: Path, name: str) -> Path:
    """A CA, and a certificate of its for 127.0.0.1."""
    made = directory / name
    made.mkdir()
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", 2)
    constraints = ("-addext", "keyUsage=critical,keyCertSign")
    openssl(
        *("req", "-x509", *key, "-subj", f"/CN={name}", *constraints),
        *("-keyout", made / "ca.key", "-out", made / "ca.crt"),
    )
    openssl(
        *("req", *key, "-subj", "/CN=kube-apiserver", "-addext", "subjectAltName=IP:127.0.0.1"),
        *("-keyout", made / "tls.key", "-out", made / "tls.csr"),
    )
    openssl(
        *("x509", "-req", "-in", made / "tls.csr", "-CA", made / "ca.crt", "-CAkey", made / "ca.key"),
        *("-CAcreateserial", "-days", 2, "-copy_extensions", "copy", "-out", made / "tls.crt"),
    )
    return made


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return authority(tmp_path_factory.mktemp("cluster"), "kubernetes")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return authority(tmp_path_factory.mktemp("stranger"), "kubernetes")


@pytest.fixture(autouse=True)
def short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_module, "FIRST_WAIT", 0.02)
    monkeypatch.setattr(watch_module, "LONGEST_WAIT", 0.05)


@pytest.fixture
def api() -> FakeApi:
    made = FakeApi()
    made.put(pod("shop-0", "u1", labels={"app": "shop"}))
    return made


@pytest.fixture
def url(api: FakeApi, cluster: Path) -> Iterator[str]:
    with served(api, str(cluster / "tls.crt"), str(cluster / "tls.key")) as address:
        yield address


@pytest.fixture
def token(api: FakeApi, tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text(api.token)
    return path


def test_the_own_ca_is_trusted(api: FakeApi, url: str, token: Path, cluster: Path) -> None:
    watch = PodWatch(Server(url, str(token), str(cluster / "ca.crt")), "node-1")
    watch.start()
    try:
        assert watch.ready(10)
        assert watch.get("u1")
        api.put(pod("late-0", "u2"))
        eventually(lambda: watch.get("u2") is not None)
    finally:
        watch.close()


@pytest.mark.parametrize("trusted", ["another CA", "those of the system"])
def test_another_ca_is_refused_before_the_token_is_sent(
    api: FakeApi, url: str, token: Path, stranger: Path, trusted: str, caplog: pytest.LogCaptureFixture
) -> None:
    ca_file = str(stranger / "ca.crt") if trusted == "another CA" else ""
    watch = PodWatch(Server(url, str(token), ca_file), "node-1")
    with caplog.at_level(logging.WARNING):
        watch.start()
        try:
            eventually(lambda: watch.errors > 1)
            assert not watch.answering and watch.get("u1") is None
        finally:
            watch.close()
    assert api.tokens == []
    assert len(caplog.records) == 1
    assert "certificate verify failed" in caplog.records[0].getMessage()


def test_a_ca_that_is_renewed_is_read_again(
    url: str, token: Path, tmp_path: Path, cluster: Path, stranger: Path
) -> None:
    ca_file = tmp_path / "ca.crt"
    ca_file.write_bytes((stranger / "ca.crt").read_bytes())
    watch = PodWatch(Server(url, str(token), str(ca_file)), "node-1")
    watch.start()
    try:
        eventually(lambda: watch.errors > 0)
        ca_file.write_bytes((cluster / "ca.crt").read_bytes())
        eventually(lambda: watch.get("u1") is not None)
    finally:
        watch.close()


def test_a_renewed_token_is_taken_over_tls_too(
    api: FakeApi, url: str, token: Path, cluster: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_module, "TOKEN_AGE", 0.0)
    watch = PodWatch(Server(url, str(token), str(cluster / "ca.crt")), "node-1")
    watch.start()
    try:
        assert watch.ready(10)
        api.token = "second-token"
        token.write_text(api.token)
        api.put(pod("late-0", "u2"))

        def known() -> bool:
            api.end_watches()
            return "second-token" in api.tokens and watch.get("u2") is not None

        eventually(known)
    finally:
        watch.close()
