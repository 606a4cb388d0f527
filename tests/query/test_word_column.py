"""The column `words`: a word without a digit stands in it exactly when it is a token of the record."""

import json

from hypothesis import example, given
from hypothesis import strategies as st

from loghouse.formats.fields import field_exists, field_key_present, field_text, indexed_sql, words_sql
from loghouse.formats.view import quoted
from loghouse.store.client import Store

PIECES = [
    "abc",
    "ABC",
    "d",
    "1",
    "22",
    "\u00e9",
    "\u0130",
    " ",
    "-",
    "_",
    ".",
    "/",
    '"',
    "\\n",
    "\\",
    "\\u001b",
    "{",
    "\n",
    "\x00",
]
WORDS = ("abc", "d", "abcd", "nabc", "n", "b")


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join), st.sampled_from(["json", "text"]))
@example("\u00e91abc", "text")
@example("abc1\u00e9abc d", "text")
@example("1abc d1 1d1 abc", "text")
@example('{"m":"1\\nabc","n":"x1\\u001bd"}', "json")
def test_it_has_the_words_of_the_record(store: Store, raw: str, format: str) -> None:
    tests = ", ".join(
        f"hasToken({text}, '{word}')" for word in WORDS for text in (indexed_sql(), words_sql())
    )
    sql = f"SELECT {tests} FROM (SELECT {{raw:String}} AS raw, {{format:String}} AS format)"
    (found,) = store.rows(sql, {"raw": raw, "format": format})
    assert found[0::2] == found[1::2]
    (kept,) = store.rows(
        f"SELECT {words_sql()} FROM (SELECT {{raw:String}} AS raw, 'text' AS format)", {"raw": raw}
    )
    assert not any("0" <= char <= "9" for char in kept[0])


def test_bytes_that_are_no_text_part_no_words(store: Store) -> None:
    raw = r"concat('abc', '\xff', '1 d', '\xc3', '1abc 1', '\xff', 'n')"
    tests = ", ".join(f"hasToken({words_sql()}, '{word}')" for word in WORDS)
    sql = f"SELECT {tests} FROM (SELECT {raw} AS raw, 'text' AS format)"
    assert store.rows(sql) == store.rows(sql.replace(words_sql(), indexed_sql())) == [(0,) * len(WORDS)]


KEYS = ("url", "URL", "extra.url", "a_b", "x.d1", "n", "abc-d", "d\u00e9", "context.n", "status")
VALUES = st.sampled_from(["abc", "n", "", "1", "\n", "url"]) | st.integers(0, 9)
OBJECTS = st.recursive(VALUES, lambda inner: st.dictionaries(st.sampled_from(KEYS), inner, max_size=3))
JSON_RECORDS = st.dictionaries(st.sampled_from([*KEYS, "extra", "x"]), OBJECTS, min_size=1).map(json.dumps)
PAIRS = st.lists(st.sampled_from([*KEYS, *PIECES, "=", "=", " ", ";", "'"]), max_size=12).map("".join)


@given(
    JSON_RECORDS.map(lambda raw: (raw, "json")) | PAIRS.map(lambda raw: (raw, "text")), st.sampled_from(KEYS)
)
@example(("9url=1 url=2", "text"), "url")
@example(("\u00e9;url=1", "text"), "url")
@example(('{"extra":{"URL":"n"}}', "json"), "extra.URL")
@example(('{"extra.url":"n"}', "json"), "extra.url")
def test_no_record_has_a_field_whose_key_its_words_do_not_have(
    store: Store, record: tuple[str, str], key: str
) -> None:
    def bound(value: object, _: str) -> str:
        return quoted(str(value))

    guard = field_key_present(key, bound) or "1"
    missed = f"({field_text(key, bound)} != '' OR {field_exists(key, bound)}) AND NOT {guard}"
    words = (
        f"(SELECT *, {words_sql()} AS words FROM (SELECT {{raw:String}} AS raw, {{format:String}} AS format))"
    )
    raw, format = record
    assert store.rows(f"SELECT {missed} FROM {words}", {"raw": raw, "format": format}) == [(0,)]


MONOLOG = st.tuples(JSON_RECORDS, JSON_RECORDS).map(
    lambda parts: f"[2026-11-22T00:00:00+00:00] app.INFO: m {parts[0]} {parts[1]}"
)
RECORDS = (
    JSON_RECORDS.map(lambda raw: (raw, "json"))
    | JSON_RECORDS.map(lambda raw: (f" {raw}", "text"))
    | PAIRS.map(lambda raw: (raw, "text"))
    | MONOLOG.map(lambda raw: (raw, "monolog"))
)


def texts_of(store: Store, records: list[tuple[str, str]], key: str) -> list[tuple[str, str]]:
    """The text of the field of all records that name it, read in both ways."""

    def bound(value: object, _: str) -> str:
        return quoted(str(value))

    rows = ", ".join(f"({quoted(raw)}, '{format}')" for raw, format in records)
    given = f"(SELECT arrayJoin([{rows}]) AS r, r.1 AS raw, r.2 AS format)"
    guard = field_key_present(key, bound) or "1"
    texts = f"{field_text(key, bound)}, {field_text(key, bound, named=True)}"
    found = store.rows(f"SELECT {texts} FROM (SELECT *, {words_sql()} AS words FROM {given}) WHERE {guard}")
    return [(text, named) for text, named in found]


@given(st.lists(RECORDS, min_size=1, max_size=6), st.sampled_from(KEYS))
def test_the_text_of_records_that_name_the_key_is_the_same(
    store: Store, records: list[tuple[str, str]], key: str
) -> None:
    found = texts_of(store, records, key)
    assert [named for _, named in found] == [text for text, _ in found]


def test_records_of_each_kind_have_the_text_of_their_own(store: Store) -> None:
    records = [
        ('{"extra":{"url":"nested"}}', "json"),
        ('{"extra.url":"literal"}', "json"),
        ('{"extra":{"url":"nested"},"extra.url":"literal"}', "json"),
        ('[2026-11-22T00:00:00+00:00] app.INFO: m [] {"url":"monolog"}', "monolog"),
        ("extra.url=pair", "text"),
        (' {"extra":{"url":"no object by its format"}}', "text"),
        ('{"url":"elsewhere"}', "json"),
    ]
    expected = ["nested", "literal", "nested", "monolog", "pair", "", ""]
    assert texts_of(store, records, "extra.url") == [(text, text) for text in expected]
