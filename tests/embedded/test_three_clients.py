"""Three independent clients: Python's driver, the client of 2018, and the C++ client of today."""

import pytest
from embedded.clients import cpp_client, driver, old_client

from loghouse.config import StoreUrl
from loghouse.store.client import Store


def test_driver_selects_inserts_and_pings(store_url: StoreUrl) -> None:
    with driver(store_url) as client:
        client.execute("CREATE TABLE driven (a Int32, s String) ENGINE = MergeTree ORDER BY a")
        assert client.execute("INSERT INTO driven (a, s) VALUES", [(2, "two"), (1, "one")]) == 2
        assert client.execute("SELECT * FROM driven ORDER BY a") == [(1, "one"), (2, "two")]
        assert client.connection.ping()


def test_store_client_reads_what_it_wrote(store_url: StoreUrl) -> None:
    with Store(store_url) as store:
        store.rows("CREATE TABLE stored (a UInt64, s String) ENGINE = MergeTree ORDER BY a")
        store.insert("stored", ["a", "s"], [[1, 2], [b"\xff\x00", b"two"]], {"async_insert": 0})
        assert store.rows("SELECT a, hex(s) FROM stored ORDER BY a") == [(1, "FF00"), (2, "74776F")]


@pytest.mark.parametrize("compression", [False, "lz4", "lz4hc", "zstd"])
def test_driver_compression_both_ways(store_url: StoreUrl, compression: bool | str) -> None:
    table = f"packed_{compression}".lower()
    rows = [(number, f"row {number} " * 20) for number in range(20_000)]
    with driver(store_url, compression=compression) as client:
        client.execute(f"CREATE TABLE {table} (a UInt32, s String) ENGINE = Memory")
        client.execute(f"INSERT INTO {table} VALUES", rows)
        assert client.execute(f"SELECT * FROM {table} ORDER BY a") == rows


def test_answers_are_packed_as_the_client_asks(store_url: StoreUrl) -> None:
    with driver(store_url, compression="lz4") as client:
        method = {"network_compression_method": "zstd"}
        assert client.execute("SELECT sum(number) FROM numbers(10)", settings=method) == [(45,)]


def test_insert_of_several_blocks(store_url: StoreUrl) -> None:
    with driver(store_url) as client:
        client.execute("CREATE TABLE pieces (a UInt32) ENGINE = MergeTree ORDER BY a")
        client.execute(
            "INSERT INTO pieces VALUES", [(n,) for n in range(1000)], settings={"insert_block_size": 100}
        )
        assert client.execute("SELECT count(), sum(a) FROM pieces") == [(1000, 499_500)]


def test_rows_written_into_the_text_of_an_insert(store_url: StoreUrl) -> None:
    with driver(store_url) as client:
        client.execute("CREATE TABLE inlined (a UInt32) ENGINE = Memory")
        client.execute("INSERT INTO inlined VALUES (1), (2)")
        client.execute("INSERT INTO inlined SELECT number + 10 FROM numbers(2)")
        assert client.execute("SELECT groupArray(a) FROM (SELECT a FROM inlined ORDER BY a)") == [
            ([1, 2, 10, 11],)
        ]


def test_an_empty_answer_still_has_its_columns(store_url: StoreUrl) -> None:
    with driver(store_url) as client:
        rows, columns = client.execute("SELECT 1 AS a, 'x' AS b WHERE 0", with_column_types=True)
    assert (rows, columns) == ([], [("a", "UInt8"), ("b", "String")])


def test_an_error_has_code_and_text_and_the_connection_goes_on(store_url: StoreUrl) -> None:
    from clickhouse_driver.errors import ServerException

    with driver(store_url) as client:
        with pytest.raises(ServerException, match="nothing_like_it") as caught:
            client.execute("SELECT * FROM nothing_like_it")
        assert caught.value.code == 60
        assert client.execute("SELECT 1") == [(1,)]


def test_an_error_in_the_middle_of_an_answer(store_url: StoreUrl) -> None:
    from clickhouse_driver.errors import ServerException

    with driver(store_url) as client, pytest.raises(ServerException) as caught:
        client.execute(
            "SELECT throwIf(number = 500000) FROM numbers(1000000) SETTINGS max_block_size = 10000"
        )
    assert caught.value.code == 395


def test_a_refused_insert_names_what_is_wrong(store_url: StoreUrl) -> None:
    from clickhouse_driver.errors import ServerException

    with driver(store_url) as client:
        client.execute("CREATE TABLE narrow (a UInt32) ENGINE = Memory")
        with pytest.raises(ServerException, match="zz") as caught:
            client.execute("INSERT INTO narrow (a, zz) VALUES", [(1, 2)])
        assert caught.value.code == 16
        with pytest.raises(ServerException) as caught:
            client.execute("INSERT INTO nothing_like_it (a) VALUES", [(1,)])
        assert caught.value.code == 60
        assert client.execute("SELECT count() FROM narrow") == [(0,)]


def test_two_statements_in_one_text_are_refused(store_url: StoreUrl) -> None:
    from clickhouse_driver.errors import ServerException

    with driver(store_url) as client:
        with pytest.raises(ServerException, match="Multi-statements") as caught:
            client.execute("SELECT 1; DROP DATABASE loghouse")
        assert caught.value.code == 62
        assert client.execute("SELECT ';' AS semicolon; -- end") == [(";",)]


def test_old_client_selects(store_url: StoreUrl) -> None:
    sql = "SELECT toLowCardinality('x'), [1, 2], (1, 'a'), toNullable(5), toDecimal64(1.5, 2)"
    answer = old_client(store_url, "-q", sql)
    assert (answer.returncode, answer.stdout) == (0, b"x\t[1,2]\t(1,'a')\t5\t1.50\n"), answer.stderr


@pytest.mark.parametrize("compression", ["0", "1"])
def test_old_client_inserts(store_url: StoreUrl, compression: str) -> None:
    table = f"old_{compression}"
    with driver(store_url) as client:
        client.execute(
            f"CREATE TABLE {table} (a Int32, s LowCardinality(String)) ENGINE = MergeTree ORDER BY a"
        )
    lines = b"".join(b'%d,"row %d"\n' % (number, number % 7) for number in range(5000))
    options = ("--compression", compression, "-q", f"INSERT INTO {table} FORMAT CSV")
    written = old_client(store_url, *options, given=lines)
    assert written.returncode == 0, written.stderr
    read = old_client(store_url, "--compression", compression, "-q", f"SELECT sum(a), uniq(s) FROM {table}")
    assert (read.returncode, read.stdout) == (0, b"12497500\t7\n"), read.stderr


def test_old_client_sends_settings_as_numbers(store_url: StoreUrl) -> None:
    answer = old_client(
        store_url, "--max_threads=3", "--max_execution_time=5", "-q",
        "SELECT getSetting('max_threads'), getSetting('max_execution_time')",
    )  # fmt: skip
    assert answer.stdout == b"3\t5\n", answer.stderr


def test_old_client_formats_for_itself(store_url: StoreUrl) -> None:
    answer = old_client(store_url, "-q", "SELECT 1 AS a FORMAT JSONEachRow")
    assert answer.stdout == b'{"a":1}\n', answer.stderr


def test_old_client_gets_errors(store_url: StoreUrl) -> None:
    answer = old_client(store_url, "-q", "SELECT * FROM nothing_like_it")
    assert answer.returncode == 60
    assert b"nothing_like_it" in answer.stderr


def test_cpp_client_selects_inserts_and_gets_errors(store_url: StoreUrl) -> None:
    table = f"remote('{store_url.host}:{store_url.port}', {store_url.database}.wide)"
    with driver(store_url) as client:
        client.execute(
            "CREATE TABLE wide (a Int32, m Map(LowCardinality(String), Array(Nullable(String)))) "
            "ENGINE = MergeTree ORDER BY a"
        )
        cpp_client(
            f"INSERT INTO FUNCTION {table} "
            "SELECT number, map('k', [toString(number), NULL]) FROM numbers(70000)"
        )
        assert client.execute("SELECT count(), sum(a) FROM wide") == [(70_000, 2_449_965_000)]
    assert cpp_client(f"SELECT m FROM {table} WHERE a = 7") == "{'k':['7',NULL]}\n"
    assert cpp_client(f"SELECT count() FROM {table} WHERE a < 0") == "0\n"
    assert cpp_client(f"SELECT a FROM {table} WHERE a < 0") == ""
    assert "Code: 395" in cpp_client(f"SELECT throwIf(a = 69000) FROM {table}")


def test_cpp_client_is_told_of_a_wrong_password(store_url: StoreUrl) -> None:
    said = cpp_client(
        f"SELECT * FROM remote('{store_url.host}:{store_url.port}', system.one, 'default', 'wrong')"
    )
    assert "Code: 516" in said
