"""`loghouse journal`: the journal of a machine that has no rsyslog."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from loghouse import console
from loghouse.errors import ExitCode, UsageError
from loghouse.logq.options import Common


@dataclass(frozen=True, kw_only=True)
class Journal(Common):
    """Options of `loghouse journal`."""

    receiver: Annotated[
        str, typer.Option("--receiver", help="HOST:PORT of a receiver's Forward.", envvar="LOGHOUSE_RECEIVER")
    ] = "127.0.0.1:24224"
    shared_key_file: Annotated[
        str | None, typer.Option("--shared-key-file", help="The receiver's key, if it has one.")
    ] = None
    state_dir: Annotated[
        str,
        typer.Option("--state-dir", help="Where the cursor is kept.", envvar="LOGHOUSE_JOURNAL_STATE_DIR"),
    ] = "/var/lib/loghouse/journal"
    directory: Annotated[
        str | None,
        typer.Option("--directory", help="Journal files of another machine, as journalctl has it."),
    ] = None
    namespace: Annotated[str, typer.Option("--namespace", help="The namespace of its records.")] = "journal"
    listen: Annotated[
        str,
        typer.Option(
            "--listen",
            help="HOST:PORT of /metrics, /healthz and /status [default: none].",
            envvar="LOGHOUSE_JOURNAL_LISTEN",
        ),
    ] = ""
    once: Annotated[bool, typer.Option("--once", help="Send what is there and leave.")] = False


def journal(options: Journal) -> ExitCode:
    """Send the systemd journal to a receiver, each entry once, and follow it.

    Example: loghouse journal --receiver logs.example:24224 --shared-key-file key
    """
    from loghouse.client.journal import Target, send_journal
    from loghouse.client.journal_report import Progress, Report
    from loghouse.embedded.command import parse_listen
    from loghouse.telemetry.server import told

    state = Path(options.state_dir)
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        key = Path(options.shared_key_file).read_bytes().strip() if options.shared_key_file else b""
    except OSError as error:
        raise UsageError(str(error), "Name another place with --state-dir or --shared-key-file") from None
    target = Target(*parse_listen(options.receiver), key, options.namespace)
    more = [f"--directory={options.directory}"] if options.directory else []
    listen = parse_listen(options.listen) if options.listen else None
    progress = Progress()
    report = Report(progress)
    with told(listen, [report], report.trouble, report.status):
        sent = send_journal(target, state / "cursor.json", more, not options.once, progress)
    if not options.quiet:
        console.say(f"{sent:,} entries sent")
    return ExitCode.OK
