"""From `-o` and its relatives to a renderer."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import TYPE_CHECKING, Any, BinaryIO

from loghouse.config import wants_colour
from loghouse.errors import UsageError
from loghouse.logq.options import Format, Shape
from loghouse.render.clock import Clock
from loghouse.render.pages import RecordRenderer, RowPages, TableRenderer

if TYPE_CHECKING:
    import re

    from loghouse.query import Compiled, Shown


@dataclass(frozen=True, slots=True)
class Terminal:
    """What is known about standard output."""

    is_one: bool
    colour: bool
    width: int


def terminal(shape: Shape) -> Terminal:
    """Look at standard output once."""
    is_one = sys.stdout.isatty()
    return Terminal(
        is_one, wants_colour(shape.color, is_one), shutil.get_terminal_size().columns if is_one else 120
    )


def stdout() -> BinaryIO:
    """Where rows go: bytes, so that records leave as they came."""
    return sys.stdout.buffer


def prints_fields(shape: Shape) -> bool:
    """Whether text fields of records may be printed beside their message, if the query does not name any."""
    return shape.output is not Format.PRETTY or shape.fields is not None


def field_list(text: str | None, shown: Shown) -> list[str]:
    """The fields of `--fields`, else those of the query's `fields` stage."""
    if text is not None:
        from loghouse.render.values import named

        names = named(text)
        if not names:
            raise UsageError("--fields names no field", "Write it like --fields pod,status,~app")
        return names
    return list(shown.fields or ())


def record_renderer(
    shape: Shape,
    screen: Terminal,
    zone: tzinfo,
    shown: Shown,
    highlight: Callable[[], re.Pattern[str] | None],
    mark_late: bool = False,
    header: bool = True,
) -> RecordRenderer:
    """The renderer of records that the options ask for; only its module is imported."""
    fields = field_list(shape.fields, shown)
    match shape.output:
        case Format.RAW:
            from loghouse.render.raw import render_raw_records

            return render_raw_records
        case Format.JSON | Format.JSONL:
            from loghouse.render.jsonlines import JsonLines

            array = shape.output is Format.JSON
            return JsonLines(_program_clock(shape, zone), fields, array, screen.is_one, shape.indent).records
        case Format.CSV:
            from loghouse.render.csv import Csv

            return Csv(_program_clock(shape, zone), fields, header=header).records
        case Format.PARQUET:
            raise UsageError("-o parquet is a file", "Use: logq export NAME.parquet")
        case Format.TEMPLATE:
            records: RecordRenderer = _template(shape, screen, zone).records
            return records
    from loghouse.render.links import opens_links
    from loghouse.render.pretty import SCREEN_LINES, Pretty

    return Pretty(
        Clock(zone),
        fields,
        colour=screen.colour,
        screen=screen.width if screen.is_one else None,
        highlight=highlight() if screen.colour else None,
        mark_late=mark_late,
        lines={None: SCREEN_LINES, True: None, False: 1}[shape.wrap],
        indent=shape.indent,
        page=shape.web if screen.colour and opens_links(os.environ) else "",
    ).records


def table_renderer(shape: Shape, screen: Terminal, zone: tzinfo, compiled: Compiled) -> TableRenderer:
    """The renderer of a table that the options ask for."""
    render = _table_format(shape, screen, zone)
    if render is None:
        return _pretty_table(screen, zone, compiled)
    return _with_times(render, compiled.kinds, _program_clock(shape, zone).rfc3339)


def plain_table_renderer(shape: Shape, screen: Terminal, zone: tzinfo) -> TableRenderer:
    """The renderer of a table of which nothing is known but its columns: the answer to raw SQL."""
    render = _table_format(shape, screen, zone)
    if render is not None:
        return render
    from loghouse.render.table import DrawnTable, render_tsv

    return DrawnTable(screen.width, screen.colour).table if screen.is_one or screen.colour else render_tsv


def _table_format(shape: Shape, screen: Terminal, zone: tzinfo) -> TableRenderer | None:
    """The renderer of `-o`; None for pretty, which depends on the table."""
    render: TableRenderer
    match shape.output:
        case Format.JSON | Format.JSONL:
            from loghouse.render.jsonlines import JsonLines

            array = shape.output is Format.JSON
            render = JsonLines(Clock(zone), [], array, screen.is_one, shape.indent).table
        case Format.CSV:
            from loghouse.render.csv import Csv

            render = Csv(Clock(zone), []).table
        case Format.TEMPLATE:
            render = _template(shape, screen, zone).table
        case Format.PARQUET:
            raise UsageError("a table cannot be written as parquet", "Use: -o csv or -o jsonl")
        case Format.RAW:
            from loghouse.render.table import render_bare_rows

            render = render_bare_rows
        case _:
            return None
    return render


def _pretty_table(screen: Terminal, zone: tzinfo, compiled: Compiled) -> TableRenderer:
    clock = Clock(zone)
    if screen.is_one or screen.colour:
        from loghouse.render.histogram import Histogram, is_histogram

        if is_histogram(compiled.kinds, compiled.columns):
            return Histogram(clock, screen.width, screen.colour).table
        from loghouse.render.patternlist import PatternList, is_pattern_list

        if is_pattern_list(compiled.columns):
            return PatternList(clock, screen.width, screen.colour).table
        from loghouse.render.table import DrawnTable

        return _with_times(DrawnTable(screen.width, screen.colour).table, compiled.kinds, clock.short)
    from loghouse.render.table import render_tsv

    return _with_times(render_tsv, compiled.kinds, clock.short)


def _with_times(render: TableRenderer, kinds: Sequence[str], written: Callable[[int], str]) -> TableRenderer:
    """The renderer, given text in place of the nanoseconds in columns of times."""
    times = [place for place, kind in enumerate(kinds) if kind == "time"]
    if not times:
        return render

    def rows_with_text(pages: RowPages) -> Iterator[list[Sequence[Any]]]:
        for page in pages:
            yield [
                [
                    written(value) if place in times and value is not None else value
                    for place, value in enumerate(row)
                ]
                for row in page
            ]

    return lambda columns, pages, out: render(columns, rows_with_text(pages), out)


def _template(shape: Shape, screen: Terminal, zone: tzinfo) -> Any:
    from loghouse.render.template import parse_template

    if not shape.template:
        raise UsageError("-o template needs a template", "Add one: -T '{timestamp} {pod} {message}'")
    return parse_template(shape.template, _program_clock(shape, zone), screen.is_one)


def _program_clock(shape: Shape, zone: tzinfo) -> Clock:
    """Programs get UTC unless a zone was named."""
    named = getattr(shape, "tz", None)
    return Clock(zone if named else UTC)
