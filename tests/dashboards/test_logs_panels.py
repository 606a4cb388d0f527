"""Every statement of every panel on logs runs on the real tables and says something."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from dashboards.logged import write_shop
from servers import start_embedded, stop

from dashboards.lab.expand import ALL, Asked, queries, sql
from dashboards.source.build import DIRECTORY
from loghouse.config import StoreUrl
from loghouse.store.client import Store
from loghouse.store.migrate import migrate

ASKED = [
    each
    for path in sorted(DIRECTORY.glob("*.json"))
    for each in queries(json.loads(path.read_text()))
    if each.kind == "clickhouse"
]
# Panels that show nothing while nothing is going on.
EMPTY = {"lq-store / Merges": "no merge is running", "lq-store / Running": "only our own query is running"}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreUrl]:
    process, url = start_embedded(tmp_path_factory.mktemp("shop") / "data")
    with Store(url) as store:
        migrate(store)
    write_shop(url)
    yield url
    stop(process)


def rows(url: StoreUrl, asked: Asked, **values: str) -> list[tuple[Any, ...]]:
    now = int(time.time())
    with Store(url) as store:
        return store.rows(sql(asked.text, now - 3600, now + 60, {**ALL, **values}))


@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: asked.title)
def test_the_statement_of_a_panel_answers(shop: StoreUrl, asked: Asked) -> None:
    found = rows(shop, asked)
    assert found or asked.title in EMPTY
    if asked.panel["type"] == "stat":
        assert len(found) == 1 and found[0][0] is not None


def records(url: StoreUrl, **values: str) -> list[tuple[Any, ...]]:
    (asked,) = [each for each in ASKED if each.panel["type"] == "logs"]
    return rows(url, asked, **values)


def test_the_explorer_shows_what_is_chosen(shop: StoreUrl) -> None:
    assert len(records(shop)) == 45
    assert {row[3] for row in records(shop, namespace="stage")} == {"stage"}
    assert {row[5] for row in records(shop, container="php*")} == {"php-fpm"}
    assert {row[2] for row in records(shop, level="error")} == {"error"}
    assert len(records(shop, search="MAX_children")) == 3


@pytest.mark.parametrize("text", ["it's", "\\", "\\'", "'; DROP TABLE logs; --", "' OR 1=1 --", "${level}"])
def test_text_of_people_is_only_text(shop: StoreUrl, text: str) -> None:
    assert len(records(shop, search=text)) == (3 if text == "\\" else 0)
    assert records(shop, container=text) == []


def test_the_patterns_of_errors_hide_what_differs(shop: StoreUrl) -> None:
    (asked,) = [each for each in ASKED if each.panel["title"] == "Patterns of errors"]
    found = {row[0]: row[1] for row in rows(shop, asked)}
    assert found["order <num> failed: <quoted> of <ip>"] == 3 and len(found) == 2
