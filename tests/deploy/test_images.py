"""The images: linted, built step by step without Docker, and run as their containers run."""

import os
import re
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from shutil import which

import pytest
from image_build import Build, Stage, can_build, running
from manifests import ROOT
from servers import free_port

from loghouse.cli import app
from loghouse.logq.cli import VERBS
from loghouse.logq.verbs import command_line

IMAGES = sorted((ROOT / "deploy" / "images").glob("*.Dockerfile"))
READY = 60  # seconds for a program to answer; a busy machine takes some

needs_namespaces = pytest.mark.skipif(not can_build(), reason="needs root, mount namespaces and Python 3.11")


@pytest.mark.parametrize("path", IMAGES, ids=lambda path: path.name)
def test_the_linter_finds_nothing(path: Path) -> None:
    hadolint = which("hadolint") or str(Path(sys.executable).with_name("hadolint"))
    done = subprocess.run([hadolint, path], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", IMAGES, ids=lambda path: path.name)
def test_an_image_is_pinned_labelled_probed_and_not_roots(path: Path) -> None:
    text = path.read_text()
    bases = set(re.findall(r"^FROM (\S+:\S+)", text, re.MULTILINE))
    assert all(re.search(r":\d+\.\d+\.\d+", base) for base in bases)
    assert re.search(r"^USER 10001:10001$", text, re.MULTILINE)
    assert "org.opencontainers.image.version" in text
    # Exec form: no shell runs in the container.
    assert re.search(r'^    CMD \["python"', text, re.MULTILINE)
    for word in ("ENTRYPOINT", "CMD"):
        assert all(rest.startswith("[") for rest in re.findall(rf"^{word} (.*)$", text, re.MULTILINE))


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("images")


def built(scratch: Path, name: str, target: str) -> Stage:
    place = scratch / target
    place.mkdir()
    return Build(ROOT, ROOT / "deploy" / "images" / f"{name}.Dockerfile", place).run(target)


@pytest.fixture(scope="module")
def exporters(scratch: Path) -> Stage:
    return built(scratch, "exporters", "exporters")


@needs_namespaces
@pytest.mark.slow
@pytest.mark.parametrize("name", ["php-fpm", "rabbitmq", "redis", "apache", "memcached", "nginx"])
def test_the_image_of_the_exporters_serves_each_of_them(exporters: Stage, name: str) -> None:
    port = free_port()
    exporters.environment["HEALTH_PORT"] = str(port)
    with running(exporters, [f"{name}-exporter", f"--web.listen-address=127.0.0.1:{port}"]):
        assert "_up" in answer(f"http://127.0.0.1:{port}/metrics")
        with running(exporters, exporters.health) as probe:
            assert probe.wait(30) == 0


@needs_namespaces
@pytest.mark.slow
def test_the_image_of_the_exporters_has_nothing_of_loghouse(exporters: Stage) -> None:
    packages = exporters.upper / "opt/logq/lib/python3.11/site-packages"
    assert (packages / "exporters").is_dir()
    assert not (packages / "loghouse").exists() and not (packages / "pip").exists()


@pytest.fixture(scope="module")
def loghouse(scratch: Path) -> Stage:
    return built(scratch, "loghouse", "loghouse")


@needs_namespaces
def test_the_wheel_runs_every_command_where_nothing_else_is(loghouse: Stage) -> None:
    """What the wheel and its dependencies alone can do: the help of every command, and the exporters once."""
    commands = [f"logq {verb}" for verb in VERBS]
    commands += [f"loghouse {name}" for name in command_line(app).commands]
    commands += ["logq", "loghouse", "logq-exporters"]
    commands += [
        f"{kind}-exporter" for kind in ("php-fpm", "rabbitmq", "redis", "apache", "memcached", "nginx")
    ]
    script = "; ".join(f"{command} --help >/dev/null || echo FAILED {command}" for command in commands)
    config = "printf '[redis]\\nredis.addr = \"redis://127.0.0.1:1\"\\n' >/tmp/e.toml"
    once = "logq-exporters --config /tmp/e.toml --once 2>/dev/null | grep '^redis_up'"
    with running(loghouse, ["sh", "-c", f"{script}; {config}; {once}"]) as process:
        assert process.stdout is not None
        assert process.stdout.read() == "redis_up 0\n"


@needs_namespaces
def test_the_image_of_loghouse_serves_the_page(loghouse: Stage) -> None:
    image = loghouse
    with running(image, [*image.entrypoint, "web", "--listen=127.0.0.1:8080"]):
        assert answer("http://127.0.0.1:8080/healthz") == "ok\n"
        with running(image, image.health) as probe:
            assert probe.wait(30) == 0


@needs_namespaces
def test_the_embedded_image_stores_and_finds_what_the_shippers_image_sends(
    scratch: Path, tmp_path: Path
) -> None:
    """Both images run as they would beside each other: one line goes from a file to a search."""
    data = tmp_path / "data"
    data.mkdir()
    os.chown(data, 10001, 10001)
    pods = tmp_path / "pods" / "prod_web-1_0c5a" / "web"
    pods.mkdir(parents=True)
    (pods / "0.log").write_text("2026-01-02T03:04:05.000000001Z stdout F found by the image\n")
    embedded, shipper = built(scratch, "loghouse", "embedded"), built(scratch, "ship", "ship")
    port = free_port()
    url = f"clickhouse://127.0.0.1:{port}/loghouse"
    store = [*embedded.entrypoint, *embedded.command, f"--listen=127.0.0.1:{port}", "--web="]
    with running(embedded, store, binds={str(data): "/var/lib/loghouse"}) as process:
        assert process.stdout is not None
        while "listens on" not in (said := process.stdout.readline()):
            assert said, "the store ended"
        binds = {str(tmp_path / "pods"): "/mnt"}
        state = tmp_path / "state"
        state.mkdir()
        os.chown(state, 10001, 10001)
        binds[str(state)] = "/var/lib/loghouse"
        options = ["--once", f"--url={url}", "--state-dir=/var/lib/loghouse/ship", "/mnt"]
        with running(shipper, [*shipper.entrypoint, *options], binds=binds) as shipping:
            assert shipping.wait(READY) == 0, shipping.stdout and shipping.stdout.read()
        search = [
            "logq",
            "search",
            f"--url={url}",
            "--from=2026-01-01",
            "--to=2026-02-01",
            "-o",
            "raw",
            "found",
        ]
        with running(embedded, search) as found:
            assert found.wait(READY) == 0, found.stdout and found.stdout.read()
            assert found.stdout is not None and found.stdout.read() == "found by the image\n"


def answer(url: str) -> str:
    """The page, as soon as somebody answers."""
    deadline = time.monotonic() + READY
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as response:
                return str(response.read().decode())
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
