"""Numbered migrations: the only place where tables are made, on a server, a cluster or embedded."""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from importlib.resources import files

from loghouse.errors import StoreError
from loghouse.formats.fields import indexed_sql, message_sql, noted_keys_sql, text_fields_sql, words_sql
from loghouse.formats.labels import MAP as LABELS
from loghouse.formats.labels import labels_as_json_sql
from loghouse.formats.view import levels_enum, view_sql
from loghouse.store.client import Store

DEDUPLICATION_WINDOW = 10_000  # inserts whose repetition is recognised; at two a second more than an hour

LOOK_AGAIN, SAY_AGAIN = 0.2, 10.0  # seconds, while columns are filled
PATIENCE = 60.0  # seconds without a part done, after a failure

_RECORDED = """CREATE TABLE IF NOT EXISTS {local:migrations} {on_cluster}
(
    version UInt32,
    name String,
    checksum String,
    applied_at DateTime DEFAULT now()
)
ENGINE = {MergeTree:migrations}
ORDER BY version"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered file of DDL; `statements` are rendered for a server or for a cluster."""

    version: int
    name: str
    statements: tuple[str, ...]

    @property
    def checksum(self) -> str:
        return sha256("\n".join(self.statements).encode()).hexdigest()[:16]

    @property
    def drops(self) -> bool:
        """Whether it takes away a column, from which others may still be filled."""
        return any(" DROP COLUMN " in statement for statement in self.statements)


def migrations(cluster: str = "") -> list[Migration]:
    """All migrations in order, rendered for the named cluster, or for one server."""
    sources = sorted(
        (
            source
            for source in files("loghouse.store").joinpath("migrations").iterdir()
            if source.name.endswith(".sql")
        ),
        key=lambda source: source.name,
    )
    return [
        Migration(
            int(source.name[:4]), source.name[5:-4], tuple(_statements(source.read_text("utf-8"), cluster))
        )
        for source in sources
    ]


def migrate(store: Store, cluster: str = "", say: Callable[[str], None] | None = None) -> list[Migration]:
    """Create the database if it is missing, apply what is pending and return it.

    A column is dropped when no other is filled from it any more. That may take minutes, so `say` is told.
    """
    _create_database(store, cluster)
    store.rows(render(_RECORDED, cluster))
    applied = _applied(store, cluster)
    pending = [migration for migration in migrations(cluster) if migration.version not in applied]
    for migration in pending:
        if migration.drops:
            _until_filled(store, cluster, say or (lambda _: None))
        for statement in migration.statements:
            store.rows(statement)
        store.insert(
            render("{local:migrations}", cluster),
            ("version", "name", "checksum"),
            ([migration.version], [migration.name.encode()], [migration.checksum.encode()]),
            {"async_insert": 0},
        )
    return pending


def _until_filled(store: Store, cluster: str, say: Callable[[str], None]) -> None:
    """Wait for the columns that are filled in the background. Raises `StoreError` if that fails for good."""
    mutations = f"clusterAllReplicas({_name(cluster)}, system.mutations)" if cluster else "system.mutations"
    said, moved, left = -SAY_AGAIN, time.monotonic(), -1
    while True:
        ((running, parts, failure),) = store.rows(
            f"SELECT count(), sum(parts_to_do), max(latest_fail_reason) FROM {mutations} "
            "WHERE database = {db:String} AND NOT is_done AND position(command, 'MATERIALIZE COLUMN') > 0",
            {"db": store.url.database},
        )
        if not running:
            return
        now = time.monotonic()
        if parts != left:
            moved, left = now, parts
        # A failure may be a passing one, and a large part takes its time.
        if failure and now - moved > PATIENCE:
            raise StoreError(
                f"a new column cannot be filled: {failure}", "Mend that, then run: loghouse migrate"
            )
        if now - said >= SAY_AGAIN:
            say(f"what is stored is brought up to date: {parts} parts of tables to go")
            said = now
        time.sleep(LOOK_AGAIN)


def pending(store: Store, cluster: str = "") -> list[Migration]:
    """What `migrate` would apply; changes nothing."""
    applied = _applied(store, cluster) if _has_database(store) else set()
    return [migration for migration in migrations(cluster) if migration.version not in applied]


def _applied(store: Store, cluster: str) -> set[int]:
    table = render("{local:migrations}", cluster)
    known = store.rows(
        "SELECT count() FROM system.tables WHERE database = {db:String} AND name = {table:String}",
        {"db": store.url.database, "table": table},
    )
    if not known[0][0]:
        return set()
    return {version for (version,) in store.rows(f"SELECT version FROM {table}")}


def _has_database(store: Store) -> bool:
    return _in_default(store, "SELECT count() FROM system.databases WHERE name = {db:String}")[0][0] > 0


def _create_database(store: Store, cluster: str) -> None:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", store.url.database):
        raise StoreError(
            f'"{store.url.database}" cannot be the name of a database', "Use letters, digits and _"
        )
    on_cluster = f" ON CLUSTER {_name(cluster)}" if cluster else ""
    _in_default(store, f"CREATE DATABASE IF NOT EXISTS {_name(store.url.database)}{on_cluster}")


def _in_default(store: Store, sql: str) -> list[tuple[int]]:
    """Run a statement without being in the database of the URL, which may not exist yet."""
    with Store(replace(store.url, database="default")) as outside:
        return outside.rows(sql, {"db": store.url.database} if "{db:" in sql else None)


def _statements(text: str, cluster: str) -> Iterator[str]:
    for part in text.split(";\n"):
        statement = render(re.sub(r"^--.*\n", "", part, flags=re.MULTILINE).strip(), cluster)
        if statement:
            yield statement


def render(text: str, cluster: str) -> str:
    """Fill the marks of a migration: the same file gives plain or replicated and distributed tables."""
    made: dict[str, Callable[[], str]] = {
        "levels": levels_enum,
        "message": message_sql,
        "text_fields": text_fields_sql,
        "noted_keys": noted_keys_sql,
        "indexed": indexed_sql,
        "words": words_sql,
        "labels_as_json": labels_as_json_sql,
        "labels_of_json": lambda: LABELS,
        "parse": lambda: view_sql().replace("{ingest}", "ingest"),
        "on_cluster": lambda: f"ON CLUSTER {_name(cluster)}" if cluster else "",
        "dedup_window": lambda: _deduplication(cluster),
    }

    def fill(mark: re.Match[str]) -> str:
        word, _, name = mark[1].partition(":")
        if word in made and not name:
            return made[word]()
        if word == "local":
            return f"{name}_local" if cluster else name
        if word == "distributed":
            return _distributed(name, cluster) if cluster else ""
        if word.endswith("MergeTree"):
            return _engine(word, name, cluster)
        raise AssertionError(f"unknown mark {mark[0]} in a migration")

    return re.sub(r"\{([A-Za-z_]+(?::[a-z]+)?)\}", fill, text)


def _engine(kind: str, table: str, cluster: str) -> str:
    if not cluster:
        return kind
    return f"Replicated{kind}('/clickhouse/tables/{{shard}}/{{database}}/{table}', '{{replica}}')"


def _deduplication(cluster: str) -> str:
    window = "replicated_deduplication_window" if cluster else "non_replicated_deduplication_window"
    return f"{window} = {DEDUPLICATION_WINDOW}"


def _distributed(table: str, cluster: str) -> str:
    return (
        f"CREATE TABLE IF NOT EXISTS {table} ON CLUSTER {_name(cluster)} AS {table}_local "
        f"ENGINE = Distributed({_name(cluster)}, currentDatabase(), {table}_local, cityHash64(rand()))"
    )


def _name(identifier: str) -> str:
    return "`" + identifier.replace("\\", "\\\\").replace("`", "\\`") + "`"
