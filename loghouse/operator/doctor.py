"""`loghouse doctor`: can this node read its logs, keep them, and send them?"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from loghouse.config import default_state_dir, store_url
from loghouse.errors import ExitCode, LoghouseError
from loghouse.logq.diagnosis import Finding, Verdict
from loghouse.logq.options import Common

if TYPE_CHECKING:
    from loghouse.store.client import Store

ENOUGH = 1 << 30  # bytes free for the spool
LOOKED_AT = 2000  # files that are tried


@dataclass(frozen=True, kw_only=True)
class Doctor(Common):
    """Options of `loghouse doctor`."""

    paths: Annotated[
        tuple[str, ...], typer.Argument(help="Directories or files [default: /var/log/pods].")
    ] = ()
    state_dir: Annotated[
        str | None,
        typer.Option("--state-dir", help="Where offsets are kept.", envvar="LOGHOUSE_STATE_DIR"),
    ] = None


def doctor(options: Doctor) -> ExitCode:
    """Check log files, state directory, the Kubernetes API and the store, and say what is wrong.

    Example: loghouse doctor /var/log/pods
    """
    bad = 0
    for finding in _findings(options):
        bad += finding.verdict is Verdict.BAD
        mark = {Verdict.GOOD: "ok  ", Verdict.NOTE: "note", Verdict.BAD: "BAD "}[finding.verdict]
        typer.echo(f"{mark}  {finding.subject:<11} {finding.found}")
        if finding.advice:
            typer.echo(f"                  {finding.advice}")
    return ExitCode.BACKEND if bad else ExitCode.OK


def _findings(options: Doctor) -> Iterator[Finding]:
    from loghouse.logq.diagnosis import findings
    from loghouse.ship.command import DEFAULT_PATHS
    from loghouse.store.client import Store

    yield from log_files(options.paths or DEFAULT_PATHS)
    yield from state_directory(options.state_dir or default_state_dir())
    yield from kubernetes_api()
    url = store_url(options.url)
    for finding in findings(url):
        yield finding
        if finding.subject == "connection" and finding.verdict is Verdict.BAD:
            return
    with Store(url) as store:
        yield from tables_keep_what_they_get(store)
        yield may_insert(store)


def log_files(paths: Sequence[str]) -> Iterator[Finding]:
    """Whether the files can be read, by trying."""
    for path in paths:
        if not os.path.exists(path):
            yield Finding("files", Verdict.BAD, f"{path} does not exist", "Mount it, or name another path")
            continue
        found = [path] if os.path.isfile(path) else [str(each) for each in _some_files(Path(path))]
        refused = [each for each in found if not os.access(each, os.R_OK)]
        if refused:
            yield Finding(
                "files",
                Verdict.BAD,
                f"{len(refused):,} of {len(found):,} files of {path} cannot be read, such as {refused[0]}",
                "Run as root, or with the capability DAC_READ_SEARCH, or in the group of the files",
            )
        elif found:
            yield Finding("files", Verdict.GOOD, f"{len(found):,} files of {path} can be read")
        else:
            yield Finding(
                "files",
                Verdict.NOTE,
                f"no log file in {path}",
                "Links that lead to a directory that is not mounted are not files either",
            )


def _some_files(directory: Path) -> list[Path]:
    found: list[Path] = []
    for place, _, names in os.walk(directory):
        found.extend(Path(place, name) for name in names if ".log" in name)
        if len(found) >= LOOKED_AT:
            break
    return [path for path in found if path.is_file()]


def state_directory(path: str) -> Iterator[Finding]:
    """Whether offsets and batches can be kept: a directory on a real disk, with room."""
    parent = Path(path)
    while not parent.exists():
        parent = parent.parent
    if not os.access(parent, os.W_OK | os.X_OK):
        yield Finding(
            "state",
            Verdict.BAD,
            f"cannot write in {parent}",
            "Change its owner, or name another --state-dir",
        )
        return
    status = os.statvfs(parent)
    free = status.f_bavail * status.f_frsize
    kind = _file_system(parent)
    if kind in ("tmpfs", "ramfs", "overlay"):
        yield Finding(
            "state",
            Verdict.BAD,
            f"{path} is on {kind}: what it holds does not outlive the machine or the container",
            "Mount a directory of the node there (hostPath, volume)",
        )
    elif free < ENOUGH:
        yield Finding(
            "state",
            Verdict.NOTE,
            f"{free >> 20:,} MiB are free for {path}",
            "The spool takes a tenth of it: an outage of the store will soon stop the reading",
        )
    else:
        yield Finding("state", Verdict.GOOD, f"{path} can be written, {free >> 30:,} GiB are free")


def _file_system(path: Path) -> str:
    """The type of the file system that holds a path, '' if the kernel does not say."""
    best, kind = "", ""
    real = os.path.realpath(path)
    try:
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    for line in mounts.splitlines():
        _, place, name, *_ = line.split(" ")
        if len(place) >= len(best) and (real == place or real.startswith(place.rstrip("/") + "/")):
            best, kind = place, name
    return kind


def kubernetes_api() -> Iterator[Finding]:
    """In a pod: whether the API lets us list the pods of the node."""
    from loghouse.kubernetes.api import Api, ApiError, in_cluster

    try:
        server = in_cluster()
    except LoghouseError as error:
        yield Finding("kubernetes", Verdict.BAD, error.message, error.hint)
        return
    if server is None:
        yield Finding("kubernetes", Verdict.NOTE, "not in a pod: names come from paths, labels do not")
        return
    api = Api(server)
    try:
        api.get("/api/v1/pods", {"limit": "1"})
        yield Finding("kubernetes", Verdict.GOOD, "the API lists pods")
    except ApiError as error:
        yield Finding(
            "kubernetes",
            Verdict.BAD,
            f"the API refuses: {error}",
            "Bind the ClusterRole of the chart to the service account: pods get, list, watch",
        )
    finally:
        api.close()


def tables_keep_what_they_get(store: Store) -> Iterator[Finding]:
    """Settings of the tables without which a repeated insert doubles lines, or a crash loses them."""
    rows = store.rows(
        "SELECT name, create_table_query FROM system.tables "
        "WHERE database = currentDatabase() AND name IN ('logs', 'logs_local') AND engine LIKE '%MergeTree'"
    )
    for name, created in rows:
        for setting, loss in (
            ("replicated_deduplication_window = ", "an insert that is repeated would be stored twice"),
            ("fsync_after_insert = 1", "a power loss would take acknowledged lines"),
        ):
            if setting not in created:
                yield Finding(
                    "guarantees",
                    Verdict.BAD,
                    f"{name} lacks {setting.strip(' =')}: {loss}",
                    f"ALTER TABLE {name} MODIFY SETTING, as docs/schema.md has it",
                )
                return
    if rows:
        yield Finding("guarantees", Verdict.GOOD, "repeated inserts are stored once and survive a power loss")


def may_insert(store: Store) -> Finding:
    """Whether the user may send logs: an insert without rows."""
    from loghouse.spool.rows import COLUMNS

    try:
        store.insert_blocks("ingest", COLUMNS, [], {"async_insert": 0})
    except LoghouseError as error:
        return Finding(
            "insert",
            Verdict.BAD,
            error.message,
            "Grant the user INSERT on ingest and SELECT on the database",
        )
    return Finding("insert", Verdict.GOOD, "the user may send logs")
