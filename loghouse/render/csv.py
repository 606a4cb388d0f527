"""`-o csv`: a header and one row a record, quoted as RFC 4180 says; also tables."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from loghouse.render.clock import Clock
from loghouse.render.pages import Pages, RowPages, Writer
from loghouse.render.values import picked_values, replaced

_FORMULAS = ("=", "+", "-", "@", "|", "%")
DEFAULT_COLUMNS = ("timestamp", "level", "namespace", "pod", "container", "message")


@dataclass(frozen=True, slots=True)
class Csv:
    """Renders records and tables with commas (or tabs) between the values; `fields` picks the columns."""

    clock: Clock
    fields: list[str]
    delimiter: str = ","
    spreadsheet: bool = False  # text that a spreadsheet would compute gets a ' before it
    header: bool = True

    def records(self, pages: Pages, out: Writer) -> int:
        """One row a record."""
        names = self.fields or list(DEFAULT_COLUMNS)
        rows = ((picked_values(record, names, self.clock).values() for record in page) for page in pages)
        return self._write(names, rows, out)

    def table(self, columns: Sequence[str], pages: RowPages, out: Writer) -> int:
        """The rows of a table."""
        return self._write(columns, pages, out)

    def _write(self, header: Sequence[str], pages: Iterable[Iterable[Iterable[Any]]], out: Writer) -> int:
        count = 0
        buffer = io.StringIO()
        writer = csv.writer(buffer, delimiter=self.delimiter, lineterminator="\n")
        if self.header:
            writer.writerow(self._row(header))
        for page in pages:
            for row in page:
                writer.writerow(self._row(row))
                count += 1
            _pour(buffer, out)
        _pour(buffer, out)
        return count

    def _row(self, values: Iterable[Any]) -> list[Any]:
        cells = [_cell(value) for value in values]
        return [_inert(cell) for cell in cells] if self.spreadsheet else cells


def _cell(value: Any) -> Any:
    if isinstance(value, str) or value is None:
        return value
    if isinstance(value, bytes):
        return replaced(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list, tuple)):
        return json.dumps(value, ensure_ascii=False, default=str)
    isoformat = getattr(value, "isoformat", None)
    return isoformat() if isoformat is not None else value


def _inert(cell: Any) -> Any:
    """Spreadsheets run what begins like this, also after spaces."""
    return f"'{cell}" if isinstance(cell, str) and cell.lstrip()[:1] in _FORMULAS else cell


def _pour(buffer: io.StringIO, out: Writer) -> None:
    text = buffer.getvalue()
    if text:
        out.write(text.encode("utf-8", "replace"))
        out.flush()
        buffer.seek(0)
        buffer.truncate()
