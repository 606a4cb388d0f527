"""Slices of a search into an open file: lines that the store has made, or rows through Python.

To ask for a slice and to write its answer are two steps, so that the store can be at work on the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import BinaryIO

from loghouse.lines import SETTINGS, TYPED_SETTINGS, csv_lines_sql, json_lines_sql, typed_columns_sql, whole
from loghouse.logq.options import Format
from loghouse.query import Compiled
from loghouse.record import Record
from loghouse.render.csv import DEFAULT_COLUMNS
from loghouse.render.values import LOGGED
from loghouse.search import Found
from loghouse.store.client import Columns

Told = Callable[[int], None]  # gets how many records more were written


def lines_sql(format: Format, fields: Sequence[str], compiled: Compiled) -> str | None:
    """SQL for the lines of a format, if the store can make them."""
    if format is Format.JSONL:
        return json_lines_sql(compiled, fields or LOGGED)
    return csv_lines_sql(compiled, fields or DEFAULT_COLUMNS) if format is Format.CSV else None


def ask_lines(format: Format, fields: Sequence[str], found: Found) -> Iterator[Columns]:
    """Ask for the lines that the store makes, as `lines_sql` said it can."""
    return found.blocks(lines_sql(format, fields, found.compiled) or "", **SETTINGS)


def ask_typed(fields: Sequence[str], found: Found) -> Iterator[Columns]:
    """Ask for typed columns."""
    from loghouse.render.parquet import columns_named, columns_of

    sql = typed_columns_sql(found.compiled, *columns_named(fields))
    if sql is not None:
        return found.blocks(sql, **TYPED_SETTINGS)
    return (columns_of(page, fields) for page in found.records())


def heading(format: Format, fields: Sequence[str]) -> bytes:
    """What stands above the lines."""
    return (",".join(fields or DEFAULT_COLUMNS) + "\n").encode() if format is Format.CSV else b""


def write_lines(answers: Iterable[Iterator[Columns]], out: BinaryIO, told: Told) -> None:
    """Write lines that the store has made."""
    for blocks in answers:
        for are_valid, lines in blocks:
            out.write(whole(lines, are_valid))
            told(len(lines))


def write_raw(answers: Iterable[Iterator[list[bytes]]], out: BinaryIO, told: Told) -> None:
    """Write records as they were written."""
    for pages in answers:
        for page in pages:
            out.write(b"\n".join(page) + b"\n")
            told(len(page))


def write_parquet(
    answers: Iterator[Iterator[Columns]], fields: Sequence[str], out: BinaryIO, told: Told
) -> None:
    """Write typed columns."""
    from loghouse.render.parquet import ParquetFile

    first = next(answers, None)  # asked for before pyarrow is imported, which takes a while
    with ParquetFile(out, fields) as file:
        for blocks in chain(() if first is None else (first,), answers):
            for block in blocks:
                told(file.write(block))


def pages_of(answers: Iterable[Iterator[list[Record]]], told: Told) -> Iterator[list[Record]]:
    """The records themselves, for a renderer in Python."""
    for pages in answers:
        for page in pages:
            yield page
            told(len(page))
