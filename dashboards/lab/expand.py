"""Queries of panels as Prometheus and ClickHouse get them: variables and macros filled in, as in Grafana."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

STEP = 30  # seconds between two points

_MACRO = re.compile(r"\$__(timeFilter|timeInterval|conditionalAll)\(")
_VARIABLE = re.compile(r"\$\{(\w+)(?::(\w+))?\}|\$(\w+)")
ALL: Mapping[str, str] = {"namespace": ".*", "instance": ".*", "container": "", "search": "", "level": "all"}


@dataclass(frozen=True)
class Asked:
    """One query of one panel; `kind` is prometheus or clickhouse."""

    board: str
    panel: Mapping[str, Any]
    kind: str
    text: str
    legend: str = ""

    @property
    def title(self) -> str:
        """Where it stands, for people."""
        return f"{self.board} / {self.panel['title']}"


def panels(board: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The panels of a dashboard, without rows."""
    return (panel for panel in board["panels"] if panel["type"] != "row")


def queries(board: Mapping[str, Any]) -> Iterator[Asked]:
    """All queries of a dashboard."""
    for panel in panels(board):
        for target in panel["targets"]:
            if "expr" in target:
                legend = target.get("legendFormat", "")
                yield Asked(board["uid"], panel, "prometheus", target["expr"], legend)
            else:
                yield Asked(board["uid"], panel, "clickhouse", target["rawSql"])


def promql(text: str, window: str = "1h", values: Mapping[str, str] = ALL) -> str:
    """An expression with its variables filled in; everything is selected unless `values` says otherwise."""
    text = text.replace("$__rate_interval", f"{4 * STEP}s").replace("$__range", window)
    return _VARIABLE.sub(lambda found: values[found[1] or found[3]], text)


def sql(text: str, start: int, end: int, values: Mapping[str, str] = ALL) -> str:
    """A statement with macros and variables filled in; times are seconds since 1970."""
    while found := _MACRO.search(text):
        inside, after = _arguments(text, found.end())
        text = text[: found.start()] + _macro(found[1], inside, start, end, values) + text[after:]
    text = text.replace("$__fromTime", f"toDateTime({start}, 'UTC')").replace(
        "$__toTime", f"toDateTime({end}, 'UTC')"
    )
    return _VARIABLE.sub(lambda each: _formatted(each[2], values[each[1] or each[3]]), text)


def _macro(name: str, inside: str, start: int, end: int, values: Mapping[str, str]) -> str:
    if name == "timeFilter":
        return f"({inside} >= toDateTime({start}, 'UTC') AND {inside} <= toDateTime({end}, 'UTC'))"
    if name == "timeInterval":
        return f"toStartOfInterval(toDateTime({inside}), INTERVAL {STEP} second)"
    condition, _, variable = inside.rpartition(",")
    return "1=1" if values[variable.strip().lstrip("$")] == ".*" else condition


def _formatted(how: str | None, value: str) -> str:
    if how == "percentencode":
        return quote(value, safe="")
    return "'" + value.replace("'", "\\'") + "'" if how == "singlequote" else value


def _arguments(text: str, start: int) -> tuple[str, int]:
    """What stands between this place and the parenthesis that closes, and the place behind it."""
    depth, place = 1, start
    while depth:
        depth += {"(": 1, ")": -1}.get(text[place], 0)
        place += 1
    return text[start : place - 1], place
