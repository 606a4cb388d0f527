"""Pages of records that lie far apart, and many at one moment."""

from datetime import timedelta
from typing import Any

import httpx
from logq.stores import NOW, Source
from web.serving import answered, client_of, served

from loghouse.config import StoreUrl

AGES = [
    timedelta(seconds=30),
    timedelta(minutes=20),
    timedelta(hours=5),
    timedelta(days=3),
    timedelta(days=80),
]


def _walked(client: httpx.Client, **parameters: Any) -> list[str]:
    """The messages of all pages, in the order in which the pages came."""
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = answered(client, "search", cursor=cursor, **parameters)
        messages = [record["message"] for record in page["records"]]
        found += messages if parameters["order"] == "oldest" else messages[::-1]
        cursor = page["next"]
    return found


def test_records_ages_apart_are_all_found_from_both_ends(own_store: StoreUrl) -> None:
    Source(own_store).write(
        *[str(age.days).encode() + b" days" + str(age.seconds).encode() for age in reversed(AGES)],
        at=[NOW - age for age in reversed(AGES)],
    )
    wanted = [f"{age.days} days{age.seconds}" for age in AGES]
    with served(own_store) as server, client_of(server) as client:
        for limit in (2, 100):
            chosen = {"since": "365d", "limit": limit}
            assert _walked(client, order="newest", **chosen) == wanted
            assert _walked(client, order="oldest", **chosen) == wanted[::-1]
            assert _walked(client, order="newest", **{**chosen, "query": "_time:30d"}) == wanted[:-1]


def test_records_of_one_moment_are_split_over_pages(own_store: StoreUrl) -> None:
    Source(own_store).write(*[b"same %d" % number for number in range(25)], at=NOW - timedelta(minutes=5))
    with served(own_store) as server, client_of(server) as client:
        for order in ("newest", "oldest"):
            found = _walked(client, order=order, limit=4)
            assert len(found) == len(set(found)) == 25


def test_a_page_of_giant_records_is_cut_by_its_bytes_and_goes_on(own_store: StoreUrl) -> None:
    giants = [b"%d " % number + b"x" * (900 << 10) for number in range(32)]
    source = Source(own_store)
    for number, giant in enumerate(giants):
        source.write(giant, at=NOW - timedelta(seconds=60 - number))
    with served(own_store) as server, client_of(server) as client:
        first = answered(client, "search", limit=1000, order="oldest")
        assert 1 < len(first["records"]) < len(giants)
        assert first["records"][0]["cut"] and len(first["records"][0]["message"]) == 10_000
        found = _walked(client, order="oldest", limit=1000)
        assert [message.split(" ")[0] for message in found] == [str(number) for number in range(len(giants))]
        whole = answered(client, "record", id=first["records"][7]["id"])
        assert whole["raw"].encode() == giants[7]


def test_ten_thousand_fields_and_broken_text_do_no_harm(own_store: StoreUrl) -> None:
    many = b"{" + b",".join(b'"field%d":%d' % (number, number) for number in range(10_000)) + b"}"
    hostile = b'{"level":"info","msg":"\\ud800 half","\xff\xfe":"\xc3(","<b>x</b>":"\x1b]0;t\x07"}'
    source = Source(own_store)
    source.write(many, hostile, b"\xff\xfe\x00 broken", at=NOW - timedelta(minutes=1))
    with served(own_store) as server, client_of(server) as client:
        records = answered(client, "search")["records"]
        assert len(records) == 3
        assert len(records[0]["fields"]) <= 200 and records[0]["cut"]
        assert answered(client, "fields")["records"] == 3
        for shape in ("jsonl", "csv", "raw"):
            answer = client.get("/api/v1/search", params={"format": shape, "limit": 0})
            assert answer.status_code == 200
        assert answer.content == many + b"\n" + hostile + b"\n" + b"\xff\xfe\x00 broken\n"
