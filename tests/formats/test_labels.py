"""Whatever the labels of a pod are called, each is found by its name, and no other one."""

import json
from collections.abc import Iterator, Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from servers import embedded_store

from loghouse.formats.labels import MAP, VALUES, label_exists, label_text, labels_of
from loghouse.query.params import Params
from loghouse.store.client import Store
from loghouse.store.migrate import migrate

COLUMNS = ("source_id", "offset", "span", "wrapper", "labels", "data")
LINE = b"2026-11-21T00:22:17.5Z stdout F one\n"
NAMES = [
    "app",
    "app.kubernetes.io/name",
    "pp",
    'a"app',
    "a\\",
    '"',
    "a\\/b",
    "$.app",
    "[0]",
    "*",
    "ż ",
    "\x1f",
    "\u2028",
]
texts = st.text(st.characters(blacklist_categories=("Cs",)), max_size=5)
names = st.sampled_from(NAMES) | texts.filter(bool)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with embedded_store(tmp_path_factory.mktemp("labels")) as url, Store(url) as opened:
        migrate(opened)
        yield opened


def write(store: Store, *pods: Mapping[bytes, bytes]) -> None:
    """One record of each pod; the number of the pod is its source."""
    store.rows("TRUNCATE TABLE logs")
    count = len(pods)
    block = [list(range(count)), [0] * count, [0] * count, [b"cri"] * count, list(pods), [LINE] * count]
    store.insert("ingest", COLUMNS, block, {"insert_deduplicate": 0})


@settings(max_examples=30, deadline=None)
@given(pods=st.lists(st.dictionaries(names, texts, max_size=4), min_size=1, max_size=3), other=names)
def test_a_label_is_found_by_its_name(store: Store, pods: list[dict[str, str]], other: str) -> None:
    write(store, *({name.encode(): text.encode() for name, text in pod.items()} for pod in pods))
    assert [
        labels_of(text) for (text,) in store.rows("SELECT labels_json FROM logs ORDER BY source_id")
    ] == pods
    assert store.rows(f"SELECT {MAP}, labels FROM logs ORDER BY source_id") == [(pod, pod) for pod in pods]
    values = store.rows(f"SELECT arraySort({VALUES}) FROM logs ORDER BY source_id")
    assert [sorted(found) for (found,) in values] == [sorted(pod.values()) for pod in pods]
    for name in {other, *(name for pod in pods for name in pod)}:
        params = Params()
        asked = f"{label_text(name, params.bind)}, {label_exists(name, params.bind)}"
        found = store.rows(f"SELECT {asked} FROM logs ORDER BY source_id", params.values)
        assert found == [(pod.get(name, ""), name in pod) for pod in pods]


def test_a_label_that_is_no_text_does_not_hide_the_others(store: Store) -> None:
    write(store, {b"app": b"shop", b"bad": b"\xff"})
    assert store.rows("SELECT labels FROM logs") == [({"app": "shop", "bad": "\ufffd"},)]


def test_a_pod_without_labels_has_none(store: Store) -> None:
    write(store, {})
    assert store.rows("SELECT labels_json, labels FROM logs") == [("", {})]
    assert labels_of("") == {}


def test_a_slash_is_written_as_it_is(store: Store) -> None:
    write(store, {b"app/name": b"a\\/b"})
    ((text,),) = store.rows("SELECT labels_json FROM logs")
    assert text == json.dumps({"app/name": "a\\/b"}, separators=(",", ":"))
