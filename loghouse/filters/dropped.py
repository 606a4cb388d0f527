"""What rules dropped of a file, as records for the store: they tell wanted gaps from others."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

NAMESPACE = "loghouse"  # of the records that tell of drops
CONTAINER = "dropped"


class Gap(NamedTuple):
    """Bytes of a file that one rule dropped, in one piece or several, from `offset` on."""

    source: int
    offset: int
    rule: str
    lines: int
    size: int  # bytes

    def record(self, writer: Mapping[str, str], now: float) -> bytes:
        """A line as a container runtime writes it, that says what was dropped of whose logs."""
        text = {
            "level": "info",
            "msg": "lines dropped by a rule",
            "rule": self.rule,
            "lines": self.lines,
            "bytes": self.size,
            **{name: writer.get(name, "") for name in ("namespace", "pod", "container")},
        }
        stamp = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z")
        return f"{stamp} stdout F {json.dumps(text)}\n".encode()


@dataclass(slots=True)
class _Sum:
    offset: int
    lines: int = 0
    size: int = 0


class Gaps:
    """The gaps of one writer that have not been told yet, one for each file and rule."""

    __slots__ = ("_sums",)

    def __init__(self) -> None:
        self._sums: dict[tuple[int, str], _Sum] = {}

    @property
    def size(self) -> int:
        """Bytes that have not been told yet."""
        return sum(gap.size for gap in self._sums.values())

    def add(self, rule: str, source: int, offset: int, lines: int, size: int) -> None:
        """Note a piece that was dropped; pieces come in the order of the file."""
        gap = self._sums.setdefault((source, rule), _Sum(offset))
        gap.lines += lines
        gap.size += size

    def take(self) -> list[Gap]:
        """All there are; they are told by who takes them."""
        taken, self._sums = self._sums, {}
        return [Gap(source, gap.offset, rule, gap.lines, gap.size) for (source, rule), gap in taken.items()]
