"""Masked fields in every shape a program may write them, hidden by the engine before a query sees them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, timedelta

import pytest
from logq.stores import NOW, Source

from loghouse.access.masks import check_mask, masked_table
from loghouse.config import StoreUrl
from loghouse.errors import UsageError
from loghouse.query import Query, TimeRange, compile, parse
from loghouse.store.client import Store
from loghouse.store.migrate import migrate
from loghouse.store.records import records_of

SECRET = "4111-2222"
HIDDEN = [
    '{"msg":"paid","card":"4111-2222","ok":1}',
    '{"msg":"paid","card" : "4111-2222"}',
    '{"card":"4111-2222","card":"4111-2222"}',
    '{"user":{"card":"4111-2222","id":7}}',
    '{"list":[{"card":"4111-2222"}]}',
    '{"card":{"number":"4111-2222"},"after":"4111-2222"}',
    '{"card":["4111-2222","4111-2222"]}',
    '{"card":"a \\" 4111-2222"}',
    '{"c\\u0061rd":"4111-2222"}',
    '{"msg":"{\\"card\\":\\"4111-2222\\"}"}',
    '{"user.card":"4111-2222"}',
    'level=info msg="paid" card=4111-2222 ok=1',
    'level=info card="4111-2222 and sesame" ok=1',
    'level=info card="a \\" 4111-2222" ok=1',
    "paid card=4111-2222, order=7",
    "paid card = 4111-2222",
    '[2026-08-01T10:00:00+00:00] app.INFO: paid {"card":"4111-2222"} {"user":{"card":"4111-2222"}}',
]
NUMBERS = ['{"card":41112222}', '{"a":{"card":41112222.5}}', '{"card":true}', "level=info card=41112222"]


@pytest.fixture(scope="module")
def store(store_url: StoreUrl) -> Iterator[Store]:
    """The lines above, a second apart."""
    url = replace(store_url, database="masks")
    with Store(url) as connection:
        migrate(connection)
        lines = [
            line.encode() for line in (*HIDDEN, *NUMBERS, '{"msg":"nothing to hide","cards":"4111-2222"}')
        ]
        source = Source(url, labels={"owner": "zoe-7", "app": "shop"})
        source.write(*lines, at=[NOW - timedelta(seconds=100 - place) for place in range(len(lines))])
        yield connection


def _shown(store: Store, *masks: str, query: str = "") -> list[str]:
    """Everything that is shown of each record, as one text."""
    now = time.time_ns()
    compiled = compile(
        parse(query) if query else Query(None),
        TimeRange(int((NOW - timedelta(hours=1)).timestamp()) * 10**9, now),
        table=masked_table(masks),
        now_ns=now,
        zone=UTC,
        order="oldest",
    )
    blocks = store.blocks(compiled.sql, compiled.params, compiled.settings)
    return [str(record) for block in blocks if block for record in records_of(block)]


def test_a_masked_field_is_hidden_in_every_shape(store: Store) -> None:
    shown = _shown(store, "card")
    assert len(shown) == len(HIDDEN) + len(NUMBERS) + 1
    for line, text in zip(HIDDEN, shown, strict=False):
        assert SECRET not in text, line
        assert "***" in text, line
    for line, text in zip(NUMBERS, shown[len(HIDDEN) :], strict=False):
        assert "41112222" not in text and "True" not in text, line
    assert SECRET in shown[-1]  # another field


def test_what_stands_beside_a_masked_field_stays(store: Store) -> None:
    assert "paid" in _shown(store, "card")[0]
    assert "'id': 7" in _shown(store, "card")[3] or '"id":7' in _shown(store, "card")[3]
    assert "order=7" in _shown(store, "card")[14]


@pytest.mark.parametrize(
    "query",
    [
        "card:4111*",
        "sesame",
        'card="4111-2222"',
        "4111-2222",
        "raw=~'4111-'",
        "card>4000",
        "user.card:*4111*",
        "card=true",
    ],
)
def test_a_masked_value_cannot_be_searched_for(store: Store, query: str) -> None:
    found = _shown(store, "card", query=query)
    assert all("nothing to hide" in text for text in found), found
    assert len(_shown(store, query=query)) >= 1


def test_a_masked_label_is_hidden(store: Store) -> None:
    assert all("zoe-7" not in text and "shop" in text for text in _shown(store, "~owner"))
    assert _shown(store, "~owner", query="~owner=zoe-7") == []


def test_several_masks_hide_all_of_them(store: Store) -> None:
    for text in _shown(store, "card", "msg", "~owner"):
        assert "paid" not in text or "msg" not in text or "***" in text
        assert "zoe-7" not in text


def test_no_column_of_the_table_shows_what_is_masked(store: Store) -> None:
    for row in map(str, store.rows(f"SELECT * FROM {masked_table(['card', '~owner'])}")):
        assert "shop" in row and "zoe-7" not in row
        assert SECRET not in row or '"cards"' in row


@pytest.mark.parametrize("name", ["", "a b", "it's", "a`b", "a)b", "~", "a\n", "x" * 300])
def test_what_is_no_name_of_a_field_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="not the name"):
        check_mask(name)
