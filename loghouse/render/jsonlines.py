"""`-o jsonl`: one JSON object a line; `-o json`: the same in one array."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from loghouse.render.clock import Clock
from loghouse.render.pages import Pages, RowPages, Writer
from loghouse.render.values import LOGGED, picked_values, replaced

_encode = json.JSONEncoder(ensure_ascii=False, default=lambda value: _plain(value)).encode
_encode_indented = json.JSONEncoder(ensure_ascii=False, indent=2, default=lambda value: _plain(value)).encode
# JSON escapes C0 by itself; on a terminal the other characters that steer it are escaped as well.
_STEERING = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]")


@dataclass(frozen=True, slots=True)
class JsonLines:
    """Renders records and tables as JSON; `fields` picks and orders the keys, none means `LOGGED`."""

    clock: Clock
    fields: list[str]
    array: bool = False
    terminal: bool = False
    indent: bool = False

    def records(self, pages: Pages, out: Writer) -> int:
        """One object a record."""
        names = self.fields or LOGGED
        lines = ([picked_values(record, names, self.clock) for record in page] for page in pages)
        return self._write(lines, out)

    def table(self, columns: Sequence[str], pages: RowPages, out: Writer) -> int:
        """One object a row, its keys the columns of the table."""
        return self._write(
            ((dict(zip(columns, row, strict=True)) for row in page) for page in pages),
            out,
        )

    def _write(self, pages: Any, out: Writer) -> int:
        count = 0
        separator = ",\n" if self.array else "\n"
        if self.array:
            out.write(b"[")
        for page in pages:
            lines = [self._line(values) for values in page]
            if lines:
                start = "\n" if self.array and not count else separator if self.array else ""
                out.write(_utf8(start + separator.join(lines) + ("" if self.array else "\n")))
                out.flush()
                count += len(lines)
        if self.array:
            out.write(b"\n]\n" if count else b"]\n")
            out.flush()
        return count

    def _line(self, values: dict[str, Any]) -> str:
        line = _encode_indented(values) if self.indent else _encode(values)
        if self.terminal and not line.isascii():
            line = _STEERING.sub(lambda match: f"\\u{ord(match[0]):04x}", line)
        return line


def _plain(value: Any) -> Any:
    """What JSON has no type for, as text."""
    if isinstance(value, bytes):
        return replaced(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    isoformat = getattr(value, "isoformat", None)
    return isoformat() if isoformat is not None else str(value)


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair, out of a JSON escape such as \ud800
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()
