"""The oldest ClickHouse that is supported takes the same tables, parses the same and answers the same queries."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from formats.test_packs import LINES

from loghouse.query import TimeRange, compile, parse
from loghouse.record import COLUMNS
from loghouse.store.migrate import migrations

OLDEST = "2.1.1"  # the chdb that holds ClickHouse 24.8
START = 1_795_220_537 * 10**9  # the second of the records, 2026-11-21T00:22:17Z
WINDOW = TimeRange(START - 60 * 10**9, START + 60 * 10**9)
READ = (
    "SELECT raw, format, toString(level), numbers, strings, message, parse_error FROM logs ORDER BY timestamp"
)
QUERIES = (
    "error",
    '"connection refused" -redis',
    "status>=500 | top 5 path",
    "level>=warn | stats count() by format",
    "client:ip(10.0.0.0/8)",
    "~app/name=shop | stats count() by ~app/name, ~tier",
    "* | hist 15s by level",
    "status in (200, 502) | sort bytes desc | limit 3",
    "* | uniq by format",
    "(timeout or refused) ns=prod | fields message",
    "* | stats p95(bytes), count_uniq(client), last(path) by _time:1m",
)


@pytest.mark.slow
def test_the_oldest_engine_gives_the_same_answers(tmp_path: Path) -> None:
    data = "".join(
        f"2026-11-21T00:22:17.{number:09d}Z stdout F {line[0]}\n" for number, line in enumerate(LINES)
    )
    quoted = data.replace("\\", "\\\\").replace("'", "\\'")
    columns = "source_id, offset, wrapper, namespace, pod, container, labels, data"
    statements = [statement for migration in migrations() for statement in migration.statements]
    statements.append(
        f"INSERT INTO ingest ({columns}) VALUES "
        f"(1, 0, 'cri', 'prod', 'web-0', 'web', map('app/name', 'shop'), '{quoted}')"
    )
    compiled = [compile(parse(text), WINDOW, limit=20, now_ns=WINDOW.end) for text in QUERIES]
    queries = [{"sql": READ, "params": {}}]
    queries += [{"sql": query.sql, "params": dict(query.params)} for query in compiled]
    work = {"statements": statements, "queries": queries}
    old, new = _old_engine(tmp_path / "old", work), _this_engine(work)
    assert len(old[0]) == len(LINES)
    for text, before, now in zip(["the records", *QUERIES], old, new, strict=True):
        assert now, text
        assert _without_arrival(before) == _without_arrival(now), text


def _without_arrival(rows: list[list[Any]]) -> list[list[Any]]:
    """Records without `inserted_ms`, which is the time of the test; tables as they are."""
    arrival = list(COLUMNS).index("inserted_ms")
    return [row[:arrival] + row[arrival + 1 :] if len(row) == len(COLUMNS) else row for row in rows]


def _old_engine(environment: Path, work: dict[str, Any]) -> list[list[Any]]:
    """What it answers, in a process and an environment of its own."""
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    python = environment / "bin/python"
    subprocess.run([python, "-m", "pip", "install", "-q", f"chdb=={OLDEST}"], check=True)
    return _answers([str(python)], work)


def _this_engine(work: dict[str, Any]) -> list[list[Any]]:
    return _answers([sys.executable], work)


def _answers(python: list[str], work: dict[str, Any]) -> list[list[Any]]:
    script = Path(__file__).with_name("oldest_engine.py")
    done = subprocess.run(
        [*python, str(script)], input=json.dumps(work), capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2000:]
    answers: list[list[Any]] = json.loads(done.stdout)
    return answers
