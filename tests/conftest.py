"""What all tests share: the store, and the versions in the header."""

import shutil
import signal
import subprocess
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from hypothesis import settings
from servers import embedded_store

from loghouse.config import StoreUrl

# A change is judged by the same examples each time; `make test-slow` looks for new ones.
settings.register_profile("same", derandomize=True)
settings.load_profile("same")


def pytest_configure() -> None:
    """A shell starts what runs in its background deaf to Ctrl-C, and so would be all that tests start."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_report_header() -> list[str]:
    """The versions that a failure may depend on."""
    return ["versions: " + ", ".join([*map(_package, ("chdb", "clickhouse-driver")), _old_client()])]


@pytest.fixture(scope="session")
def store_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreUrl]:
    """An embedded store for the whole run; a test that makes tables gives them names of its own."""
    data_dir: Path = tmp_path_factory.mktemp("store")
    with embedded_store(data_dir) as url:
        yield url


def _package(name: str) -> str:
    try:
        return f"{name} {metadata.version(name)}"
    except metadata.PackageNotFoundError:
        return f"{name} absent"


def _old_client() -> str:
    path = shutil.which("clickhouse-client")
    if path is None:
        return "clickhouse-client absent"
    said = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=20, check=False).stdout
    return f"clickhouse-client {said.split('version')[-1].strip()}"
