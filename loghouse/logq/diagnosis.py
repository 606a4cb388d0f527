"""How a store is, as a reader finds it: each check by itself, so that one that fails hides no other."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

from loghouse.config import StoreUrl
from loghouse.errors import StoreError, StoreUnreachable
from loghouse.logq.limits import written_size
from loghouse.render.duration import written_duration
from loghouse.store.client import Store

OLDEST = (24, 8)  # the oldest ClickHouse that is supported
SLOW_SECONDS = 0.2  # of a round trip
SKEW_SECONDS = 5
QUIET_MINUTES = 10  # without a new record
FREE_SHARE = 0.1  # of the disk
MANY_PARTS = 300  # of one partition: merges do not keep up


class Verdict(Enum):
    """What a finding means."""

    GOOD = "good"
    NOTE = "note"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; `advice` says what to do."""

    subject: str
    verdict: Verdict
    found: str
    advice: str = ""


def findings(url: StoreUrl) -> Iterator[Finding]:
    """What there is to say about a store, in the order in which one thing needs another."""
    with Store(url) as store:
        try:
            yield _connection(store)
        except StoreError as error:
            yield Finding("connection", Verdict.BAD, error.message, error.hint)
            return
        for check in _CHECKS:
            try:
                yield from check(store)
            except StoreUnreachable as error:
                yield Finding("connection", Verdict.BAD, error.message, error.hint)
                return
            except StoreError as error:
                subject = check.__name__.strip("_")
                yield Finding(subject, Verdict.NOTE, f"could not be looked at: {error.message}")


def _connection(store: Store) -> Finding:
    store.rows("SELECT 1")
    began = time.monotonic()
    user = store.rows("SELECT currentUser()")[0][0]
    seconds = time.monotonic() - began
    found = f"{store.url.address} as {user}, {seconds * 1000:.1f} ms a round trip"
    if seconds > SLOW_SECONDS:
        return Finding("connection", Verdict.NOTE, found, "Every search takes at least that long")
    return Finding("connection", Verdict.GOOD, found)


def _version(store: Store) -> Iterator[Finding]:
    version = str(store.rows("SELECT version()")[0][0])
    known = tuple(int(part) for part in version.split(".")[:2])
    if known < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        yield Finding("version", Verdict.BAD, f"ClickHouse {version}", f"{oldest} or newer is needed")
    else:
        yield Finding("version", Verdict.GOOD, f"ClickHouse {version}")


def _tables(store: Store) -> Iterator[Finding]:
    from loghouse.store.migrate import pending

    missing = [f"{each.version:04d} {each.name}" for each in pending(store)]
    if missing:
        yield Finding(
            "tables", Verdict.BAD, f"migrations not applied: {', '.join(missing)}", "Run: loghouse migrate"
        )
        return
    version, changed = store.rows(
        "SELECT max(version), argMax(toString(applied_at), version) FROM migrations"
    )[0]
    yield Finding("tables", Verdict.GOOD, f"all {version} migrations are applied, the last on {changed} UTC")


def _clock(store: Store) -> Iterator[Finding]:
    before = time.time()
    theirs = int(store.rows("SELECT toUnixTimestamp64Milli(now64(3))")[0][0]) / 1000
    skew = theirs - (before + time.time()) / 2
    if abs(skew) > SKEW_SECONDS:
        yield Finding(
            "clock",
            Verdict.BAD,
            f"that of the store is {abs(skew):.1f} s {'ahead' if skew > 0 else 'behind'}",
            "Keep both machines on time (NTP), or --since means something else than you think",
        )
    else:
        yield Finding("clock", Verdict.GOOD, f"{abs(skew) * 1000:.0f} ms apart")


def _disk(store: Store) -> Iterator[Finding]:
    rows, size, parts = store.rows(
        "SELECT sum(rows), sum(bytes_on_disk), count() FROM system.parts "
        "WHERE active AND database = currentDatabase() AND table LIKE 'logs%'"
    )[0]
    yield Finding("records", Verdict.GOOD, f"{rows:,} in {written_size(int(size))}, {parts} parts")
    (most,) = store.rows(
        "SELECT max(amount) FROM (SELECT count() AS amount FROM system.parts "
        "WHERE active AND database = currentDatabase() AND table LIKE 'logs%' GROUP BY partition)"
    )[0]
    if most > MANY_PARTS:
        yield Finding(
            "parts", Verdict.BAD, f"{most} in one day", "Merges do not keep up: larger batches, a faster disk"
        )
    for name, free, total in store.rows("SELECT name, free_space, total_space FROM system.disks"):
        found = f"{name}: {written_size(int(free))} of {written_size(int(total))} are free"
        low = total and free / total < FREE_SHARE
        yield Finding(
            "disk",
            Verdict.BAD if low else Verdict.GOOD,
            found,
            "Keep fewer days, or see: logq du --by pattern" if low else "",
        )


def _ingest(store: Store) -> Iterator[Finding]:
    stored, lag, late = store.rows(
        "SELECT toUnixTimestamp64Milli(max(inserted_at)), "
        "quantile(0.5)(dateDiff('millisecond', timestamp, inserted_at)), "
        "quantile(0.99)(dateDiff('millisecond', timestamp, inserted_at)) "
        "FROM logs WHERE inserted_at > now64(3) - INTERVAL 1 HOUR"
    )[0]
    if not stored:
        yield Finding(
            "ingest",
            Verdict.NOTE,
            "no record was stored in the last hour",
            "Look at the shipper: loghouse status",
        )
        return
    age = time.time() - int(stored) / 1000
    found = (
        f"the last record {written_duration(age)} ago, {written_duration(lag / 1000)} after it was written "
        f"(of the slowest 1 %: {written_duration(late / 1000)})"
    )
    quiet = age > QUIET_MINUTES * 60
    yield Finding(
        "ingest",
        Verdict.NOTE if quiet else Verdict.GOOD,
        found,
        "Look at the shipper: loghouse status" if quiet else "",
    )


def _rights(store: Store) -> Iterator[Finding]:
    store.rows("SELECT 1 FROM logs LIMIT 1")
    readonly = str(store.rows("SELECT toString(getSetting('readonly'))")[0][0])
    if readonly == "1":
        yield Finding(
            "rights",
            Verdict.BAD,
            "the user has readonly = 1, which forbids the settings of a query",
            "Give it readonly = 2, or no readonly and only the right to SELECT",
        )
    elif readonly == "2":
        yield Finding("rights", Verdict.GOOD, "reads; saves no queries (readonly = 2)")
    else:
        yield Finding("rights", Verdict.GOOD, "reads, and writes as its grants say")


def _limits(store: Store) -> Iterator[Finding]:
    rows = store.rows(
        "SELECT name, value FROM system.settings WHERE changed AND name IN "
        "('max_execution_time', 'max_memory_usage', 'max_rows_to_read', 'max_bytes_to_read', "
        "'max_result_rows', 'max_threads')"
    )
    if rows:
        yield Finding("limits", Verdict.NOTE, ", ".join(f"{name} = {value}" for name, value in rows))


_CHECKS: tuple[Callable[[Store], Iterator[Finding]], ...] = (
    _version,
    _tables,
    _clock,
    _rights,
    _disk,
    _ingest,
    _limits,
)
