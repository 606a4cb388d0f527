"""A user who may only read can do everything but save; `sql` reads nothing but the store."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from logq.stores import LIMIT, LiveStore, Logq, Source, address, command, environment

from loghouse.logq.cli import VERBS
from loghouse.store.client import Store
from loghouse.store.migrate import migrate

# Every query of the process runs under ClickHouse's `readonly`, as it would for such a user.
READER = (
    "import loghouse.store.client as client\n"
    "begin = client.Store.__init__\n"
    "def read_only(self, url, *given, settings=None, **more):\n"
    "    begin(self, url, *given, settings={**(settings or {}), 'readonly': 2}, **more)\n"
    "client.Store.__init__ = read_only\n"
    "from loghouse.logq.cli import main\n"
    "main()\n"
)


def read(live: LiveStore, *arguments: str, **more: str) -> subprocess.CompletedProcess[bytes]:
    """`logq` as a reader."""
    return subprocess.run(
        [sys.executable, "-c", READER, *arguments],
        env=environment(LOGQ_URL=address(live.url), **more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=LIMIT,
        check=False,
    )


def test_a_reader_can_do_all_but_save(live: LiveStore, space: str, tmp_path: Path) -> None:
    Source(live.url, namespace=space).write(b"status=500 one", b"status=200 two", at=datetime.now(UTC))
    asked = {
        "search": ("search", "-n", space, "--budget", "1GB", "--max-time", "20s"),
        "hist": ("hist", "-n", space),
        "stats": ("stats", "count() by status", "-n", space),
        "patterns": ("patterns", "-n", space),
        "fields": ("fields", "-n", space),
        "values": ("values", "status", "-n", space),
        "export": ("export", str(tmp_path / "all.jsonl"), "-n", space),
        "du": ("du", "--by", "format", "-n", space),
        "explain": ("explain", "status=500", "-n", space),
        "sql": ("sql", "SELECT count() FROM logs"),
        "verify": ("verify",),
        "doctor": ("doctor",),
        "completion": ("completion", "bash"),
        "context": ("context", "one", "-n", space),
    }
    elsewhere = {"tail", "saved", "profile", "alerts"}  # the first two below; the others ask no store
    assert set(VERBS) <= set(asked) | elsewhere
    for verb in VERBS:
        if verb in asked:
            done = read(live, *asked[verb])
            assert done.returncode in ((0, 4) if verb == "verify" else (0,)), (verb, done.stderr)
            assert b"readonly" not in done.stderr
    assert read(live, "saved", "-q").returncode in (0, 1)
    refused = read(live, "saved", "save", "mine", "x")
    assert refused.returncode == 3
    assert b"readonly mode" in refused.stderr
    assert b"Traceback" not in refused.stderr


def test_a_reader_can_follow(live: LiveStore, space: str) -> None:
    Source(live.url, namespace=space).write(b"already there", at=datetime.now(UTC))
    process = subprocess.Popen(
        [sys.executable, "-c", READER, "tail", "-n", space, "-o", "raw"],
        env=environment(LOGQ_URL=address(live.url)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == b"already there\n"
        Source(live.url, namespace=space, offset=1000).write(b"and new", at=datetime.now(UTC))
        assert process.stdout.readline() == b"and new\n"
    finally:
        process.terminate()
        process.communicate(timeout=LIMIT)


@pytest.fixture(scope="module")
def open_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveStore]:
    """A store that refuses nothing by itself, as a ClickHouse server does."""
    store = LiveStore(tmp_path_factory.mktemp("open") / "store", "--allow-outside")
    store.start()
    with Store(store.url) as connection:
        migrate(connection)
    yield store
    store.stop()


OUTSIDE = (
    "SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a String')",
    "SELECT * FROM file('{file}', 'LineAsString')",
    "SELECT file('{file}')",
    "DESCRIBE TABLE url('http://127.0.0.1:1/', 'CSV')",
    "EXPLAIN SELECT * FROM remote('127.0.0.1:1', 'system.one')",
    "SELECT 1 WHERE 'x' IN (SELECT * FROM `file`('{file}', 'LineAsString'))",
    "WITH x AS (SELECT * FROM S3('http://127.0.0.1:1/x.csv')) SELECT * FROM x",
    "SELECT * FROM executable('ls', 'TSV', 'a String')",
    "SELECT * FROM cluster('default', system.one)",
    "SELECT * FROM mysql('127.0.0.1:1', 'a', 'b', 'c', 'd')",
    "SELECT * FROM python('x')",
)


def sql(store: LiveStore, statement: str) -> subprocess.CompletedProcess[bytes]:
    """`logq sql` of a store."""
    return subprocess.run(
        command("sql", statement),
        env=environment(LOGQ_URL=address(store.url)),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=LIMIT,
        check=False,
    )


@pytest.mark.parametrize("statement", OUTSIDE)
def test_sql_reads_nothing_but_the_store(open_store: LiveStore, tmp_path: Path, statement: str) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the secret")
    done = sql(open_store, statement.format(file=secret))
    assert done.returncode == 3, done.stderr
    assert b"reaches beyond the store" in done.stderr
    assert b"the secret" not in done.stdout + done.stderr


def test_sql_writes_no_files(open_store: LiveStore, tmp_path: Path) -> None:
    """ClickHouse's `readonly` lets this one pass."""
    written = tmp_path / "written.csv"
    done = sql(open_store, f"INSERT INTO FUNCTION file('{written}', 'CSV', 'a String') SELECT 'x'")
    assert (done.returncode, b"this statement writes" in done.stderr) == (3, True)
    sql(open_store, f"SELECT 1 INTO OUTFILE '{tmp_path}/out.txt'")  # is for the client, which is us
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM numbers(2)",
        "SELECT * FROM VALUES('a UInt8', 1, 2)",
        "SELECT 'url(x) file(y)' AS text",
        "SHOW TABLES",
        "EXPLAIN SELECT 1",
        "DESCRIBE TABLE logs",
        "SELECT count() FROM merge(currentDatabase(), '^logs$')",
    ],
)
def test_sql_of_the_store_itself_still_works(logq: Logq, statement: str) -> None:
    done = logq("sql", statement)
    assert done.returncode == 0, done.stderr
    assert done.stdout
