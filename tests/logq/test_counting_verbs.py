"""`logq hist`, `stats`, `sql` and the limits of queries."""

import json

import pytest
from logq.stores import Logq


def test_stats_counts_what_the_query_finds(logq: Logq, known: list[bytes]) -> None:
    done = logq("stats", "count() n, max(status) top by level", "status>=200", "-n", "prod")
    assert done.stdout.decode().splitlines() == [
        "level\tn\ttop",
        "info\t1\t200",
        "warning\t1\t404",
        "error\t1\t500",
        "critical\t1\t500",
    ]


def test_hist_counts_every_record_once(logq: Logq, known: list[bytes]) -> None:
    done = logq("hist", "-n", "prod", "--every", "10m", "--by", "", "-o", "jsonl")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert sum(row["count"] for row in rows) == len(known)
    by_level = logq("hist", "-n", "prod", "-o", "jsonl").stdout.splitlines()
    assert sum(row["count"] for row in map(json.loads, by_level) if row["level"] == "error") == 1


def test_sql_reads(logq: Logq, known: list[bytes]) -> None:
    done = logq("sql", "SELECT namespace, count() AS n FROM logs GROUP BY namespace ORDER BY n DESC;")
    assert done.stdout == f"namespace\tn\nprod\t{len(known)}\nstaging\t1\n".encode()
    row = logq("sql", "-o", "jsonl", "SELECT 1 AS one, 'a' AS a").stdout
    assert json.loads(row) == {"one": 1, "a": "a"}
    assert logq("sql", "SELECT 1 WHERE 0").returncode == 1


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE logs",
        "INSERT INTO logs (raw) VALUES ('x')",
        "ALTER TABLE logs DELETE WHERE 1",
        "CREATE TABLE x (a Int8) ENGINE = Memory",
        "SELECT 1 SETTINGS readonly = 0",
        "SET readonly = 0",
    ],
)
def test_sql_writes_nothing(logq: Logq, known: list[bytes], statement: str) -> None:
    done = logq("sql", statement)
    assert done.returncode == 3
    assert done.stderr.startswith(b"error: ")
    assert logq("sql", "SELECT count() FROM logs").stdout == f"count()\n{len(known) + 1}\n".encode()


def test_a_budget_refuses_before_reading(logq: Logq, known: list[bytes]) -> None:
    refused = logq("search", "--budget", "1B", "connection")
    assert (refused.returncode, refused.stdout) == (2, b"")
    assert b"more than --budget 1B" in refused.stderr
    assert logq("search", "--budget", "1GB", "connection").returncode == 0
    assert b"is not a size" in logq("search", "--budget", "much").stderr


@pytest.mark.parametrize(
    ("flag", "value"), [("--max-rows", "1"), ("--max-memory", "1kB"), ("--max-time", "1ms")]
)
def test_a_limit_names_its_flag(logq: Logq, known: list[bytes], flag: str, value: str) -> None:
    slow = "stats", "count_uniq(message) by message"
    heavy = "SELECT count() FROM (SELECT number, sleepEachRow(0.001) FROM numbers(3000) GROUP BY number)"
    done = logq("sql", heavy, flag, value) if flag == "--max-time" else logq(*slow, flag, value)
    assert done.returncode == 3, done.stderr
    assert flag.encode() in done.stderr
    assert logq("search", flag, "0").returncode == 2


def test_sql_takes_no_budget_since_it_would_not_keep_it(logq: Logq) -> None:
    refused = logq("sql", "--budget", "1B", "SELECT 1")
    assert refused.returncode == 2
    assert b"--budget" in refused.stderr
