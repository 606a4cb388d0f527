"""Verify finds each line that is missing or stored twice, and nothing where all is well."""

import json
import time
from collections.abc import Iterator

import pytest

from loghouse.config import StoreUrl
from loghouse.errors import ExitCode
from loghouse.filters.dropped import Gap
from loghouse.query import TimeRange
from loghouse.store.client import Store
from loghouse.store.migrate import migrate
from loghouse.verify.command import Verify, verify
from loghouse.verify.coverage import Coverage, Dropped, coverage

COLUMNS = ("source_id", "offset", "span", "wrapper", "namespace", "pod", "container", "data")
LINE = b"2026-01-02T03:04:05.000000001Z stdout F text of a line\n"


@pytest.fixture(scope="module")
def url(store_url: StoreUrl) -> StoreUrl:
    own = StoreUrl(store_url.host, store_url.port, "verified")
    with Store(own) as store:
        migrate(store)
    return own


@pytest.fixture
def store(url: StoreUrl) -> Iterator[Store]:
    with Store(url) as store:
        store.rows("TRUNCATE TABLE logs")
        yield store


def put(
    store: Store, source: int, offset: int, data: bytes = LINE, span: int = 0, pod: str = "web-1"
) -> None:
    row = [[source], [offset], [span], [b"cri"], [b"prod"], [pod.encode()], [b"web"], [data]]
    store.insert("ingest", COLUMNS, row, {"async_insert": 0, "insert_deduplicate": 0})


def looked(store: Store, everything: bool = False, limit: int = 1000) -> Coverage:
    return coverage(store, TimeRange(0, time.time_ns() + 10**10), everything, limit)


def test_whole_files_are_sound(store: Store) -> None:
    put(store, 1, 0, LINE * 3)
    put(store, 1, len(LINE) * 3, LINE * 2)
    put(store, 2, 0)
    found = looked(store)
    assert found.sound and found.files == []
    assert (found.records, found.sources) == (6, 2)
    assert found.delays[0.5] > 0


def test_a_file_that_began_before_the_window_is_sound(store: Store) -> None:
    put(store, 1, 1_000_000, LINE * 2)
    assert looked(store).sound


def test_a_missing_line_is_found_at_its_offset(store: Store) -> None:
    put(store, 1, 0, LINE * 2)
    put(store, 1, len(LINE) * 3, LINE)
    put(store, 1, len(LINE) * 10, LINE)
    (file,) = looked(store).files
    assert (file.gaps, file.missing) == (2, len(LINE) * (1 + 6))
    assert file.first_gap == len(LINE) * 2
    assert (file.namespace, file.pod, file.container, file.source) == ("prod", "web-1", "web", 1)
    assert file.doubles == 0 and file.first_double is None


def test_a_line_stored_twice_is_found(store: Store) -> None:
    put(store, 1, 0, LINE * 3)
    put(store, 1, len(LINE), LINE)
    (file,) = looked(store).files
    assert (file.doubles, file.first_double, file.gaps) == (1, len(LINE), 0)


def test_a_joined_record_around_lines_of_the_other_stream_is_sound(store: Store) -> None:
    put(store, 1, 0, LINE, span=len(LINE) * 5)
    put(store, 1, len(LINE) * 2, LINE)
    put(store, 1, len(LINE) * 5, LINE)
    assert looked(store).sound


def test_an_event_with_lines_of_the_other_stream_between_its_own_is_sound(store: Store) -> None:
    put(store, 1, 0, LINE, span=len(LINE) * 2)  # the first and the third line
    put(store, 1, len(LINE), LINE)
    put(store, 1, len(LINE) * 3, LINE)
    assert looked(store).sound
    put(store, 1, len(LINE) * 5, LINE)
    (file,) = looked(store).files
    assert (file.gaps, file.missing, file.first_gap) == (1, len(LINE), len(LINE) * 4)


def test_what_follows_a_long_record_is_not_taken_for_a_gap(store: Store) -> None:
    put(store, 1, 0, LINE, span=len(LINE) * 9)
    put(store, 1, len(LINE) * 2, LINE)
    put(store, 1, len(LINE) * 4, LINE)
    put(store, 1, len(LINE) * 9, LINE)
    assert looked(store).sound


def test_what_a_rule_dropped_is_no_gap_and_is_told(
    store: Store, url: StoreUrl, capsys: pytest.CaptureFixture[str]
) -> None:
    put(store, 1, 0)
    put(store, 1, len(LINE) * 4)
    assert not looked(store).sound
    gap = Gap(1, len(LINE), "debug", 3, len(LINE) * 3)
    record = gap.record({"namespace": "prod", "pod": "web-1", "container": "web"}, time.time())
    row = [[1], [gap.offset], [gap.size], [b"cri"], [b"loghouse"], [b"node-1"], [b"dropped"], [record]]
    store.insert("ingest", COLUMNS, row, {"async_insert": 0, "insert_deduplicate": 0})
    found = looked(store)
    assert found.sound
    assert found.dropped == [Dropped("debug", 3, len(LINE) * 3)]
    assert verify(Verify(url=f"clickhouse://{url.address}/verified", until="now-0s")) is ExitCode.OK
    assert 'dropped on purpose by rule "debug": 3 lines, 165 bytes' in capsys.readouterr().out
    put(store, 1, len(LINE) * 6)
    (file,) = looked(store).files
    assert (file.gaps, file.missing, file.first_gap) == (1, len(LINE), len(LINE) * 5)


def test_a_gap_shorter_than_the_record_that_tells_of_it(store: Store) -> None:
    put(store, 1, 0)
    put(store, 1, len(LINE) * 2)
    record = Gap(1, len(LINE), "a rule", 1, len(LINE)).record({"pod": "x" * 200}, time.time())
    row = [[1], [len(LINE)], [len(LINE)], [b"cri"], [b"loghouse"], [b"node-1"], [b"dropped"], [record]]
    store.insert("ingest", COLUMNS, row, {"async_insert": 0, "insert_deduplicate": 0})
    assert looked(store).sound
    put(store, 1, len(LINE) * 4)
    assert looked(store).files[0].missing == len(LINE)


def test_each_file_is_judged_alone(store: Store) -> None:
    put(store, 1, 0)
    put(store, 2, len(LINE) * 7, pod="web-2")
    put(store, 2, len(LINE) * 9, pod="web-2")
    found = looked(store, everything=True)
    assert [(file.pod, file.sound) for file in found.files] == [("web-2", False), ("web-1", True)]
    assert looked(store, everything=True, limit=1).cut


def test_the_exit_code_tells(store: Store, url: StoreUrl, capsys: pytest.CaptureFixture[str]) -> None:
    put(store, 1, 0)
    options = Verify(url=f"clickhouse://{url.address}/verified", until="now-0s")
    assert verify(options) is ExitCode.OK
    assert "sound: no byte missing" in capsys.readouterr().out
    put(store, 1, len(LINE) * 2)
    assert verify(options) is ExitCode.PARTIAL
    said = capsys.readouterr().out
    assert f"{len(LINE)} bytes missing in 1 gaps, the first at offset {len(LINE)}" in said
    machine = Verify(url=f"clickhouse://{url.address}/verified", as_json=True)
    assert verify(machine) is ExitCode.PARTIAL
    answer = json.loads(capsys.readouterr().out)
    assert answer["sound"] is False and answer["files"][0]["missing"] == len(LINE)


def test_nothing_stored_is_sound(store: Store, url: StoreUrl, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify(Verify(url=f"clickhouse://{url.address}/verified")) is ExitCode.OK
    assert capsys.readouterr().out.startswith("0 records of 0 files")
