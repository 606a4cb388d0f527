"""Every type we use goes in and comes out unchanged, whoever is the client."""

import datetime as dt
import ipaddress
import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from embedded.clients import cpp_client, driver

from loghouse.config import StoreUrl

UTC = dt.UTC
LONG = "long " * 5000
COLUMNS: list[tuple[str, Sequence[Any]]] = [
    ("UInt8", [0, 255, 7]),
    ("Int16", [-32768, 32767, 0]),
    ("UInt64", [0, 2**64 - 1, 5]),
    ("Int128", [-(2**127), 2**127 - 1, 5]),
    ("UInt256", [0, 2**256 - 1, 5]),
    ("Float32", [0.5, -1.25, 0.0]),
    ("Float64", [1e300, -0.1, float("inf")]),
    ("Bool", [True, False, True]),
    ("String", ["", LONG, "zażółć \0 \n"]),
    ("FixedString(3)", ["abc", "de", "f"]),
    ("LowCardinality(String)", ["a", "a", ""]),
    ("LowCardinality(Nullable(String))", ["a", None, ""]),
    ("Nullable(String)", ["a", None, ""]),
    ("Nullable(UInt32)", [1, None, 3]),
    ("Array(UInt32)", [[], [1, 2, 3], [4]]),
    ("Array(String)", [[], ["a", LONG], [""]]),
    ("Array(LowCardinality(String))", [[], ["a", "b", "a"], ["c"]]),
    ("Array(Array(Nullable(String)))", [[], [["a", None], []], [[]]]),
    ("Map(String, UInt8)", [{}, {"a": 1, "b": 2}, {"": 0}]),
    ("Map(LowCardinality(String), Float64)", [{}, {"a": 1.5}, {"b": 2.5, "c": 0.0}]),
    ("Map(LowCardinality(String), LowCardinality(String))", [{}, {"a": "x"}, {"b": "x", "c": "y"}]),
    ("Map(LowCardinality(String), Array(String))", [{}, {"a": ["x", "y"]}, {"b": []}]),
    ("Tuple(UInt8, String)", [(1, "a"), (2, ""), (3, LONG)]),
    ("Tuple(a UInt8, `b c` LowCardinality(String))", [(1, "a"), (2, ""), (3, "a")]),
    ("Array(Tuple(UInt8, Nullable(String)))", [[], [(1, None), (2, "b")], [(3, "")]]),
    ("Enum8('unknown' = 0, 'it\\'s, (odd)' = -5)", ["unknown", "it's, (odd)", "unknown"]),
    ("Enum16('a' = 1, 'b' = 1000)", ["a", "b", "a"]),
    ("Date", [dt.date(1970, 1, 1), dt.date(2149, 6, 6), dt.date(2026, 1, 1)]),
    ("Date32", [dt.date(1925, 1, 1), dt.date(2199, 12, 31), dt.date(2026, 1, 1)]),
    ("DateTime('Asia/Tokyo')", [dt.datetime(2026, 1, 1, 1, 2, 3, tzinfo=UTC)] * 3),
    ("DateTime64(9, 'UTC')", [dt.datetime(2026, 1, 1, 1, 2, 3, 456789, tzinfo=UTC)] * 3),
    ("DateTime64(3, 'Europe/Warsaw')", [dt.datetime(2026, 1, 1, 1, 2, 3, 456000, tzinfo=UTC)] * 3),
    ("UUID", [uuid.UUID(int=0), uuid.UUID(int=2**128 - 1), uuid.UUID(int=12345)]),
    (
        "IPv4",
        [ipaddress.ip_address("0.0.0.0"), ipaddress.ip_address("10.1.2.3")] * 1
        + [ipaddress.ip_address("255.255.255.255")],
    ),
    (
        "IPv6",
        [ipaddress.ip_address("::"), ipaddress.ip_address("fe80::1"), ipaddress.ip_address("::ffff:1.2.3.4")],
    ),
    ("Decimal(9, 2)", [Decimal("1.50"), Decimal("-9999999.99"), Decimal("0.00")]),
    ("Decimal(38, 10)", [Decimal("1.5000000000"), Decimal("-1.0000000001"), Decimal("0E-10")]),
    ("Decimal(76, 5)", [Decimal("1.50000"), Decimal("-1.00001"), Decimal("0.00000")]),
    ("SimpleAggregateFunction(sum, UInt64)", [1, 2, 3]),
]


@pytest.fixture(scope="module")
def typed(store_url: StoreUrl) -> str:
    """A table with a column of each type, and its rows."""
    names = ", ".join(f"c{number} {type_name}" for number, (type_name, _) in enumerate(COLUMNS))
    with driver(store_url) as client:
        client.execute(f"CREATE TABLE typed (id UInt8, {names}) ENGINE = MergeTree ORDER BY id")
        client.execute(
            "INSERT INTO typed VALUES", [[0, 1, 2], *(values for _, values in COLUMNS)], columnar=True
        )
    return "typed"


@pytest.mark.parametrize("number", range(len(COLUMNS)), ids=[type_name for type_name, _ in COLUMNS])
def test_values_of_a_type_come_back(store_url: StoreUrl, typed: str, number: int) -> None:
    with driver(store_url) as client:
        # A column behind it shows that the end of the first one was found.
        rows = client.execute(f"SELECT c{number}, id FROM {typed} ORDER BY id")
    assert [value for value, _ in rows] == list(COLUMNS[number][1])
    assert [row for _, row in rows] == [0, 1, 2]


def test_a_date_keeps_its_time_zone(store_url: StoreUrl) -> None:
    sql = "SELECT toDateTime(0, 'Asia/Tokyo') AS t, toDateTime(0) AS u, 1 AS n WHERE {}"
    with driver(store_url) as client:
        client.execute("USE system")
        for condition in ("1", "0"):
            _, columns = client.execute(sql.format(condition), with_column_types=True)
            assert columns == [("t", "DateTime('Asia/Tokyo')"), ("u", "DateTime"), ("n", "UInt8")]


def test_all_types_in_one_block_with_compression(store_url: StoreUrl, typed: str) -> None:
    with driver(store_url, compression="zstd") as client:
        rows = client.execute(f"SELECT * FROM {typed} ORDER BY id")
    assert [list(column) for column in zip(*rows, strict=True)][1:] == [list(values) for _, values in COLUMNS]


def test_cpp_client_copies_all_types(store_url: StoreUrl, typed: str) -> None:
    place = f"'{store_url.host}:{store_url.port}', {store_url.database}"
    with driver(store_url) as client:
        client.execute(f"CREATE TABLE typed_copy AS {typed}")
        cpp_client(f"INSERT INTO FUNCTION remote({place}.typed_copy) SELECT * FROM remote({place}.{typed})")
        columns = ", ".join(f"c{number}" for number in range(len(COLUMNS)))
        answer = client.execute(
            f"SELECT count(), uniqExact(toString(tuple({columns}))) "
            f"FROM (SELECT * FROM {typed} UNION ALL SELECT * FROM typed_copy)"
        )
    assert answer == [(6, 3)]


def test_a_state_of_an_aggregate_passes_as_the_last_column(store_url: StoreUrl) -> None:
    place = f"'{store_url.host}:{store_url.port}', {store_url.database}"
    with driver(store_url) as client:
        client.execute(
            "CREATE TABLE states (k UInt8, s AggregateFunction(uniq, String)) "
            "ENGINE = AggregatingMergeTree ORDER BY k"
        )
        client.execute(
            "INSERT INTO states SELECT number % 2, uniqState(toString(number)) FROM numbers(10) GROUP BY 1"
        )
    assert (
        cpp_client(f"SELECT k, finalizeAggregation(s) FROM remote({place}.states) ORDER BY k")
        == "0\t5\n1\t5\n"
    )


def test_a_type_that_cannot_pass_is_named(store_url: StoreUrl) -> None:
    from clickhouse_driver.errors import ServerException

    with driver(store_url) as client:
        with pytest.raises(ServerException, match="AggregateFunction") as caught:
            client.execute("SELECT uniqState(1) AS s, 1 AS one")
        assert caught.value.code == 48
        assert client.execute("SELECT 1") == [(1,)]


def test_many_blocks_of_many_strings(store_url: StoreUrl) -> None:
    sql = "SELECT repeat('x', number % 300) AS s, number FROM numbers(200000)"
    with driver(store_url, settings={"max_block_size": 9999}) as client:
        total = count = 0
        for text, number in client.execute_iter(sql):
            assert len(text) == number % 300
            total += number
            count += 1
    assert (count, total) == (200_000, 19_999_900_000)
