"""Files go into the store in rounds of bounded size, and nothing is lost between two of them."""

from pathlib import Path

import pytest

from loghouse.config import StoreUrl
from loghouse.local import load as loading
from loghouse.local.sources import named_files
from loghouse.local.tables import PIECES, TABLES
from loghouse.store.client import Store


def test_files_of_many_rounds_are_read_whole(
    store_url: StoreUrl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "BLOCK_BYTES", 1)
    monkeypatch.setattr(loading, "ROUND_BYTES", 100)
    lines = [f"2026-08-01T10:00:0{number}Z line {number}" for number in range(8)]
    for number, line in enumerate(lines):
        (tmp_path / f"{number}.log").write_text(line + "\n")
    with Store(store_url) as store:
        store.rows("CREATE DATABASE rounds")
    seen: list[int] = []
    with Store(StoreUrl(store_url.host, store_url.port, "rounds")) as store:
        for table in TABLES:
            store.rows(table)
        loaded = loading.load(
            store, named_files([str(tmp_path)]), "UTC", lambda so_far: seen.append(so_far.bytes_read)
        )
        found = store.rows("SELECT raw FROM logs ORDER BY timestamp")
        assert store.rows(f"SELECT count() FROM {PIECES}") == [(0,)]
    assert [raw for (raw,) in found] == lines
    assert seen == sorted(seen)
    assert loaded.bytes_read == loaded.total_bytes == sum(len(line) + 1 for line in lines)
    assert loaded.problems == []
