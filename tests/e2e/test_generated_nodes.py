"""Large generated nodes against their manifest of exact counts and checksums.

The generator is not part of the repository: NODE_GENERATOR names it, or it lies beside the checkout.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from servers import embedded_store

from loghouse.config import StoreUrl
from loghouse.ship.command import ship
from loghouse.store.client import Store
from loghouse.store.migrate import migrate

GENERATOR = Path(os.environ.get("NODE_GENERATOR", Path(__file__).parents[3] / "shared" / "gen_k8s_logs.py"))

pytestmark = pytest.mark.skipif(
    not GENERATOR.exists(), reason="no generator of node trees here: set NODE_GENERATOR to one"
)


@pytest.fixture
def url(tmp_path: Path) -> Iterator[StoreUrl]:
    with embedded_store(tmp_path / "store") as opened:
        with Store(opened) as store:
            migrate(store)
        yield opened


def generate(out: Path, *options: str) -> dict[str, object]:
    subprocess.run(
        [sys.executable, GENERATOR, "--out", out, "--lines", "60000", "--seed", "11", *options],
        check=True,
        capture_output=True,
        timeout=120,
    )
    manifest: dict[str, object] = json.loads((out / "manifest.json").read_text())
    return manifest


@pytest.mark.parametrize("runtime", ["containerd", "crio", "docker"])
@pytest.mark.parametrize(
    "options",
    [(), ("--rotate", "300000", "--rotate-gzip", "--restarts", "--dirty")],
    ids=["plain", "rotated, restarted, dirty"],
)
def test_records_of_each_container_equal_the_manifest(
    url: StoreUrl, tmp_path: Path, runtime: str, options: tuple[str, ...]
) -> None:
    manifest = generate(tmp_path / "node", "--runtime", runtime, *options)
    summary = ship(
        [str(tmp_path / "node" / "var" / "log" / "pods")], url, str(tmp_path / "state"), "node-1", once=True
    )
    assert summary.complete
    with Store(url) as store:
        got = {
            row[:3]: row[3:]
            for row in store.rows(
                "SELECT namespace, pod, container, count(), sum(CRC32(line)), sum(length(line)) "
                "FROM logs ARRAY JOIN splitByChar('\\n', raw) AS line GROUP BY ALL"
            )
        }
    containers = manifest["containers"]
    assert isinstance(containers, list)
    # Docker's JSON cannot hold bytes that are not UTF-8: the daemon, and the generator, put U+FFFD there.
    columns = 1 if runtime == "docker" and options else 3
    assert {key: values[:columns] for key, values in got.items()} == {
        (c["namespace"], c["pod"], c["container"]): (c["records"], c["crc32_sum"], c["message_bytes"])[
            :columns
        ]
        for c in containers
    }


def test_stack_traces_are_the_events_of_the_manifest(url: StoreUrl, tmp_path: Path) -> None:
    manifest = generate(tmp_path / "node")
    ship([str(tmp_path / "node" / "var" / "log" / "pods")], url, str(tmp_path / "state"), "node-1", once=True)
    with Store(url) as store:
        got = {
            row[:3]: row[3:]
            for row in store.rows(
                "SELECT namespace, pod, container, count(), sum(CRC32(raw)) FROM logs GROUP BY ALL"
            )
        }
    containers = manifest["containers"]
    assert isinstance(containers, list)
    with_events = [c for c in containers if c["multiline_events"]]
    assert len(with_events) >= 4
    for c in with_events:
        key = (c["namespace"], c["pod"], c["container"])
        assert got[key] == (c["events"], c["event_crc32_sum"]), key


def test_levels_equal_the_manifest_where_a_record_states_one(url: StoreUrl, tmp_path: Path) -> None:
    manifest = generate(tmp_path / "node")
    ship([str(tmp_path / "node" / "var" / "log" / "pods")], url, str(tmp_path / "state"), "node-1", once=True)
    with Store(url) as store:
        rows = store.rows("SELECT namespace, pod, container, toString(level), count() FROM logs GROUP BY ALL")
    containers = manifest["containers"]
    assert isinstance(containers, list)
    compared = 0
    for c in containers:
        # Lines of a stack trace have no level of their own, and access logs take theirs from the status.
        plain = c["records"] == c["events"] and not c["levels_ambiguous"] and not c["http_status"]
        if plain and "none" not in c["event_levels"]:
            key = (c["namespace"], c["pod"], c["container"])
            assert {row[3]: row[4] for row in rows if row[:3] == key} == c["event_levels"], key
            compared += 1
    assert compared >= 5
