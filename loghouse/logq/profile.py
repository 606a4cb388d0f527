"""`logq profile`: which settings hold, and which file each comes from."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from loghouse.errors import ExitCode
from loghouse.logq.options import Common
from loghouse.render.escapes import one_line

_PASSWORD = re.compile(r"(://[^/@:]*):[^@]*@")


@dataclass(frozen=True, kw_only=True)
class Options(Common):
    """Options of `logq profile`."""

    name: Annotated[str | None, typer.Argument(help="The profile to look at, else the one in use.")] = None


def profile(options: Options) -> ExitCode:
    """Show the profiles there are and the settings of one, each with its file.

    Example: logq profile prod
    """
    from loghouse.profiles import load_profile

    shown = load_profile(options.name, Path.cwd(), os.environ)
    for name in shown.names:
        typer.echo(f"{'*' if name == shown.name else ' '} {one_line(name)}")
    for variable, source in sorted(shown.sources.items()):
        value = _PASSWORD.sub(r"\1:***@", shown.variables[variable])
        typer.echo(f"  {variable.removeprefix('LOGQ_').lower()} = {one_line(value)}  ({one_line(source)})")
    if not shown.sources and not shown.names:
        typer.echo("no profiles; see docs/logq.md for how to write them")
    return ExitCode.OK
