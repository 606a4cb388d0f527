"""`loghouse status`: how far every file is shipped, what waits, what the store last said."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from loghouse.errors import ExitCode, LoghouseError, UsageError
from loghouse.logq.options import Common
from loghouse.render.duration import written_duration

ANSWER_TIMEOUT = 5.0  # seconds
SHOWN = 30  # files, those that are behind the most
WAITS_TOO_LONG = 60.0  # seconds in the spool, or without an answer of the store


@dataclass(frozen=True, kw_only=True)
class Status(Common):
    """Options of `loghouse status`."""

    at: Annotated[str, typer.Option("--at", help="HOST:PORT that the shipper was given with --listen.")] = (
        "127.0.0.1:9429"
    )
    everything: Annotated[bool, typer.Option("--all", help="Every file, not only those behind.")] = False
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False


def status(options: Status) -> ExitCode:
    """Show what the shipper of this node does: lag, spool, last error. Exit code 4 if it is in trouble.

    Example: loghouse status --all
    """
    found = _asked(options.at)
    if options.as_json:
        typer.echo(json.dumps(found))
    else:
        for line in _report(found, options.everything):
            typer.echo(line)
    return ExitCode.OK if _is_well(found) else ExitCode.PARTIAL


def _asked(address: str) -> dict[str, Any]:
    import requests

    if not address.rpartition(":")[2].isdecimal():
        raise UsageError(f'"{address}" is no HOST:PORT', "Write it like 127.0.0.1:9429")
    try:
        answer = requests.get(f"http://{address}/status", timeout=ANSWER_TIMEOUT)
        answer.raise_for_status()
        found = answer.json()
    except (requests.RequestException, ValueError) as error:
        raise LoghouseError(
            f"no shipper answers at {address} ({type(error).__name__})",
            f"Start it with --listen {address}, or say its address with --at",
        ) from None
    if not isinstance(found, dict) or "spool" not in found:
        raise LoghouseError(f"what answers at {address} is no shipper", "Say another address with --at")
    return found


def _is_well(found: Mapping[str, Any]) -> bool:
    return (
        found["store"]["failing_seconds"] < WAITS_TOO_LONG
        and found["spool"]["oldest_seconds"] < WAITS_TOO_LONG
        and not found["spool"]["full"]
        and not found["quarantined_lines"]
        and not found["lost_bytes"]
    )


def _report(found: Mapping[str, Any], everything: bool) -> Iterator[str]:
    from rich.filesize import decimal

    files, spool, store = found["files"], found["spool"], found["store"]
    shown = files if everything else [file for file in files if file["behind"]][:SHOWN]
    for file in shown:
        where = f"{file['namespace']}/{file['pod']}/{file['container']}".strip("/")
        yield f"{decimal(file['behind']):>10} behind  {where or '-'}  {file['path']}"
    behind = sum(file["behind"] for file in files)
    yield f"{len(files):,} files open, {decimal(behind)} behind"
    yield (
        f"spool: {spool['batches']:,} batches, {decimal(spool['bytes'])} of {decimal(spool['limit'])}"
        + (f", the oldest waits {written_duration(spool['oldest_seconds'])}" if spool["batches"] else "")
        + (", FULL: reading waits" if spool["full"] else "")
    )
    yield (
        f"store: {store['lines']:,} lines ({decimal(store['bytes'])}) acknowledged in {store['batches']:,} "
        f"batches, {store['retries']:,} tried again"
    )
    if store["failing_seconds"]:
        since = written_duration(store["failing_seconds"])
        yield f"store: FAILING for {since}: {store['last_error'] or 'no answer'}"
    if found["quarantined_lines"]:
        yield f"quarantine: {found['quarantined_lines']:,} lines (see: loghouse quarantine ls)"
    if found["lost_bytes"]:
        yield f"LOST: {decimal(found['lost_bytes'])}"
    for reason, number in sorted(found["problems"].items()):
        yield f"{reason}: {number:,}"
