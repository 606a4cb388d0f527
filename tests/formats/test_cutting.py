"""Chunks of files are cut into lines, each with its place in the file; a joined record stays whole."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from servers import embedded_store

from loghouse.store.client import Store
from loghouse.store.migrate import migrate

STAMP = b"2026-11-21T00:22:17.5Z"
PREFIX = STAMP + b" stdout F "
COLUMNS = ("source_id", "offset", "span", "wrapper", "labels", "data")
HIGHEST = (1 << 64) - 1

Chunk = tuple[int, int, bytes, bytes]  # offset, span, wrapper, data
Cut = tuple[int, int, bytes]  # offset, length in the file, record


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with embedded_store(tmp_path_factory.mktemp("cutting")) as url, Store(url) as opened:
        migrate(opened)
        yield opened


def insert(store: Store, chunks: Sequence[Chunk], labels: Sequence[dict[bytes, bytes]] = ()) -> None:
    store.rows("TRUNCATE TABLE logs")
    columns: list[list[Any]] = [
        list(range(len(chunks))),
        [offset for offset, *_ in chunks],
        [span for _, span, *_ in chunks],
        [wrapper for *_, wrapper, _ in chunks],
        list(labels) or [{}] * len(chunks),
        [data for *_, data in chunks],
    ]
    store.insert("ingest", COLUMNS, columns, {"async_insert": 0})


def cut(store: Store, *chunks: Chunk) -> list[list[Cut]]:
    """What became of each of the chunks."""
    insert(store, chunks)
    found: list[list[Cut]] = [[] for _ in chunks]
    rows = store.rows("SELECT source_id, offset, length, hex(raw) FROM logs ORDER BY source_id, offset")
    for source, offset, length, raw in rows:
        found[source].append((offset, length, bytes.fromhex(raw)))
    return found


def expected(chunk: Chunk) -> list[Cut]:
    offset, span, wrapper, data = chunk
    skipped = len(PREFIX) if wrapper == b"cri" else 0
    text = data[: len(data) - data.endswith(b"\n")]
    if span:
        return [(offset, span, text[skipped:])]
    cuts = []
    for line in text.split(b"\n"):
        cuts.append((offset, len(line) + 1, line[skipped:]))
        offset += len(line) + 1
    return cuts


texts = st.binary(max_size=12).map(lambda text: text.replace(b"\n", b"|"))


@st.composite
def chunk(draw: st.DrawFn) -> Chunk:
    wrapper = draw(st.sampled_from([b"cri", b"plain"]))
    prefix = PREFIX if wrapper == b"cri" else b""
    lines = draw(st.lists(texts, min_size=1, max_size=6))
    span = draw(st.sampled_from([0, 0, 1, 70_000]))
    data = prefix + b"\n".join(lines) if span else b"\n".join(prefix + line for line in lines)
    end = draw(st.sampled_from([b"\n", b"\n", b""])) if data and not data.endswith(b"\n") else b"\n"
    return draw(st.integers(0, 1 << 62)), span, wrapper, data + end


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(chunks=st.lists(chunk(), min_size=1, max_size=8))
def test_lines_and_joined_records_beside_each_other(store: Store, chunks: list[Chunk]) -> None:
    assert cut(store, *chunks) == [expected(each) for each in chunks]


def test_more_lines_than_are_parsed_at_a_time(store: Store) -> None:
    many = b"".join(PREFIX + b"line %d\n" % number for number in range(40_000))
    joined = PREFIX + b"first\n  at second\n"
    chunks = [(7, 0, b"cri", many), (0, 99, b"cri", joined), (3, 0, b"plain", b"a\n\nb\n")]
    assert cut(store, *chunks) == [expected(each) for each in chunks]


def test_the_last_place_of_a_file_is_no_border(store: Store) -> None:
    ((only,),) = cut(store, (HIGHEST, 0, b"plain", b"text\n"))
    assert only == (HIGHEST, 5, b"text")


@pytest.mark.parametrize(
    "data", [b'{"log":"no time"}', b'{"log":"x","time":""}', b"{", b'{"log":"lost"}\nmore']
)
def test_a_record_that_docker_did_not_write_is_kept_whole(store: Store, data: bytes) -> None:
    assert cut(store, (0, 30, b"docker", data + b"\n")) == [[(0, 30, data)]]


def test_a_record_of_docker_in_several_lines(store: Store) -> None:
    data = b'{"log":"first\\n  second\\n","stream":"stderr","time":"2026-11-21T00:22:17.5Z"}\n'
    assert cut(store, (0, 200, b"docker", data)) == [[(0, 200, b"first\n  second")]]
    assert store.rows("SELECT stream, toString(timestamp) FROM logs") == [
        ("stderr", "2026-11-21 00:22:17.500000000")
    ]


def test_the_time_of_a_joined_record_may_stand_in_a_later_line(store: Store) -> None:
    insert(store, [(0, 60, b"plain", b"Traceback\n  at 2026-11-21 00:22:17\nend\n")])
    assert store.rows("SELECT toString(timestamp) FROM logs") == [("2026-11-21 00:22:17.000000000",)]


def test_a_stream_has_the_labels_of_its_newest_insert(store: Store) -> None:
    store.rows("TRUNCATE TABLE streams")
    for version in (b"1", b"2"):
        labels = {b"app": b"shop", b"version": version}
        insert(store, [(0, 0, b"cri", PREFIX + b"text\n")] * 3, [{}, labels, labels])
    assert store.rows("SELECT labels, records FROM streams FINAL") == [({"app": "shop", "version": "2"}, 6)]
