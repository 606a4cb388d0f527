"""Statements of clients stay inside of the store unless it was started with --allow-outside."""

from pathlib import Path

import pytest
from embedded.clients import driver
from hypothesis import given
from hypothesis import strategies as st
from servers import start_embedded, stop

from loghouse.config import StoreUrl
from loghouse.embedded.engine import EngineError
from loghouse.embedded.outside import Inside
from loghouse.errors import StoreError
from loghouse.store.client import Store

REACHING = [
    "SELECT * FROM file('/etc/hostname', 'LineAsString')",
    "SELECT file('/etc/hostname')",
    "SELECT * FROM FILE ('/etc/hostname')",
    "SELECT * FROM `file`('/etc/hostname', 'LineAsString')",
    "SELECT \"file\"/* */('/etc/hostname')",
    r"SELECT * FROM `fi\x6ce`('/etc/hostname', 'LineAsString')",
    "SELECT * FROM url('http://127.0.0.1:1/', 'TSV', 'a String')",
    "SELECT * FROM remote('127.0.0.1:1', system.one)",
    "SELECT * FROM system.one UNION ALL SELECT * FROM executable('id', TSV, 'a UInt8')",
    "SELECT * FROM s3('http://127.0.0.1:1/x', 'TSV')",
    "SELECT * FROM python('x')",
    "SELECT * FROM view(SELECT * FROM file('/etc/hostname'))",
    "DESCRIBE TABLE file('/etc/hostname')",
    "EXPLAIN SELECT * FROM file('/etc/hostname')",
    "INSERT INTO FUNCTION file('/tmp/out', 'TSV', 'a UInt8') SELECT 1",
    "INSERT INTO TABLE FUNCTION url('http://127.0.0.1:1/', 'TSV', 'a UInt8') VALUES (1)",
    "INSERT INTO t VALUES (length(file('/etc/hostname')))",
    "INSERT INTO t FROM INFILE '/etc/hostname' FORMAT LineAsString",
    "CREATE TABLE f (a String) ENGINE = File(TSV, '/tmp/out')",
    "CREATE TABLE f (a String) ENGINE URL('http://127.0.0.1:1/')",
    "CREATE TABLE f AS file('/etc/hostname')",
    "CREATE DATABASE d ENGINE = Filesystem('/etc')",
    "CREATE OR REPLACE DICTIONARY d (a String) PRIMARY KEY a SOURCE(FILE(path '/etc/hostname' format 'TSV')) "
    "LAYOUT(FLAT()) LIFETIME(1)",
    "ATTACH TABLE f FROM '/etc' (a String) ENGINE = MergeTree ORDER BY a",
    "SELECT * FROM '/etc/hostname'",
    "SELECT * FROM `/etc/hostname`",
    "SELECT * FROM default.`/etc/hostname`",
    'SELECT * FROM system.one, "/etc/hostname"',
    "SELECT * FROM system.one JOIN '../hostname' ON 1",
    "SELECT 1 WHERE 'a' IN `/etc/hostname`",
    "SELECT * FROM `hostname.csv`",
    "SELECT 1 WHERE 'a' IN default.`/etc/hostname`",
    "SELECT 1 WHERE 'a' IN (`default`.`/etc/hostname`)",
    r"SELECT * FROM `d\x65fault`.`/etc/hostname`",
    "SELECT hasColumnInTable('default', '/etc/hostname', 'c1')",
    "DROP TABLE IF EXISTS x PARALLEL WITH CREATE DATABASE d ENGINE = Filesystem('/etc')",
    "SELECT trim(BOTH (SELECT * FROM `/etc/hostname`) FROM 'a')",
    "SELECT substring((SELECT 1), 2), * FROM `/etc/hostname`",
    "DESC '/etc/hostname'",
    "SELECT * FROM system.one ARRAY JOIN [1] AS a JOIN `/etc/hostname` ON 1",
]
STAYING = [
    "SELECT sum(number) FROM numbers(3)",
    "SELECT format('{}-{}', 'a', '/b'), 'file(1)', 1 AS url",
    "SELECT engine FROM system.databases WHERE name = 'system' AND engine != '/'",
    "SELECT trim(BOTH 'x' FROM 'xax') -- file('/etc/hostname')",
    "SELECT * FROM view(SELECT 1)",
    "SELECT `a/b` FROM (SELECT 1 AS `a/b`)",
    "SELECT * FROM (SELECT concat('a', './') FROM system.one) WHERE 1 IN (SELECT length(concat('.', '')))",
    "SHOW TABLES",
    "SELECT `a.b` FROM (SELECT 1 AS `a.b`, 'x/y' AS c) ORDER BY c DESC, `a.b`, 'x.y'",
    "SELECT * FROM (SELECT [1, 2] AS `a.b`) ARRAY JOIN `a.b`",
    "SELECT EXTRACT(YEAR FROM `a.b`) FROM (SELECT today() AS `a.b`)",
    "SELECT trim(LEADING 'a' FROM `c.d`) FROM (SELECT 'abc' AS `c.d`)",
    "CREATE TABLE IF NOT EXISTS `dictionary` (engine String, `url` String) ENGINE = Memory",
    "CREATE TABLE IF NOT EXISTS outside.url (`a.b` String) ENGINE = Memory",
    "INSERT INTO outside.url (`a.b`) SELECT 'a/b.c'",
    "CREATE VIEW IF NOT EXISTS outside.v AS SELECT engine AS e FROM system.tables",
    "CREATE TABLE IF NOT EXISTS outside.`a.b` (engine String) ENGINE = Memory",
    "SELECT * FROM outside.`a.b` WHERE engine != 'File'",
]

# A client's own names, whatever they are, in places where the engine takes none for a file or a function.
PLACES = [
    "SELECT `{}` FROM t WHERE `{}` = '{}' ORDER BY `{}` DESC, `{}`, '{}' LIMIT 1 BY `{}`",
    "SELECT t.`{}`, length(`{}`) AS `{}` FROM t PREWHERE `{}` GROUP BY `{}`, '{}'",
    "SELECT * FROM loghouse.`{}` WHERE x IN ('{}', '{}')",
    "SELECT * FROM a JOIN b ON a.`{}` = b.`{}` WHERE concat('{}', `{}`) LIKE '{}'",
    "INSERT INTO t (`{}`, `{}`) VALUES ('{}', '{}')",
    "CREATE TABLE t (`{}` String, engine String) ENGINE = MergeTree ORDER BY `{}`",
    "ALTER TABLE t ADD COLUMN `{}` String AFTER `{}`",
    "SELECT trim(BOTH '{}' FROM `{}`) FROM t ARRAY JOIN `{}` WHERE `{}` > 1",
]


def test_a_client_reaches_no_file_and_no_network(store_url: StoreUrl) -> None:
    with driver(store_url) as client, Store(store_url) as store:
        for sql in REACHING:
            with pytest.raises(StoreError, match="--allow-outside") as refused:
                store.rows(sql)
            assert refused.value.code == 497, sql
            with pytest.raises(StoreError, match="--allow-outside"):
                store.rows(sql)  # what was found out about a statement is kept
        client.execute("CREATE DATABASE IF NOT EXISTS outside")
        for sql in STAYING:
            client.execute(sql)
        assert client.execute("SELECT 1") == [(1,)]


@given(st.sampled_from(PLACES), st.text("ab./'-%éurl FROM", max_size=9))
def test_names_in_quotes_are_the_clients_own(place: str, name: str) -> None:
    quoted = name.replace("'", "''")
    Inside(["file", "url", "numbers"]).check(place.replace("{}", quoted).encode())


def test_no_file_beside_the_store_is_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "words").write_text("a,b\n1,2\n")
    monkeypatch.chdir(tmp_path)
    process, url = start_embedded(Path("data"))
    try:
        with Store(url) as store:
            for sql in ("SELECT * FROM default.words", "SELECT 1 WHERE '1' IN default.words"):
                with pytest.raises(StoreError, match="words"):
                    store.rows(sql)
    finally:
        stop(process)


def test_what_is_not_known_is_refused() -> None:
    inside = Inside(["numbers", "fetchEverything"])
    inside.check(b"SELECT * FROM numbers(1)")
    inside.check(b"INSERT INTO fetchEverything (a) VALUES (1)")
    with pytest.raises(EngineError, match="fetcheverything"):
        inside.check(b"SELECT * FROM fetchEverything(1)")


def test_outside_can_be_allowed(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("hello\n")
    process, url = start_embedded(tmp_path / "data", "--allow-outside")
    try:
        with Store(url) as store:
            assert store.rows(f"SELECT * FROM file('{tmp_path}/words.txt', 'LineAsString')") == [("hello",)]
    finally:
        stop(process)


@pytest.mark.parametrize("sql", ["{}", "SELECT * FROM ({})"])
def test_totals_are_refused_and_not_lost(store_url: StoreUrl, sql: str) -> None:
    inner = "SELECT number, count() FROM numbers(3) GROUP BY number WITH TOTALS"
    with Store(store_url) as store, pytest.raises(StoreError, match="WITH ROLLUP"):
        store.rows(sql.format(inner))
