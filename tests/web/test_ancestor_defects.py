"""What was wrong in the loghouse of 2020, asked of this one through its API.

Leaving one's namespace by quotes, by `or` and by a pattern that is not anchored is tried on every endpoint in
test_foreign_rows.py; that a saved query is deleted alone is in test_api.py.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from logq.stores import Source
from web.serving import answered, client_of, served

from loghouse.config import StoreUrl
from loghouse.store.client import Store
from loghouse.store.migrate import migrate

MIDNIGHT = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
LINES = [
    b'{"msg":"first","address":"10.1.2.3","id":"5f7x","path":"/api/v1/x","took":0.35,"user":"ann"}',
    b'{"msg":"second","address":"10.1.2.4","id":"6f7x","path":"/web","took":1.25}',
    b'{"msg":"third","user":"ben","took":2}',
]


@pytest.fixture(scope="module")
def client(store_url: StoreUrl) -> Iterator[httpx.Client]:
    """A page over three lines around midnight, and one of another pod."""
    url = replace(store_url, database="ancestor_defects")
    with Store(url) as store:
        migrate(store)
    times = [MIDNIGHT - timedelta(seconds=1), MIDNIGHT, MIDNIGHT + timedelta(milliseconds=500)]
    source = Source(url, node="kube-7", labels={"app.kubernetes.io/name": "shop", "tier": "front"})
    source.write(*LINES, at=times)
    Source(url, pod="other-1", identity=2).write(b"plain text", at=MIDNIGHT)
    with served(url) as server, client_of(server) as client:
        yield client


def _found(client: httpx.Client, query: str, **more: Any) -> list[str]:
    found = answered(client, "search", query=query, since="3d", limit=100, **more)["records"]
    return [record["message"] for record in found]


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        # parentheses, `not`, and what binds how
        ("msg=first or msg=second and took>5", ["first"]),
        ("(msg=first or msg=second) and took>1", ["second"]),
        ("has(took) and not (msg=first or msg=second)", ["third"]),
        # values that look like numbers
        ("address=10.1.2.3", ["first"]),
        ("id=5f7x", ["first"]),
        # labels with slashes, by both of their names
        ("~app.kubernetes.io/name=shop", ["first", "second", "third"]),
        ("label.tier=front", ["first", "second", "third"]),
        ("~tier=front", ["first", "second", "third"]),
        # a word is looked for in the whole record, and columns by their name
        ("node=~'kube-[1-9]' msg=third", ["third"]),
        ("* =~ kube-[7-9]", ["first", "second", "third"]),
        ("10.1.2.4", ["second"]),
        # a pattern of a whole value is not one of a part of it
        ("address=10.1.2", []),
        # slashes in regular expressions
        ("path=~'^/api/v[0-9]/'", ["first"]),
        # `!=` and `!~` agree about records without the field
        ("has(took) user!=ann", ["second", "third"]),
        ("has(took) user!~'^ann$'", ["second", "third"]),
    ],
)
def test_a_query_means_what_it_says(client: httpx.Client, query: str, wanted: list[str]) -> None:
    assert _found(client, query) == wanted


def test_numbers_keep_their_fractions_also_in_a_download(client: httpx.Client) -> None:
    found = answered(client, "search", query="has(took)", since="3d")["records"]
    assert [record["fields"]["took"] for record in found] == [0.35, 1.25, 2]
    given = {"query": "has(took)", "since": "3d", "format": "csv", "fields": "timestamp,took"}
    rows = list(csv.reader(io.StringIO(client.get("/api/v1/search", params=given).text)))
    assert [row[1] for row in rows[1:]] == ["0.35", "1.25", "2"]


def test_half_a_second_is_half_a_second(client: httpx.Client) -> None:
    (record,) = answered(client, "search", query="msg=third", since="3d")["records"]
    assert record["timestamp"].endswith("00:00:00.500000000Z")


def test_a_download_over_midnight_has_both_days(client: httpx.Client) -> None:
    given = {"query": "has(took)", "since": "3d", "format": "csv", "fields": "timestamp"}
    rows = list(csv.reader(io.StringIO(client.get("/api/v1/search", params=given).text)))
    assert len({row[0][:10] for row in rows[1:]}) == 2


def test_older_pages_end_and_repeat_nothing(client: httpx.Client) -> None:
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = answered(client, "search", since="30d", limit=3, cursor=cursor)
        seen += [record["id"] for record in page["records"]]
        cursor = page["next"]
    assert len(seen) == len(set(seen)) == 4


def test_a_namespace_of_the_address_is_a_value(client: httpx.Client) -> None:
    for attack in ("x') OR 1=1 --", "prod' OR '1'='1", "{scope:String}", "%", "_", "pr.d", "pro"):
        assert answered(client, "search", since="3d", namespace=attack)["records"] == []
