"""Rules and a store: what is set, what a file would free, and setting it."""

from __future__ import annotations

from dataclasses import dataclass

from loghouse.errors import StoreError
from loghouse.retention.rules import Rules, quoted
from loghouse.retention.ttl import rule_of, ttl_of
from loghouse.store.client import Store
from loghouse.store.migrate import render

TABLES = ("logs", "counts")
_BAD_TTL = 450  # BAD_TTL_EXPRESSION, which a volume that is not there is too


@dataclass(frozen=True, slots=True)
class Freed:
    """What a rule fits: its records, those that are too old for it, and their share of the disk in bytes."""

    rule: str
    oldest: str
    records: int
    expired: int
    disk: int


def applied(store: Store) -> str:
    """The text of the rules that the store follows; '' if there are none."""
    found = store.rows(
        "SELECT comment FROM system.tables WHERE database = {db:String} AND name IN ('logs', 'logs_local')",
        {"db": store.url.database},
    )
    return next((str(comment) for (comment,) in found if comment), "")


def apply(store: Store, rules: Rules | None, cluster: str = "") -> None:
    """Make the rules the TTL of the tables, and their text the comment of `logs`; None removes them.

    What is too old already goes in the background too, by a mutation.
    """
    if rules is None and not applied(store):
        return
    for table in TABLES:
        place = render(f"{{local:{table}}} {{on_cluster}}", cluster)
        change = "REMOVE TTL" if rules is None else f"MODIFY TTL {ttl_of(table, rules)}"
        try:
            store.rows(f"ALTER TABLE {place} {change} SETTINGS mutations_sync = 0")
        except StoreError as error:
            if error.code == _BAD_TTL and "No such volume" in error.message:
                names = ", ".join(f'"{name}"' for name, _ in rules.tiers.moves) if rules else ""
                raise StoreError(
                    f"the store has no volume {names}",
                    "Its storage policy has to name it, see docs/retention.md",
                    error.code,
                ) from None
            raise
    logs = render("{local:logs} {on_cluster}", cluster)
    store.rows(f"ALTER TABLE {logs} MODIFY COMMENT {quoted(rules.text if rules else '')}")


def forecast(store: Store, rules: Rules) -> list[Freed]:
    """What each rule fits, counted in the rollup, so that it takes no longer with more records."""
    ages = "".join(f"rule = {number}, {keep.seconds}, " for number, keep in enumerate(rules.keep, 1))
    rows = store.rows(
        f"SELECT rule, toString(min(time)), sum(records), sumIf(records, time < now() - age), "
        f"sumIf(bytes, time < now() - age) FROM (SELECT time, records, bytes, {rule_of(rules)} AS rule, "
        f"multiIf({ages}toUInt64(4000000000)) AS age FROM counts) GROUP BY rule ORDER BY rule"
    )
    (share,) = store.rows(
        "SELECT sum(bytes_on_disk) / greatest(1, (SELECT sum(bytes) FROM counts)) FROM system.parts "
        "WHERE database = {db:String} AND table IN ('logs', 'logs_local') AND active",
        {"db": store.url.database},
    )
    return [
        Freed(_named(rules, rule), oldest, records, expired, int(expired_bytes * (share[0] or 0)))
        for rule, oldest, records, expired, expired_bytes in rows
    ]


def _named(rules: Rules, number: int) -> str:
    if not number:
        return "no rule (kept for ever)"
    keep = rules.keep[number - 1]
    return f"{keep.where or 'all others'}, {keep.seconds // 86_400} d"
