"""Whole logs captured from real programs: each line is known by its pack and taken apart by all of its expression.

postgres-15.log: PostgreSQL 15 with `log_line_prefix = '%m [%p] %q%u@%d '` and durations, locks, connections logged.
klog-2.140.log: a program that logs through k8s.io/klog 2.140.
"""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from servers import embedded_store

from loghouse.formats import klog, postgres
from loghouse.formats.pack import Pack
from loghouse.store.client import Store
from loghouse.store.migrate import migrate

CAPTURES = Path(__file__).parent.parent / "data" / "formats"
# Lines that only go on: a statement over two lines, the second line of a message.
CONTINUED = re.compile(r"^(\t|second line$)")
CASES = {"postgres-15.log": postgres.PACK, "klog-2.140.log": klog.PACK}


def lines(name: str) -> list[str]:
    return (CAPTURES / name).read_text().splitlines()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with embedded_store(tmp_path_factory.mktemp("captures")) as url, Store(url) as connection:
        migrate(connection)
        for source, name in enumerate(CASES):
            data = "".join(f"2026-11-21T06:09:00.000000000Z stderr F {line}\n" for line in lines(name))
            connection.insert(
                "ingest",
                ("source_id", "offset", "wrapper", "container", "data"),
                ([source], [0], [b"cri"], [name.encode()], [data.encode()]),
                {"async_insert": 0},
            )
        yield connection


@pytest.mark.parametrize(("name", "pack"), CASES.items())
def test_every_line_is_known_and_taken_apart(name: str, pack: Pack) -> None:
    for line in lines(name):
        known = re.search(pack.pattern, line[:200]) is not None
        assert known is (CONTINUED.match(line) is None), line
        assert not known or re.search(pack.regex, line), line


def test_levels_are_those_the_programs_meant(store: Store) -> None:
    found = {
        name: Counter(dict(store.rows(LEVELS, {"name": name, "format": pack.name})))
        for name, pack in CASES.items()
    }
    postgres_lines, klog_lines = (Counter(level_of(line) for line in lines(name)) for name in CASES)
    del postgres_lines[""], klog_lines[""]
    assert found["postgres-15.log"] == postgres_lines
    assert found["klog-2.140.log"] == klog_lines


LEVELS = "SELECT toString(level), count() FROM logs WHERE container = {name:String} AND format = {format:String} GROUP BY 1"
MEANT = {
    "LOG": "info", "DETAIL": "info", "STATEMENT": "info", "CONTEXT": "info", "HINT": "info", "WARNING": "warning",
    "ERROR": "error", "FATAL": "critical", "I": "info", "W": "warning", "E": "error", "F": "critical",
}  # fmt: skip


def level_of(line: str) -> str:
    written = re.search(r" ([A-Z]+):  |^([IWEF])\d{4} ", line)
    return MEANT[written[1] or written[2]] if written else ""


def test_durations_and_names_of_statements_are_fields(store: Store) -> None:
    slow = store.rows(
        "SELECT strings['user'], strings['database'], numbers['duration_ms'] FROM logs "
        "WHERE format = 'postgres' AND numbers['duration_ms'] > 200 ORDER BY 3"
    )
    assert slow == [("app", "shop", 300.736), ("app", "shop", 1002.231)]


def test_pairs_of_a_klog_line_are_fields(store: Store) -> None:
    found = store.rows(
        "SELECT strings['pod'], numbers['replicas'], strings['line'] FROM logs "
        "WHERE format = 'klog' AND raw LIKE '%Pod status%'"
    )
    assert found == [("prod/web-0", 3.0, "15")]
