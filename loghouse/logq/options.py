"""The options that verbs share, each declared once. `verbs.py` makes options of the fields here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

import typer

DEFAULT_SINCE = "1h"
DEFAULT_LIMIT = 1000


class Format(StrEnum):
    """What `-o` knows."""

    PRETTY = "pretty"
    RAW = "raw"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"
    TEMPLATE = "template"
    PARQUET = "parquet"


class When(StrEnum):
    """What `--color` knows."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


def option(*names: str, help: str, env: str, **more: Any) -> Any:
    """An option that the variable LOGQ_`env` sets as well."""
    return typer.Option(*names, help=help, envvar=f"LOGQ_{env}", show_default=False, **more)


# Only the options of a verb are ever made: what objects need is made for its class alone, at each start.
@dataclass(frozen=True, kw_only=True, init=False, repr=False, eq=False)
class Common:
    """Options of every verb."""

    url: Annotated[
        str | None,
        option("--url", help="The store: clickhouse://user:password@host:9000/loghouse.", env="URL"),
    ] = None
    use_profile: Annotated[
        str | None, option("--profile", help="Take the settings of this profile.", env="PROFILE")
    ] = None
    quiet: Annotated[bool, option("-q", "--quiet", help="No notices on stderr.", env="QUIET")] = False
    debug: Annotated[bool, option("--debug", help="Show tracebacks.", env="DEBUG")] = False


@dataclass(frozen=True, kw_only=True, init=False, repr=False, eq=False)
class Where(Common):
    """Which records: by where they come from."""

    namespace: Annotated[
        tuple[str, ...],
        option("-n", "--namespace", help="Only this namespace; * is a wildcard.", env="NAMESPACE"),
    ] = ()
    pod: Annotated[
        tuple[str, ...], option("-p", "--pod", help="Only this pod; * is a wildcard.", env="POD")
    ] = ()
    container: Annotated[
        tuple[str, ...],
        option("-c", "--container", help="Only this container; * is a wildcard.", env="CONTAINER"),
    ] = ()
    label: Annotated[
        tuple[str, ...],
        option("-l", "--label", help="Only pods with this label: key=value.", env="LABEL"),
    ] = ()
    level: Annotated[
        tuple[str, ...],
        option("-L", "--level", help="This level and worse: warning; only it: =warning.", env="LEVEL"),
    ] = ()
    node: Annotated[
        tuple[str, ...], option("--node", help="Only this node; * is a wildcard.", env="NODE")
    ] = ()


@dataclass(frozen=True, kw_only=True, init=False, repr=False, eq=False)
class Times(Common):
    """Which records: by time, and in which time zone times are read and written."""

    since: Annotated[
        str | None,
        option(
            "-s",
            "--since",
            help=f"How far back: 15m, 2h, 7d. [default: {DEFAULT_SINCE}]",
            env="SINCE",
        ),
    ] = None
    from_: Annotated[
        str | None,
        option("--from", help="From this time on: 2026-08-01T10:00, 10:00, yesterday, now-2h.", env="FROM"),
    ] = None
    to: Annotated[str | None, option("--to", help="Up to this time. [default: now]", env="TO")] = None
    utc: Annotated[bool, option("--utc", help="Times in UTC instead of local time.", env="UTC")] = False
    tz: Annotated[str | None, option("--tz", help="Times in this zone: Europe/Berlin.", env="TZ")] = None


@dataclass(frozen=True, kw_only=True, init=False, repr=False, eq=False)
class Selection(Where, Times):
    """Which records: both together, as every verb that reads records has them."""


@dataclass(frozen=True, kw_only=True, init=False, repr=False, eq=False)
class Shape(Common):
    """How rows are written."""

    output: Annotated[
        Format,
        option("-o", "--output", help="How to print. [default: pretty]", env="OUTPUT"),
    ] = Format.PRETTY
    template: Annotated[
        str | None,
        option("-T", "--template", help="For -o template: '{timestamp} {pod} {message}'.", env="TEMPLATE"),
    ] = None
    fields: Annotated[
        str | None,
        option(
            "--fields",
            help="These columns, ~labels and fields: pod,status,~app; '*' is every column.",
            env="FIELDS",
        ),
    ] = None
    color: Annotated[
        When,
        option("--color", help="Colours; auto means on a terminal. [default: auto]", env="COLOR"),
    ] = When.AUTO
    wrap: Annotated[
        bool | None,
        option(
            "--wrap/--cut",
            help="Whole records, or one line of the screen each. [default: up to ten lines]",
            env="WRAP",
        ),
    ] = None
    indent: Annotated[
        bool, option("--indent", help="Every field on its own line; JSON indented.", env="INDENT")
    ] = False
    pager: Annotated[bool, option("--pager", help="On a terminal, through $PAGER or less.", env="PAGER")] = (
        False
    )
    web: Annotated[
        str, option("--web", help="The page of loghouse web, which times are linked to.", env="WEB")
    ] = ""
    stats: Annotated[
        bool, option("--stats", help="Say on stderr what was read and how long it took.", env="STATS")
    ] = False


@dataclass(frozen=True, kw_only=True, init=False, repr=False, eq=False)
class Limits(Common):
    """Where the server stops a query."""

    max_time: Annotated[
        str | None, option("--max-time", help="Stop a query after this time: 30s.", env="MAX_TIME")
    ] = None
    max_memory: Annotated[
        str | None,
        option("--max-memory", help="Stop a query that needs more memory: 2GB.", env="MAX_MEMORY"),
    ] = None
    max_rows: Annotated[
        int | None,
        option("--max-rows", help="Stop a query that reads more rows of the table.", env="MAX_ROWS"),
    ] = None


@dataclass(frozen=True, kw_only=True, init=False, repr=False, eq=False)
class Printing(Selection, Shape):
    """Which records and how to print them."""


@dataclass(frozen=True, kw_only=True, init=False, repr=False, eq=False)
class Reading(Printing, Limits):
    """The same, and what reading them may cost."""

    budget: Annotated[
        str | None,
        option("--budget", help="Refuse a query that would read more from disk: 10GB.", env="BUDGET"),
    ] = None
    files: Annotated[
        tuple[str, ...],
        option(
            "--file",
            help="Read files instead of the store: 'logs/*.gz', a directory, - is standard input.",
            env="FILE",
        ),
    ] = ()
