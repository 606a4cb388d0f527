"""Records that are broken, huge or made to harm are stored as they are; their neighbours are not harmed."""

from collections.abc import Iterator

import pytest
from servers import embedded_store

from loghouse.store.client import Store
from loghouse.store.migrate import migrate

STAMP = b"2026-11-21T00:22:17.5Z"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with embedded_store(tmp_path_factory.mktemp("hostile")) as url, Store(url) as opened:
        migrate(opened)
        yield opened


def ingest(store: Store, data: bytes, wrapper: bytes = b"cri", span: int = 0) -> list[tuple[bytes, str]]:
    """Store a chunk; the records and their parse errors, in the order of the file."""
    store.rows("TRUNCATE TABLE logs")
    store.insert(
        "ingest",
        ("source_id", "offset", "span", "wrapper", "data"),
        ([1], [0], [span], [wrapper], [data]),
        {"async_insert": 0},
    )
    rows = store.rows("SELECT hex(raw), parse_error FROM logs ORDER BY offset")
    return [(bytes.fromhex(raw), error) for raw, error in rows]


@pytest.mark.parametrize(
    ("record", "error"),
    [
        (b"\xff\xfe\xfd", "utf8"),
        (b"a\x00b", ""),
        (b'{"a":"\\ud800"}', "json"),
        (b'{"n":1e999,"m":-1e999,"k":123456789012345678901234567890}', ""),
        (b'{"a":' * 200 + b"1" + b"}" * 200, ""),
        (b"\x1b]0;title\x07\x1b[31mred", ""),
        (b"x" * 3_000_000, ""),
        (b"2026-11-21T00:22:17.5Z stderr F a forged prefix", ""),
        (b"'; DROP TABLE logs; --", ""),
        ("\u202e\u2028".encode(), ""),
        (b"\r", ""),
    ],
)
def test_a_strange_record_is_stored_as_it_is_between_its_neighbours(
    store: Store, record: bytes, error: str
) -> None:
    lines = [b"before", record, b"after"]
    got = ingest(store, b"".join(STAMP + b" stdout F " + line + b"\n" for line in lines))
    assert [raw for raw, _ in got] == lines
    assert [got[0][1], got[2][1]] == ["", ""]
    assert got[1][1] == error or (error == "" and got[1][1] == "json")


@pytest.mark.parametrize(
    ("line", "record", "error"),
    [
        (b"not a container's line", b"not a container's line", "cri"),
        (b"", b"", "cri"),
        (STAMP + b" stdout F ", b"", ""),
        (STAMP + b" stdout F", b"", ""),
        (STAMP + b" stdout F:more:tags text", b"text", ""),
        (STAMP + b" stdxxx F text", STAMP + b" stdxxx F text", "cri"),
        (b"2300-01-01T00:00:00.5Z stdout F late", b"late", "timestamp"),
        (b"1960-01-01T00:00:00.5Z stdout F early", b"early", "timestamp"),
        (b"9999-99-99T99:99:99.5Z stdout F never", b"never", "timestamp"),
        (b"2026-11-21T03:22:17.5+03:00 stdout F zone", b"zone", ""),
    ],
)
def test_a_line_of_the_runtime_is_unwrapped_or_kept_whole(
    store: Store, line: bytes, record: bytes, error: str
) -> None:
    assert ingest(store, line + b"\n") == [(record, error)]


@pytest.mark.parametrize(
    ("line", "record", "error"),
    [
        (b'{"log":"a \\"b\\"\\n","stream":"stdout","time":"2026-11-21T00:22:17.5Z"}', b'a "b"', ""),
        (b'{"stream":"stdout","time":"2026-11-21T00:22:17.5Z"}', b"", ""),
        (b'{"log":"cut in ha', b'{"log":"cut in ha', "docker"),
        (b"garbage", b"garbage", "docker"),
    ],
)
def test_a_docker_line_is_unwrapped_or_kept_whole(
    store: Store, line: bytes, record: bytes, error: str
) -> None:
    assert ingest(store, line + b"\n", b"docker") == [(record, error)]


def test_a_joined_record_keeps_its_place_in_the_file(store: Store) -> None:
    ingest(store, STAMP + b" stdout F " + b"x" * 100 + b"\n", span=5000)
    assert store.rows("SELECT offset, length, length(raw) FROM logs") == [(0, 5000, 100)]


def test_stamps_over_many_days_do_not_refuse_the_batch(store: Store) -> None:
    days = [
        b"20%02d-%02d-%02dT00:00:00Z stdout F x\n" % (20 + n % 30, 1 + n % 12, 1 + n % 28) for n in range(300)
    ]
    store.rows("TRUNCATE TABLE logs")
    store.insert(
        "ingest",
        ("source_id", "offset", "wrapper", "data"),
        ([1], [0], [b"cri"], [b"".join(days)]),
        {"async_insert": 0, "max_partitions_per_insert_block": 0},
    )
    assert store.rows("SELECT count() FROM logs") == [(300,)]


def test_the_same_batch_sent_again_is_stored_once(store: Store) -> None:
    store.rows("TRUNCATE TABLE logs")
    for _ in range(3):
        store.insert(
            "ingest",
            ("source_id", "offset", "wrapper", "data"),
            ([7], [0], [b"cri"], [STAMP + b" stdout F once\n"]),
            {
                "async_insert": 0,
                "insert_deduplicate": 1,
                "insert_deduplication_token": "batch-1",
                "deduplicate_blocks_in_dependent_materialized_views": 1,
            },
        )
    assert store.rows("SELECT count() FROM logs") == [(1,)]
    assert store.rows("SELECT sum(records) FROM counts WHERE namespace = ''") != [(0,)]


TRACE = b'ERROR boom\nTraceback (most recent call last):\n\tx\n\nValueError: "y"'


@pytest.mark.parametrize(
    ("wrapper", "data"),
    [
        (b"cri", STAMP + b" stderr F " + TRACE + b"\n"),
        (
            b"docker",
            b'{"log":"%s\\n","stream":"stderr","time":"%s"}\n'
            % (TRACE.replace(b"\n", b"\\n").replace(b"\t", b"\\t").replace(b'"', b'\\"'), STAMP),
        ),
        (b"plain", TRACE + b"\n"),
        (b"raw", TRACE + b"\n"),
    ],
)
def test_a_record_of_several_lines_is_one_row(store: Store, wrapper: bytes, data: bytes) -> None:
    assert ingest(store, data, wrapper, span=500) == [(TRACE, "")]
    assert store.rows("SELECT level, length, stream FROM logs") == [
        ("error", 500, "stderr" if wrapper in (b"cri", b"docker") else "")
    ]


@pytest.mark.parametrize(
    ("line", "time"),
    [
        (b"2026-11-20 08:00:12,238 INFO x", "2026-11-20 08:00:12.238000000"),
        (b"[2026-11-20T08:00:12.5+02:00] x", "2026-11-20 06:00:12.500000000"),
        (b"2026/11/20 08:00:12 [error] x", "2026-11-20 08:00:12.000000000"),
        (b'192.0.2.1 - - [20/Nov/2026:08:00:12 +0300] "GET /"', "2026-11-20 05:00:12.000000000"),
        (b"[20-Nov-2026 08:00:12] NOTICE: x", "2026-11-20 08:00:12.000000000"),
        (b"[Fri Nov 20 08:00:12.123456 2026] [core:notice] x", "2026-11-20 08:00:12.123456000"),
        (b"7:M 20 Nov 2026 08:00:12.123 * x", "2026-11-20 08:00:12.123000000"),
        (b'{"level":"info","ts":"2026-11-20T08:00:12Z"}', "2026-11-20 08:00:12.000000000"),
    ],
)
def test_a_line_of_a_plain_file_has_the_time_it_states(store: Store, line: bytes, time: str) -> None:
    ingest(store, line + b"\n", b"plain")
    assert store.rows("SELECT toString(timestamp) FROM logs") == [(time,)]
    ingest(store, line + b"\n", b"raw")
    assert store.rows("SELECT abs(timestamp - now()) < 600 FROM logs") == [(1,)]


@pytest.mark.parametrize("line", [b"no time", b"9999-99-99 99:99:99 x", b"1500-01-01 00:00:00 x"])
def test_a_line_of_a_plain_file_without_a_time_has_that_of_reading(store: Store, line: bytes) -> None:
    assert ingest(store, line + b"\n", b"plain") == [(line, "")]
    assert store.rows("SELECT abs(timestamp - now()) < 600 FROM logs") == [(1,)]
