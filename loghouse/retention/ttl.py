"""Rules as the TTL of a table: ClickHouse then forgets by itself, while it merges."""

from __future__ import annotations

from loghouse.retention.rules import Keep, Rules

# A DateTime ends in 2106 and would begin anew behind it: a record of the year 2200 would be old.
_TIMES = {
    "logs": "toDateTime(least(timestamp, toDateTime64('2100-01-01 00:00:00', 9, 'UTC')))",
    "counts": "time",
}


def ttl_of(table: str, rules: Rules) -> str:
    """The TTL clause of `logs` or `counts`; tiers are of the records only."""
    time = _TIMES[table]
    parts = [_delete(time, keep, rules.keep[:number]) for number, keep in enumerate(rules.keep)]
    if table == "logs":
        parts += [f"{time} + toIntervalSecond({age}) TO VOLUME '{name}'" for name, age in rules.tiers.moves]
        if rules.tiers.recompress:
            parts.append(f"{time} + toIntervalSecond({rules.tiers.recompress}) RECOMPRESS CODEC(ZSTD(9))")
    return ", ".join(parts)


def rule_of(rules: Rules) -> str:
    """SQL that gives the number of the rule that fits a row, from 1; 0 if none does."""
    branches = [f"{keep.condition or 'true'}, {number}" for number, keep in enumerate(rules.keep, 1)]
    return f"multiIf({', '.join(branches)}, 0)"


def _delete(time: str, keep: Keep, before: tuple[Keep, ...]) -> str:
    conditions = [f"NOT ({other.condition})" for other in before]
    if keep.condition:
        conditions.append(f"({keep.condition})")
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return f"{time} + toIntervalSecond({keep.seconds}) DELETE{where}"
