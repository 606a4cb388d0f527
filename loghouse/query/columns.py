"""The columns that a query may name, and the other names people know them by.

Every other name is a field of the record. Only the right-hand names ever reach the text of a query.
"""

from collections.abc import Mapping

from loghouse.query.ast import Key

_ALIASES: Mapping[str, tuple[str, ...]] = {
    "namespace": ("ns",),
    "pod": ("pod_name",),
    "container": ("container_name",),
    "node": ("host",),
    "workload": (),
    "stream": (),
    "format": (),
    "level": ("severity", "lvl"),
    "message": ("log", "msg", "_msg", "body"),
    "raw": (),
    "timestamp": ("_time", "@timestamp"),
}

COLUMNS: Mapping[str, str] = {
    name: column for column, aliases in _ALIASES.items() for name in (column, *aliases)
}


def column_of(key: Key) -> str | None:
    """The column that a key means, or None for a label or a field of the record."""
    return COLUMNS.get(key.name) if key.kind == "plain" else None
