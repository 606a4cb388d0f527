"""Loki's flat names for our columns, labels and fields, and back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from loghouse.query.ast import Key
from loghouse.record import Record

# The labels of a stream, and by which other names Grafana asks for them.
COLUMNS = ("namespace", "workload", "pod", "container", "node", "level")
ALIASES: Mapping[str, str] = {
    **{name: name for name in (*COLUMNS, "stream", "format")},
    "service_name": "workload",
    "detected_level": "level",
}

_ODD = re.compile(r"[^A-Za-z0-9_]")


def flat(name: str) -> str:
    """`app.kubernetes.io/name` as Loki writes it: `app_kubernetes_io_name`."""
    plain = _ODD.sub("_", name)
    return f"_{plain}" if plain[:1].isdecimal() else plain


@dataclass(frozen=True, slots=True)
class Names:
    """What there is in the store that a flat name may mean."""

    labels: Mapping[str, str] = field(default_factory=dict)  # flat -> pod label
    fields: Mapping[str, str] = field(default_factory=dict)  # flat -> field

    @classmethod
    def of(cls, labels: Iterable[str], fields: Iterable[str]) -> Names:
        """The first of several that are the same when flat is meant."""
        return cls(_by_flat(labels), _by_flat(fields))

    def of_stream(self, name: str) -> Key:
        """What a name in `{...}` or behind `by` means: a column, else a label of the pod."""
        column = ALIASES.get(name)
        return Key(column) if column else Key(self.labels.get(name, name), "label")

    def of_line(self, name: str) -> Key:
        """What a name behind `| json` or `| logfmt` means: a label of the stream, else a field."""
        if name in ALIASES or (name in self.labels and name not in self.fields):
            return self.of_stream(name)
        return Key(self.fields.get(name, name), "literal")


def stream_of(record: Record) -> dict[str, str]:
    """The labels of the stream that a record belongs to."""
    found = {flat(name): value for name, value in record.labels.items()}
    found |= {name: getattr(record, name) for name in COLUMNS}
    found |= {"service_name": record.workload, "detected_level": record.level}
    return {name: value for name, value in found.items() if value}


def _by_flat(names: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in names:
        found.setdefault(flat(name), name)
    return found
