"""Limits of a query: a budget known before it runs, and what the server stops on the way."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from loghouse.errors import UsageError
from loghouse.logq.options import Limits, Reading

if TYPE_CHECKING:
    from loghouse.config import StoreUrl
    from loghouse.store.client import Store

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b?", re.IGNORECASE)


def limited_store(url: StoreUrl, limits: Limits) -> Store:
    """A connection whose queries keep within the limits; the error for one that does not names the flag."""
    from loghouse.store.client import Store

    return Store(url, settings=_settings(limits))


def keep_budget(store: Store, options: Reading, sql: str, params: Mapping[str, Any]) -> None:
    """Raise `UsageError` if the query would read more than `--budget`; it is not run for that."""
    if options.budget is None:
        return
    from loghouse.cost import estimate

    allowed = size_of("--budget", options.budget)
    cost = estimate(store, sql, params)
    if cost.size > allowed:
        raise UsageError(
            f"this query would read up to {written_size(cost.size)} ({cost.rows} records), "
            f"more than --budget {options.budget}",
            "Narrow it with --since, --namespace or an indexed word, or raise --budget",
        )


def size_of(flag: str, text: str) -> int:
    """`10GB`, `500MiB`, `1000`: bytes."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise UsageError(f'{flag} "{text}" is not a size', f"Write it like {flag} 10GB or {flag} 500MiB")
    number, prefix, binary = match.groups()
    power = " kmgt".index(prefix.lower() or " ")
    return int(float(number) * (1024 if binary else 1000) ** power)


def written_size(size: int) -> str:
    """Bytes for people: `1.5 GB`."""
    amount, unit = float(size), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if amount < 1000:
            break
        amount, unit = amount / 1000, larger
    return f"{amount:.1f} {unit}" if unit != "B" else f"{size} B"


def _settings(limits: Limits) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    if limits.max_time is not None:
        from loghouse.query import parse_duration

        settings["max_execution_time"] = max(parse_duration(limits.max_time) / 1e9, 0.001)
    if limits.max_memory is not None:
        settings["max_memory_usage"] = _positive("--max-memory", size_of("--max-memory", limits.max_memory))
    if limits.max_rows is not None:
        settings["max_rows_to_read"] = _positive("--max-rows", limits.max_rows)
    return settings


def _positive(flag: str, number: int) -> int:
    """ClickHouse takes 0 for no limit, which is the opposite of what was asked for."""
    if number <= 0:
        raise UsageError(f"{flag} has to be more than 0", "Leave it out for no limit")
    return number
