"""Docker's fluentd driver, by the library it sends with: it waits for the ack of every message."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from receiving import eventually

from loghouse.receive.command import Receiver

Query = Callable[..., list[tuple[Any, ...]]]
SOURCE = Path(__file__).parent / "docker_client"
RECORDS = 200


@pytest.fixture(scope="module")
def docker_client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not shutil.which("go"):
        pytest.skip("Go is not installed")
    program = tmp_path_factory.mktemp("docker") / "client"
    built = subprocess.run(
        ["go", "build", "-o", program, "."], cwd=SOURCE, capture_output=True, timeout=300, check=False
    )
    if built.returncode:
        pytest.skip(f"cannot be built here: {built.stderr.decode()[-300:]}")
    return program


def test_docker_is_acknowledged_and_its_parts_are_one_record(
    receiver: Receiver, query: Query, docker_client: Path
) -> None:
    assert receiver.forward
    command = [docker_client, str(receiver.forward.port), str(RECORDS)]
    sent = subprocess.run(command, capture_output=True, timeout=120, check=False)
    assert sent.returncode == 0, sent.stderr.decode()
    records = (
        "SELECT count(), uniqExact(raw) FROM logs WHERE container = 'docker-client' AND raw LIKE 'record %'"
    )
    eventually(lambda: query(records) == [(RECORDS, RECORDS)])
    parts = "SELECT raw FROM logs WHERE container = 'docker-client' AND raw LIKE 'long%'"
    assert query(parts) == [("long record in parts",)]
