"""Which index finds tokens with digits: a small one that rules out parts of the store, or a large one that
knows all. Words without a digit stand in a column of their own.

Both stand under the same name on the same expression, so a query is the same with either. The large one
answers a count without the records, where nothing else in the query needs them.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from loghouse.store.client import Store

NAME = "tokens"


class WordIndex(StrEnum):
    """A kind of index."""

    BLOOM = "bloom"  # about one byte a record
    TEXT = "text"  # about 31 bytes a record; ClickHouse 26.2 or newer


_TYPES = {
    WordIndex.BLOOM: "tokenbf_v1(16384, 2, 0) GRANULARITY 1",
    WordIndex.TEXT: "text(tokenizer = 'splitByNonAlpha')",
}


def has_text_index(store: Store) -> bool:
    """Whether the records of a store have the large index."""
    found = store.rows(
        "SELECT count() FROM system.data_skipping_indices WHERE database = currentDatabase() "
        f"AND table IN ('logs', 'logs_local') AND name = '{NAME}' AND type = 'text'"
    )
    return bool(found[0][0])


def word_index(store: Store) -> WordIndex:
    """The kind that the records of a store have."""
    return WordIndex.TEXT if has_text_index(store) else WordIndex.BLOOM


def change_sql(kind: WordIndex, cluster: str = "") -> str:
    """One statement, which changes all or nothing; what is stored already is indexed in the background."""
    from loghouse.formats.fields import indexed_sql
    from loghouse.store.migrate import render

    return (
        f"{render('ALTER TABLE {local:logs} {on_cluster}', cluster)} "
        f"DROP INDEX IF EXISTS {NAME}, ADD INDEX {NAME} {indexed_sql()} TYPE {_TYPES[kind]}, "
        f"MATERIALIZE INDEX {NAME} SETTINGS mutations_sync = 0"
    )
