"""Reads a whole query: a filter, then stages behind bars."""

import re
from dataclasses import dataclass, field

from msgspec import Struct

from loghouse.errors import QueryError
from loghouse.query import foreign
from loghouse.query.ast import Everything, Filter, Span
from loghouse.query.filters import FilterParser
from loghouse.query.lateregex import late_regex
from loghouse.query.stages import KINDS, STAGES, stats, where
from loghouse.query.stages.functions import is_function
from loghouse.query.stages.stage import Stage
from loghouse.query.suggest import did_you_mean
from loghouse.query.tokens import Scanner

MAX_STAGES = 50  # each may become a subquery, and ClickHouse nests them only so deep

_STAGE_NAME = late_regex(
    r"([A-Za-z_]\w*)(\()?(?![\w.@-])(?!\s*(?:[=<>:]|![=~]|\s(?:not\s+)?in\s*\())", re.IGNORECASE
)
_BIN = late_regex(r"\b(?:bin|bucket|span|time_bucket|date_trunc)\s*$", re.IGNORECASE)
_STARTS_FILTER = late_regex(r"[(\"'~*!-]")


class Notice(Struct, frozen=True):
    """Something worth telling about a query that is not an error."""

    message: str
    span: Span


@dataclass(frozen=True, slots=True)
class Query:
    """A filter, None for everything, and the stages its records go through."""

    filter: Filter | None
    stages: tuple[Stage, ...] = ()
    text: str = field(default="", compare=False, repr=False)
    notices: tuple[Notice, ...] = field(default=(), compare=False)

    def __str__(self) -> str:
        return " | ".join(["*" if self.filter is None else str(self.filter), *map(str, self.stages)])


def parse(text: str) -> Query:
    """The tree of a query; raises `QueryError` with the place of what cannot be read."""
    scan = Scanner(text)
    parser = FilterParser(scan, frozenset(STAGES))
    scan.skip_comments()
    found = None if scan.at_end or _at_bar(scan) else parser.filter()
    stages: list[Stage] = []
    scan.skip_comments()
    while not scan.at_end:
        if len(stages) == MAX_STAGES:
            raise scan.error(f"the query has more than {MAX_STAGES} stages")
        stages.append(_stage(parser))
        scan.skip_comments()
    notices = tuple(Notice(message, span) for message, span in parser.notices)
    if isinstance(found, Everything):
        found = None
    return Query(found, tuple(stages), text, notices)


def _at_bar(scan: Scanner) -> bool:
    return scan.sees("|") and foreign.line_filter(scan) is None


def _stage(parser: FilterParser) -> Stage:
    scan = parser.scan
    if (complaint := foreign.line_filter(scan)) is not None:
        raise complaint
    if scan.sees("||"):
        raise scan.span(scan.pos, scan.pos + 2).error('"||" is not an operator here', "Write: or")
    if scan.sees(")"):
        raise scan.error('this ")" closes nothing', "Quote it if it belongs to the text")
    bar = scan.pos
    if not scan.take("|"):
        raise scan.error(
            f'expected "|" or the end of the query, {scan.found()}',
            "For groups of time write: by _time:5m"
            if scan.sees("(") and _BIN.search(scan.text[: scan.pos])
            else "Put , between fields and | between stages",
        )
    scan.skip_comments()
    start = scan.pos
    if scan.at_end or scan.sees("|"):
        raise scan.span(bar, bar + 1).error('expected a stage after "|"', _known_stages())
    return _named_stage(parser, start)


def _named_stage(parser: FilterParser, start: int) -> Stage:
    """The stage that a name starts, or the `where` that a bare condition means."""
    scan = parser.scan
    if scan.looking_at(_STARTS_FILTER):
        return where.read(parser, "", start)
    found = scan.looking_at(_STAGE_NAME)
    name = found.group(1).lower() if found else ""
    if found and found.group(2) and is_function(name):
        return stats.read(parser, name, start)
    if found and name in STAGES:
        scan.pos = found.end(1)
        return STAGES[name].read(parser, name, start)
    if name in ("has", "missing", "i", "not") or parser.sees_condition():
        return where.read(parser, "", start)
    raise _unknown(scan, start)


def _unknown(scan: Scanner, start: int) -> QueryError:
    name = scan.word() or scan.text[start : start + 1]
    if (complaint := foreign.stage(scan, name, start)) is not None:
        return complaint
    known = [*STAGES, "count"]
    return scan.error(
        f'unknown stage "{name}"{did_you_mean(name, known)}',
        f"{_known_stages()}. To filter write: | where {name}",
        start,
    )


def _known_stages() -> str:
    return f"Stages: {', '.join(kind.names[0] for kind in KINDS)}"
