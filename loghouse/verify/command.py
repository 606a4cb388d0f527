"""`loghouse verify` and `logq verify`: is everything stored, and once?"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from loghouse.config import store_url
from loghouse.errors import ExitCode
from loghouse.logq.options import Common
from loghouse.render.duration import written_duration

if TYPE_CHECKING:
    from loghouse.verify.coverage import Coverage, FileHour


@dataclass(frozen=True, kw_only=True)
class Verify(Common):
    """Options of `loghouse verify`."""

    since: Annotated[str, typer.Option("--since", help="What was stored since: 1h, 2d, a time.")] = "1h"
    until: Annotated[str, typer.Option("--to", help="And before then [default: now].")] = "now"
    everything: Annotated[bool, typer.Option("--all", help="List the sound files too.")] = False
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False


def verify(options: Verify) -> ExitCode:
    """Look for lines that are missing or stored twice, by file and hour. Exit code 4 if there are any.

    Example: loghouse verify --since 1d
    """
    from loghouse.query import TimeRange, parse_instant
    from loghouse.store.client import Store
    from loghouse.verify.coverage import coverage

    now = time.time_ns()
    window = TimeRange(parse_instant(options.since, now), parse_instant(options.until, now))
    with Store(store_url(options.url)) as store:
        found = coverage(store, window, options.everything)
    if options.as_json:
        typer.echo(json.dumps(asdict(found) | {"sound": found.sound}))
    else:
        for line in _report(found):
            typer.echo(line)
    return ExitCode.OK if found.sound else ExitCode.PARTIAL


def _report(found: Coverage) -> Iterator[str]:
    yield from map(_told, found.files)
    if found.cut:
        yield "... and more: narrow the time with --since and --to"
    delays = ", ".join(
        f"p{quantile * 100:g} {written_duration(seconds)}" for quantile, seconds in found.delays.items()
    )
    yield f"{found.records:,} records of {found.sources:,} files; from written to stored: {delays or '-'}"
    for each in found.dropped:
        yield f'dropped on purpose by rule "{each.rule}": {each.lines:,} lines, {each.bytes:,} bytes'
    if found.unplaced:
        yield f"{found.unplaced:,} records came without a place in a file: nothing can be said of them"
    doubles = sum(file.doubles for file in found.files)
    missing = sum(file.missing for file in found.files)
    if found.sound:
        yield "sound: no byte missing between first and last record of a file, no line stored twice"
    else:
        gaps = sum(file.gaps for file in found.files)
        yield f"NOT sound: {missing:,} bytes missing in {gaps:,} gaps, {doubles:,} lines stored twice"


def _told(file: FileHour) -> str:
    where = f"{file.hour}  {file.namespace}/{file.pod}/{file.container}  {file.source:016x}"
    if file.sound:
        return f"{where}  {file.records:,} records, sound"
    parts = []
    if file.gaps:
        parts.append(
            f"{file.missing:,} bytes missing in {file.gaps:,} gaps, the first at offset {file.first_gap:,}"
        )
    if file.doubles:
        parts.append(f"{file.doubles:,} lines twice, the first at offset {file.first_double:,}")
    return f"{where}  {'; '.join(parts)}"
