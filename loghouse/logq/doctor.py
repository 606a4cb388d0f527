"""`logq doctor`: is everything as it should be between this terminal and the store?"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass

from loghouse.errors import ExitCode
from loghouse.logq.options import Common
from loghouse.render.escapes import one_line


@dataclass(frozen=True, kw_only=True)
class Options(Common):
    """Options of `logq doctor`."""


def doctor(options: Options) -> ExitCode:
    """Check connection, version, tables, clock, disk, ingest and rights, and say what is wrong.

    Example: logq doctor --profile prod
    """
    from loghouse.config import store_url
    from loghouse.logq.diagnosis import Finding, Verdict, findings

    marks = {Verdict.GOOD: "ok  ", Verdict.NOTE: "note", Verdict.BAD: "BAD "}

    def here() -> Iterator[Finding]:
        kind = "a terminal" if sys.stdout.isatty() else "no terminal"
        yield Finding("output", Verdict.GOOD, f"{kind}, {sys.stdout.encoding}")
        yield from findings(store_url(options.url))

    bad = 0
    for finding in here():
        bad += finding.verdict is Verdict.BAD
        print_line(f"{marks[finding.verdict]}  {finding.subject:<11} {one_line(finding.found)}")
        if finding.advice:
            print_line(f"                  {finding.advice}")
    return ExitCode.BACKEND if bad else ExitCode.OK


def print_line(text: str) -> None:
    """Each finding at once: the next one may take its time."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
