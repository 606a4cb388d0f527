"""From a node's files to the rows: every record once, byte for byte, by the commands that people run."""

import os
import subprocess
import sys
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from servers import embedded_store

from loghouse.config import StoreUrl
from loghouse.store.client import Store
from loghouse.store.migrate import migrate

NODE = Path(__file__).parent.parent / "data" / "node" / "var" / "log" / "pods"
LIMIT = 120  # seconds for a command on a busy machine


@dataclass(frozen=True)
class Counted:
    """What a container wrote: how many records and the sum of their CRC-32, which no order changes."""

    records: int
    checksum: int


@pytest.fixture
def url(tmp_path: Path) -> Iterator[StoreUrl]:
    with embedded_store(tmp_path / "store") as opened:
        with Store(opened) as store:
            migrate(store)
        yield opened


def run(*command: str, url: StoreUrl) -> subprocess.CompletedProcess[bytes]:
    """A command of ours, as a person would run it."""
    module = {"logq": "loghouse.logq.cli", "loghouse": "loghouse.cli"}[command[0]]
    return subprocess.run(
        [sys.executable, "-c", f"from {module} import main; main()", *command[1:]],
        capture_output=True,
        timeout=LIMIT,
        env={**os.environ, "LOGQ_URL": f"clickhouse://{url.address}/{url.database}"},
        check=False,
    )


def ship(url: StoreUrl, state: Path, *paths: Path) -> None:
    done = run("loghouse", "ship", "--once", "--state-dir", str(state), *map(str, paths), url=url)
    assert done.returncode == 0, done.stderr.decode()


def written(tree: Path) -> dict[tuple[str, str, str], Counted]:
    """What the containers of a tree wrote, read by nothing but this function."""
    records: Counter[tuple[str, str, str]] = Counter()
    checksums: Counter[tuple[str, str, str]] = Counter()
    for path in sorted(tree.glob("*/*/*.log")):
        namespace, pod, _ = path.parent.parent.name.split("_")
        container = (namespace, pod, path.parent.name)
        pending: dict[bytes, bytes] = {}
        for line in path.read_bytes().split(b"\n")[:-1]:
            _, stream, tag, text = line.split(b" ", 3)
            pending[stream] = pending.get(stream, b"") + text
            if tag == b"F":
                record = pending.pop(stream)
                records[container] += 1
                checksums[container] += zlib.crc32(record)
    return {container: Counted(count, checksums[container]) for container, count in records.items()}


def stored(url: StoreUrl) -> dict[tuple[str, str, str], Counted]:
    with Store(url) as store:
        rows = store.rows(
            "SELECT namespace, pod, container, count(), sum(CRC32(line)) FROM logs "
            "ARRAY JOIN splitByChar('\\n', raw) AS line "  # a stack trace is one record
            "WHERE parse_error != 'partial' GROUP BY ALL"
        )
    return {(namespace, pod, container): Counted(n, crc) for namespace, pod, container, n, crc in rows}


def test_every_record_of_a_node_is_stored_once_however_often_it_is_shipped(
    url: StoreUrl, tmp_path: Path
) -> None:
    for _ in range(2):
        ship(url, tmp_path / "state", NODE)
        assert stored(url) == written(NODE)


def test_raw_output_gives_every_byte_back(url: StoreUrl, tmp_path: Path) -> None:
    ship(url, tmp_path / "state", NODE)
    found = run("logq", "search", "--from", "2020-01-01", "--limit", "0", "-o", "raw", url=url)
    assert found.returncode == 0, found.stderr.decode()
    lines = found.stdout.split(b"\n")[:-1]
    expected = written(NODE).values()
    assert Counted(len(lines), sum(map(zlib.crc32, lines))) == Counted(
        sum(counted.records for counted in expected), sum(counted.checksum for counted in expected)
    )


def test_the_rollups_agree_with_the_records(url: StoreUrl, tmp_path: Path) -> None:
    ship(url, tmp_path / "state", NODE)
    with Store(url) as store:
        total = store.rows("SELECT count(), sum(length(raw)) FROM logs")
        assert store.rows("SELECT sum(records), sum(bytes) FROM counts") == total
        assert store.rows("SELECT sum(records), sum(bytes) FROM streams") == total
        assert store.rows("SELECT count() > 20 FROM (SELECT DISTINCT field FROM fields)") == [(1,)]


def test_records_with_the_same_words_count_each_in_the_catalogue_of_fields(
    url: StoreUrl, tmp_path: Path
) -> None:
    """One of them is taken apart for all: what they share has a figure for each sampled record."""
    log = tmp_path / "app.log"
    log.write_text(
        "".join(
            f'{{"msg": "done", "took": {n}}}\n' if n % 2 else f'{{"msg": "done", "user": "u{n}"}}\n'
            for n in range(2000)
        )
    )
    ship(url, tmp_path / "state", log)
    with Store(url) as store:
        sampled = "cityHash64(source_id, offset) % 16 = 0"
        found = dict(store.rows("SELECT field, sum(records) FROM fields GROUP BY field"))
        (both, took, user), *_ = store.rows(
            f"SELECT count(), countIf(position(raw, 'took') > 0), countIf(position(raw, 'user') > 0) "
            f"FROM logs WHERE {sampled}"
        )
    assert found == {"msg": both, "took": took, "user": user}
    assert 0 < took < both
