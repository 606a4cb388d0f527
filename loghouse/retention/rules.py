"""The file of rules: which records are kept how long. The first rule that fits a record counts.

[[keep]]
where = "ns=prod level>=error"
for = "365d"

[[keep]]
where = "ns=prod"
for = "90d"

[[keep]]
for = "14d"

[tiers]                 # of a server with a storage policy
cold = "7d"             # name of the volume, and the age at which parts move there
recompress = "2d"       # the age at which parts are packed tighter
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loghouse.errors import QueryError, UsageError
from loghouse.query import filter_sql, parse, parse_duration
from loghouse.query.rollup import COLUMNS

SECOND = 1_000_000_000
_FIELDS = ", ".join(sorted(COLUMNS))
_VOLUME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class Keep:
    """Records that fit `condition`, SQL without parameters, are kept for so many seconds; '' fits all."""

    where: str
    seconds: int
    condition: str


@dataclass(frozen=True, slots=True)
class Tiers:
    """Ages in seconds at which parts move to a volume, and are packed tighter; 0 is never."""

    moves: tuple[tuple[str, int], ...] = ()
    recompress: int = 0


@dataclass(frozen=True, slots=True)
class Rules:
    """A file of rules."""

    keep: tuple[Keep, ...]
    tiers: Tiers = Tiers()
    text: str = ""


def read_rules(path: Path) -> Rules:
    """The rules of a file; raises `UsageError` that names the rule, and for a query its place."""
    try:
        text = path.read_text("utf-8")
        settings = tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f'cannot read the rules "{path}" ({error})', "See docs/retention.md") from None
    unknown = settings.keys() - {"keep", "tiers"}
    if unknown:
        raise UsageError(f'unknown part "{min(unknown)}" in {path}', "Known: [[keep]] and [tiers]")
    entries = settings.get("keep", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries) or not entries:
        raise UsageError(f"{path} has no rule", 'Write for instance: [[keep]] and below it for = "30d"')
    keep = tuple(_keep(f"{path}: rule {number}", entry) for number, entry in enumerate(entries, 1))
    _check_order(path, keep)
    return Rules(keep, _tiers(path, settings.get("tiers", {})), text)


def _keep(place: str, entry: dict[str, Any]) -> Keep:
    unknown = entry.keys() - {"where", "for"}
    if unknown:
        raise UsageError(f'{place}: unknown key "{min(unknown)}"', "Known: where, for")
    where = entry.get("where", "")
    if not isinstance(where, str):
        raise UsageError(f"{place}: where has to be a query in quotes")
    return Keep(where, _age(place, "for", entry.get("for")), _condition(place, where))


def _age(place: str, key: str, text: Any) -> int:
    if not isinstance(text, str):
        raise UsageError(f"{place}: {key} is missing", f'Write for instance: {key} = "30d"')
    try:
        seconds = parse_duration(text) // SECOND
    except UsageError as error:
        raise UsageError(f"{place}: {key}: {error.message}", 'Write for instance: "30d"') from None
    if seconds < 3600:
        raise UsageError(f'{place}: {key} = "{text}" is less than an hour', 'Write for instance: "30d"')
    return seconds


def _condition(place: str, where: str) -> str:
    """SQL of a rule's query. Only what the counts have too, so that histograms agree with records."""
    if not where.strip():
        return ""
    try:
        query = parse(where)
    except QueryError as error:
        raise UsageError(f"{place}: {error.message} at column {error.start + 1}", error.hint) from None
    if query.stages or query.filter is None:
        raise UsageError(f"{place}: where is a filter without stages", "Leave where away to mean all records")
    sql, params = filter_sql(query.filter, now_ns=0)
    text = _with_literals(sql, params)
    used = set(re.findall(r"\b[a-z_]+\b(?!\()", re.sub(r"'(?:[^'\\]|\\.)*'", "", text)))
    if foreign := used & _OTHER_COLUMNS:
        raise UsageError(
            f'{place}: where asks for "{min(foreign)}"', f"Rules may ask for these fields only: {_FIELDS}"
        )
    return text


# What a filter on anything else than those four fields has in its SQL.
_OTHER_COLUMNS = frozenset(
    (
        *("timestamp", "inserted_at", "pod", "node", "pod_uid", "restart", "labels_json", "stream", "format"),
        *("raw", "numbers", "strings", "message", "keys", "source_id", "offset", "length", "overhead"),
        *("parse_error", "words"),
    )
)


def quoted(text: str) -> str:
    """A literal of SQL."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _with_literals(sql: str, params: Any) -> str:
    """A TTL takes no parameters, so the values stand in it, quoted."""

    def literal(mark: re.Match[str]) -> str:
        value = params[mark[1]]
        text = quoted(str(value))
        return text if mark[2] == "String" else f"CAST({text}, '{mark[2]}')"

    return re.sub(r"\{(\w+):([^{}]+)\}", literal, sql)


def _check_order(path: Path, keep: tuple[Keep, ...]) -> None:
    for number, rule in enumerate(keep[:-1], 1):
        if not rule.condition:
            raise UsageError(
                f"{path}: rule {number} fits every record, so those behind it never count",
                "Put it last, or give it a where",
            )


def _tiers(path: Path, settings: Any) -> Tiers:
    if not isinstance(settings, dict):
        raise UsageError(f"{path}: tiers has to be a table", 'Write for instance: [tiers] and cold = "7d"')
    ages = {name: _age(f"{path}: tiers", name, text) for name, text in settings.items()}
    recompress = ages.pop("recompress", 0)
    for name in ages:
        if not _VOLUME.fullmatch(name):
            raise UsageError(f'{path}: tiers: "{name}" is no name of a volume')
    return Tiers(tuple(sorted(ages.items(), key=lambda move: move[1])), recompress)
