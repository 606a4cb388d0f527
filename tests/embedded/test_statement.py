"""What the server reads out of a statement before the engine runs it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loghouse.embedded.statement import Insert, NotOneStatement, names, read_statement


@pytest.mark.parametrize(
    ("sql", "head", "target", "columns", "settings"),
    [
        (b"INSERT INTO t (a, b) VALUES", b"INSERT INTO t (a, b)", b"t", b"a, b", b""),
        (b"insert into db.`t x` format Native", b"insert into db.`t x`", b"db.`t x`", b"", b""),
        (b"INSERT INTO t", b"INSERT INTO t", b"t", b"", b""),
        (b"INSERT INTO t -- end", b"INSERT INTO t", b"t", b"", b""),
        (b"INSERT INTO t(a)VALUES;", b"INSERT INTO t(a)", b"t", b"a", b""),
        (
            b"INSERT INTO t (a) SETTINGS async_insert = 0, x = 'VALUES (1)' VALUES ; ",
            b"INSERT INTO t (a)",
            b"t",
            b"a",
            b"SETTINGS async_insert = 0, x = 'VALUES (1)'",
        ),
        (
            b"INSERT INTO TABLE FUNCTION remote('h;', db.t) (a, `b c`) VALUES",
            b"INSERT INTO TABLE FUNCTION remote('h;', db.t) (a, `b c`)",
            b"FUNCTION remote('h;', db.t)",
            b"a, `b c`",
            b"",
        ),
    ],
)
def test_an_insert_whose_rows_come_in_blocks(
    sql: bytes, head: bytes, target: bytes, columns: bytes, settings: bytes
) -> None:
    assert read_statement(sql).insert == Insert(head, target, columns, settings)


@pytest.mark.parametrize(
    "sql",
    [
        b"INSERT INTO t VALUES (1), (2)",
        b"INSERT INTO t (a) FORMAT JSONEachRow {\"a\": 1}",
        b"INSERT INTO t (a) SELECT 1",
        b"INSERT INTO t (SELECT 1)",
        b"INSERT INTO t WITH 1 AS x SELECT x",
        b"INSERT INTO t FROM INFILE 'f' FORMAT CSV",
        b"SELECT 'INSERT INTO t VALUES'",
    ],
)  # fmt: skip
def test_statements_that_need_no_blocks(sql: bytes) -> None:
    assert read_statement(sql).insert is None
    assert read_statement(sql).text == sql


@pytest.mark.parametrize(
    ("sql", "text"),
    [
        (b"SELECT 1 FORMAT JSON", b"SELECT 1 "),
        (b"SELECT 1 FORMAT JSON;", b"SELECT 1 "),
        (b"SELECT 1 INTO OUTFILE '/etc/passwd' TRUNCATE FORMAT CSV", b"SELECT 1 "),
        (b"SELECT 1 FORMAT CSV SETTINGS max_threads = 1", b"SELECT 1  SETTINGS max_threads = 1"),
        (b"SELECT format FROM t ORDER BY format DESC", b"SELECT format FROM t ORDER BY format DESC"),
        (b"SELECT count() FROM t GROUP BY a, format", b"SELECT count() FROM t GROUP BY a, format"),
        (b"SELECT a AS format FROM t", b"SELECT a AS format FROM t"),
        (b"SELECT (SELECT 1 FORMAT CSV)", b"SELECT (SELECT 1 FORMAT CSV)"),
        (b"SELECT ' FORMAT CSV'", b"SELECT ' FORMAT CSV'"),
    ],
)
def test_the_clients_own_clauses_are_cut(sql: bytes, text: bytes) -> None:
    assert read_statement(sql).text == text


@pytest.mark.parametrize(
    "sql",
    [
        b"SELECT ';', `;`, \";\", $$;$$, $x$;$x$",
        b"SELECT 1 -- ;\n",
        b"SELECT 1 /* ; */",
        b"SELECT 1;;  ",
        b"",
        b";",
    ],
)
def test_one_statement(sql: bytes) -> None:
    read_statement(sql)


@pytest.mark.parametrize(
    "sql", [b"SELECT 1; SELECT 2", b"; SELECT 1", b"SELECT ';'; DROP TABLE t", b"SET a=1;\nSELECT 1"]
)
def test_more_than_one_statement(sql: bytes) -> None:
    with pytest.raises(NotOneStatement):
        read_statement(sql)


@given(
    st.binary(max_size=200) | st.text(alphabet="INSERTOFMAV tab'\"`(){};.,-*/$", max_size=100).map(str.encode)
)
def test_any_bytes_are_read_or_refused(sql: bytes) -> None:
    for begin in (b"", b"INSERT INTO ", b"SELECT "):
        try:
            read_statement(begin + sql)
        except NotOneStatement:
            continue


def test_names_of_columns() -> None:
    assert names(b'a, `b``c`, n.x, "d\\"e"') == [b"a", b"b`c", b"n.x", b'd"e']
    assert names(b"* EXCEPT(a)") is None
