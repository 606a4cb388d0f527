"""BACKUP and RESTORE of the database, and the check that a backup can be restored."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from loghouse.backup.place import Place
from loghouse.errors import StoreError, UsageError
from loghouse.store.client import Store

COUNTED = ("logs", "logs_local", "counts", "streams", "saved_queries")
_NOT_ALLOWED = 318  # INVALID_CONFIG_PARAMETER: the server was not told where backups may lie
_EXISTS = 598  # BACKUP_ALREADY_EXISTS
_NOT_FOUND = 599
_S3_ERROR = 499
# ClickHouse would try for more than an hour before it says that nobody answers; this is a minute.
_S3_RETRIES = {"backup_restore_s3_retry_attempts": 20, "s3_retry_attempts": 20}
# What the answers of an S3 store mean, by a part of them.
_S3_ANSWERS = (
    (
        r"bucket does not exist|NoSuchBucket",
        'there is no bucket for "{}"',
        "Make the bucket, or name another one",
    ),
    (
        r"AccessDenied|InvalidAccessKeyId|SignatureDoesNotMatch|Forbidden|[Aa]ccess [Kk]ey|code: 40[13]",
        'the S3 store refuses the credentials for "{}"',
        "Check the file of --s3-credentials, and that its key may list, read, write and delete there",
    ),
    (
        r"NETWORK_CONNECTION|Not found address|[Tt]imeout|Connection refused",
        'ClickHouse cannot reach the S3 store of "{}"',
        "Its server has to reach it, not this machine: check the address and the network",
    ),
)


@dataclass(frozen=True, slots=True)
class Written:
    """A finished backup: bytes that are new in it, and of the whole with the one it builds on."""

    files: int
    size: int
    total: int


def back_up(store: Store, place: Place, base: Place | None = None) -> Written:
    """Write the database to a place; with `base` only what is not in that backup. Raises `StoreError`."""
    sql = f"BACKUP DATABASE {_name(store.url.database)} TO {place.sql}"
    if base:
        sql += f" SETTINGS base_backup = {base.sql}"
    mark = _run(store, sql, place)
    (row,) = store.rows(
        "SELECT num_files, compressed_size, total_size FROM system.backups WHERE id = {id:String}",
        {"id": mark},
    )
    return Written(*row)


def restore(store: Store, place: Place) -> int:
    """Read the database back, which must hold no records; their number. Raises `UsageError`."""
    database = store.url.database
    with _outside(store) as outside:
        held = _counts(outside, database).get("logs", 0)
        if held:
            raise UsageError(
                f'the database "{database}" holds {held:,} records already',
                "Restore into another one with --as NAME, or drop it first",
            )
        _make_sure_of(outside, database, place)
        outside.rows(f"DROP DATABASE IF EXISTS {_name(database)} SYNC")
        _run(outside, f"RESTORE DATABASE {_name(database)} FROM {place.sql}", place)
        return _counts(outside, database).get("logs", 0)


def _make_sure_of(outside: Store, database: str, place: Place) -> None:
    """Read the tables of a backup, without their rows, before anything is dropped for it."""
    probe = f"{database}_restore_check"
    outside.rows(f"DROP DATABASE IF EXISTS {_name(probe)} SYNC")
    try:
        tables = f"RESTORE DATABASE {_name(database)} AS {_name(probe)} FROM {place.sql}"
        _run(outside, f"{tables} SETTINGS structure_only = true", place)
    finally:
        outside.rows(f"DROP DATABASE IF EXISTS {_name(probe)} SYNC")


def restore_as(store: Store, place: Place, database: str) -> int:
    """Read a backup into a database of another name, which must not exist; the number of records."""
    with _outside(store) as outside:
        known = outside.rows(
            "SELECT count() FROM system.databases WHERE name = {name:String}", {"name": database}
        )
        if known[0][0]:
            raise UsageError(f'there is a database "{database}" already', "Name another one with --as")
        _run(
            outside,
            f"RESTORE DATABASE {_name(store.url.database)} AS {_name(database)} FROM {place.sql}",
            place,
        )
        return _counts(outside, database).get("logs", 0)


def check(store: Store, place: Place, least: dict[str, int]) -> dict[str, int]:
    """Restore into a database beside the real one, count, and drop it again.

    `least` says how many rows each table had when the backup began. Raises `StoreError` if fewer came back.
    """
    database = f"{store.url.database}_restore_check"
    with _outside(store) as outside:
        outside.rows(f"DROP DATABASE IF EXISTS {_name(database)} SYNC")
    try:
        restore_as(store, place, database)
        with _outside(store) as outside:
            found = _counts(outside, database)
    finally:
        with _outside(store) as outside:
            outside.rows(f"DROP DATABASE IF EXISTS {_name(database)} SYNC")
    for table, rows in least.items():
        if found.get(table, 0) < rows:
            raise StoreError(
                f'the backup "{place}" gave back {found.get(table, 0):,} of {rows:,} rows of {table}',
                "Do not rely on it: make another one, and look at the server's log",
            )
    return found


def counts(store: Store) -> dict[str, int]:
    """Rows of each table that a backup holds, as they are now."""
    return _counts(store, store.url.database)


def _counts(store: Store, database: str) -> dict[str, int]:
    tables = store.rows(
        "SELECT name FROM system.tables WHERE database = {db:String} AND has({names:Array(String)}, name) "
        "AND engine LIKE '%MergeTree'",
        {"db": database, "names": list(COUNTED)},
    )
    # Rollups are merged in the background, so that their rows become fewer: their sums stay.
    sums = {"counts": "sum(records)", "streams": "sum(records)"}
    return {
        str(table).removesuffix("_local"): int(
            store.rows(f"SELECT {sums.get(table, 'count()')} FROM {_name(database)}.{_name(table)}")[0][0]
        )
        for (table,) in tables
    }


def _run(store: Store, sql: str, place: Place) -> str:
    try:
        return str(store.rows(sql, settings=_S3_RETRIES)[0][0])
    except StoreError as error:
        if error.code == _NOT_ALLOWED:
            raise StoreError(
                "the server was not told where backups may be",
                "Start loghouse up with --backup-dir, or configure backups.allowed_path of ClickHouse",
                error.code,
            ) from None
        if error.code == _EXISTS:
            raise UsageError(f'there is a backup "{place}" already', "Choose another name") from None
        if error.code == _NOT_FOUND:
            raise UsageError(
                f'there is no backup "{place}"', "Names are those that `loghouse backup` was given"
            ) from None
        if error.code == _S3_ERROR:
            raise _of_s3(error, place) from None
        raise


def _of_s3(error: StoreError, place: Place) -> StoreError:
    for answer, message, hint in _S3_ANSWERS:
        if re.search(answer, error.message):
            return StoreError(message.format(place), hint, error.code)
    return error


def _outside(store: Store) -> Store:
    """A connection that is not in the database, which may come and go."""
    return Store(replace(store.url, database="default"))


def _name(identifier: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", identifier):
        raise UsageError(f'"{identifier}" cannot be the name of a database', "Use letters, digits and _")
    return f"`{identifier}`"
