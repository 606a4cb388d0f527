"""Records that Docker cut: its fluentd driver sends 16 KiB at a time and waits for the ack of each part.

So a part has to be durable before the rest of its record has come. Parts are in the notes of the spool's
blocks, from where a restart takes them; the record is stored when its last part is there, or when no more
comes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, dataclass, field, replace
from typing import Any

from loghouse.receive.streams import MAX_RECORD, Part, Piece, Sorter, Stream

MOST_RECORDS = 10_000  # that wait for parts
MOST_BYTES = 32 << 20
LOST = "surrogateescape"


@dataclass(slots=True)
class _Record:
    parts: dict[int, Part] = field(default_factory=dict)
    size: int = 0
    since: float = 0.0

    @property
    def complete(self) -> bool:
        return any(part.last for part in self.parts.values())


class Parts:
    """The records that are not complete."""

    def __init__(self) -> None:
        self._records: dict[str, _Record] = {}
        self._bytes = 0

    @property
    def pending(self) -> list[Part]:
        """All parts that wait."""
        return [part for record in self._records.values() for part in record.parts.values()]

    def add(self, parts: Iterable[Part], now: float) -> list[str]:
        """Take parts; the keys of the records that should be stored now."""
        done = []
        for part in parts:
            record = self._records.setdefault(part.key, _Record())
            record.since = now
            if part.ordinal not in record.parts and record.size < MAX_RECORD:
                record.size += len(part.text)
                self._bytes += len(part.text)
                record.parts[part.ordinal] = part
            if part.last or record.complete:
                done.append(part.key)
        excess = len(self._records) - MOST_RECORDS
        if excess > 0 or self._bytes > MOST_BYTES:
            done.extend([*self._records][: max(excess, 1)])
        return list(dict.fromkeys(done))

    def stale(self, before: float) -> list[str]:
        """The keys of the records that got no part since."""
        return [key for key, record in self._records.items() if record.since <= before]

    def pieces(self, keys: Iterable[str]) -> list[tuple[str, Piece]]:
        """The records as far as they are there, with their keys."""
        found: list[tuple[str, Piece]] = []
        for key in keys:
            parts = [part for _, part in sorted(self._records[key].parts.items())]
            sorter, first = Sorter(), parts[0]
            raw = "".join(part.text for part in parts).removesuffix("\n").encode("utf-8", LOST)
            sorter.add(first.stream, first.second, first.nanosecond, raw, first.output.encode())
            found.extend((key, piece) for piece in sorter.received().pieces)
        return found

    def undo(self, parts: Iterable[Part]) -> None:
        """Forget parts that could not be made durable: their sender sends them again."""
        for part in parts:
            record = self._records.get(part.key)
            if record and record.parts.get(part.ordinal) is part:
                del record.parts[part.ordinal]
                record.size -= len(part.text)
                self._bytes -= len(part.text)
                if not record.parts:
                    del self._records[part.key]

    def remove(self, keys: Iterable[str]) -> None:
        """These records are durable as a whole."""
        for key in keys:
            if record := self._records.pop(key, None):
                self._bytes -= record.size


def encoded(part: Part) -> list[Any]:
    """A part as a JSON value."""
    return list(astuple(part))


def decoded(value: list[Any]) -> Part:
    """The part again."""
    key, ordinal, last, stream, *rest = value
    *names, pairs = stream
    place = replace(Stream(*names), labels=tuple((name, label) for name, label in pairs))
    return Part(key, ordinal, last, place, *rest)
