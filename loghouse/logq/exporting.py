"""Slices of a search into an open file: lines that the store has made, or rows through Python."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import BinaryIO

from loghouse.lines import SETTINGS, csv_lines_sql, json_lines_sql, typed_columns_sql, valid
from loghouse.logq.options import Format
from loghouse.query import Compiled
from loghouse.record import Record
from loghouse.render.csv import DEFAULT_COLUMNS
from loghouse.render.values import VALUES
from loghouse.search import Found

Told = Callable[[int], None]  # gets how many records more were written


def lines_sql(format: Format, fields: Sequence[str], compiled: Compiled) -> str | None:
    """SQL for the lines of a format, if the store can make them."""
    if format is Format.JSONL:
        return json_lines_sql(compiled, fields or list(VALUES))
    return csv_lines_sql(compiled, fields or DEFAULT_COLUMNS) if format is Format.CSV else None


def write_lines(
    format: Format, fields: Sequence[str], found: Iterable[Found], out: BinaryIO, told: Told, begins: bool
) -> None:
    """Write the lines that the store makes, as `lines_sql` said it can; `begins`: the file is empty."""
    if begins and format is Format.CSV:
        out.write((",".join(fields or DEFAULT_COLUMNS) + "\n").encode())
    for each in found:
        sql = lines_sql(format, fields, each.compiled) or ""
        for (lines,) in each.blocks(sql, **SETTINGS):
            out.write(valid(lines))
            told(len(lines))


def write_raw(found: Iterable[Found], out: BinaryIO, told: Told) -> None:
    """Write records as they were written."""
    for each in found:
        for page in each.raw():
            out.write(b"\n".join(page) + b"\n")
            told(len(page))


def write_parquet(found: Iterable[Found], out: BinaryIO, told: Told) -> None:
    """Write typed columns."""
    from loghouse.render.parquet import ParquetFile, columns_of

    with ParquetFile(out) as file:
        for each in found:
            sql = typed_columns_sql(each.compiled)
            blocks = each.blocks(sql, **SETTINGS) if sql is not None else map(columns_of, each.records())
            for block in blocks:
                told(file.write(block))


def pages_of(found: Iterable[Found], told: Told) -> Iterator[list[Record]]:
    """The records themselves, for a renderer in Python."""

    for each in found:
        for page in each.records():
            yield page
            told(len(page))
