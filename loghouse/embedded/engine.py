"""ClickHouse in this process: starting it, its errors, what runs in it and how to stop that.

The only module that knows chdb. It is imported inside functions, because it takes half a second and comes
with the extra `logq[embedded]`.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from loghouse.embedded.datadir import DataDir
from loghouse.errors import LoghouseError, StoreError
from loghouse.memory import let_engine_keep_pages

QUERY_WAS_CANCELLED = 394
UNKNOWN_EXCEPTION = 1002
INSTALL = 'pip install "logq[embedded]"'

# What a laptop can spare, and inserts that are on the disk when they are acknowledged. What a search unpacked
# is kept: `raw` comes in blocks of 4 MB, and the next search mostly looks at the same newest ones. Merges
# give way to inserts and searches, which the engine only does with CAP_SYS_NICE.
SERVER_CONFIG = """<clickhouse>
  <max_server_memory_usage_to_ram_ratio>{memory_ratio}</max_server_memory_usage_to_ram_ratio>
  <cache_size_to_ram_max_ratio>{cache_ratio}</cache_size_to_ram_max_ratio>
  <mark_cache_size>268435456</mark_cache_size>
  <uncompressed_cache_size>536870912</uncompressed_cache_size>
  <index_uncompressed_cache_size>67108864</index_uncompressed_cache_size>
  <os_threads_nice_value_merge_mutate>19</os_threads_nice_value_merge_mutate>
  <merge_tree>
    <fsync_after_insert>1</fsync_after_insert>
    <fsync_part_directory>1</fsync_part_directory>
  </merge_tree>
  {backups}
</clickhouse>
"""
MEMORY_RATIO = 0.5
CACHE_SHARE = 8  # of that memory a cache takes at most one part in so many, whatever its size


class EngineError(StoreError):
    """The engine refused a statement or broke it off; `message` is its own text."""


@dataclass(frozen=True, slots=True)
class Running:
    """How far a running query has come."""

    read_rows: int
    read_bytes: int
    total_rows: int
    written_rows: int
    written_bytes: int


class Engine:
    """The one engine of this process, on a data directory or, without one, in memory.

    `connect` gives connections that may run at the same time, each used by one thread.
    """

    def __init__(
        self,
        data_dir: Path | None = None,
        memory_ratio: float = MEMORY_RATIO,
        backup_dir: Path | None = None,
    ) -> None:
        """`backup_dir` is where BACKUP may write; without it the engine refuses that."""
        self._directory = DataDir(data_dir) if data_dir is not None else None
        try:
            self._open(data_dir, _server_config(memory_ratio, backup_dir))
        except BaseException:
            if self._directory is not None:
                self._directory.release()
            raise

    def connect(self) -> Any:
        """A new connection of chdb: its settings, database and temporary tables are its own."""
        with translated():
            return _chdb().Connection(self._target)

    def progress(self) -> dict[str, Running]:
        """The running queries by their mark, see `Session`."""
        lines = self._control(
            "SELECT splitByChar(' ', Settings['log_comment'])[-1], toString(read_rows), "
            "toString(read_bytes), toString(total_rows_approx), toString(written_rows), "
            "toString(written_bytes) FROM system.processes"
        )
        return {mark: Running(*map(int, figures)) for mark, *figures in lines}

    def create_database(self, name: bytes) -> None:
        """Make a database unless it is there; the name is quoted already."""
        with self._lock, translated():
            self._connection.query(b"CREATE DATABASE IF NOT EXISTS " + name)

    def damaged_parts(self) -> list[str]:
        """Parts of tables that the engine could not read and put aside, as `database.table: part`."""
        lines = self._control(
            "SELECT database || '.' || table || ': ' || name FROM system.detached_parts "
            "WHERE startsWith(reason, 'broken') ORDER BY ALL"
        )
        return [line[0] for line in lines]

    def kill(self, mark: str) -> None:
        """Ask the queries of a session to end; returns at once."""
        self._control(f"KILL QUERY WHERE endsWith(Settings['log_comment'], '{mark}') ASYNC FORMAT Null")

    def kill_all(self) -> None:
        """Ask every query to end; returns at once."""
        self._control("KILL QUERY WHERE Settings['log_comment'] != '' ASYNC FORMAT Null")

    def stop_merges(self) -> None:
        """Begin no merge and break off those that run, of the tables there are."""
        self._control("SYSTEM STOP MERGES")

    def start_merges(self) -> None:
        """Merge again."""
        self._control("SYSTEM START MERGES")

    def close(self) -> None:
        """Stop the engine; every connection must be closed before."""
        with self._lock:
            self._connection.close()
        if self._directory is not None:
            self._directory.release()

    def _open(self, data_dir: Path | None, server_config: str) -> None:
        chdb = _chdb()
        self._lock = threading.Lock()
        config = _write_config(server_config)
        place = ":memory:" if data_dir is None else str(data_dir.absolute())
        # Every connection has to name the file again, but only the first one reads it.
        self._target = f"{place}?log-level=none&config-file={config}"
        try:
            with _caught_stderr() as said, _nothing_around(data_dir):
                try:
                    self._connection = chdb.Connection(self._target)
                except RuntimeError as error:
                    raise _cannot_start(data_dir, f"{said()}\n{error}") from None
        finally:
            os.unlink(config)
        self.version: str = self._control("SELECT version()")[0][0]
        self.timezone: str = self._control("SELECT timezone()")[0][0]
        settings = self._control("SELECT name, type, value, toString(changed) FROM system.settings")
        functions = self._control("SELECT name FROM system.table_functions")
        self.table_functions = frozenset(name for (name,) in functions)
        self.setting_types: dict[str, str] = {name: kind for name, kind, *_ in settings}
        self.setting_defaults: dict[str, str] = {name: value for name, _, value, _ in settings}
        self.settings_changed: dict[str, str] = {
            name: value for name, _, value, changed in settings if changed == "1"
        }

    def _control(self, sql: str) -> list[list[str]]:
        with self._lock, translated():
            answer = self._connection.query(sql, "JSONCompactEachRow")
        return [json.loads(line) for line in bytes(answer.bytes()).splitlines()]


@contextmanager
def translated() -> Iterator[None]:
    """Turns chdb's exceptions into `EngineError`."""
    try:
        yield
    except RuntimeError as error:
        raise engine_error(str(error)) from None
    except Exception as error:
        if type(error).__name__ != "ChdbError":
            raise
        raise engine_error(str(error)) from None


def engine_error(text: str) -> EngineError:
    """The error with its number, out of `... Code: 60. DB::Exception: ...`."""
    found = re.search(r"Code: (\d+)\. (.*)", text, re.DOTALL)
    if found is None:
        return EngineError(f"DB::Exception: {text}", code=UNKNOWN_EXCEPTION)
    return EngineError(found[2].split("\nStack trace:")[0].strip(), code=int(found[1]))


def _chdb() -> Any:
    let_engine_keep_pages()
    try:
        from chdb.state import sqlitelike
    except ImportError as error:
        raise LoghouseError(
            f"the embedded store is not installed ({error})",
            f"Install it with: {INSTALL}\n  or connect to a ClickHouse server with --url",
        ) from None
    return sqlitelike


@contextmanager
def _nothing_around(data_dir: Path | None) -> Iterator[None]:
    """An empty working directory: the engine takes the files it starts among as tables of `default`."""
    if data_dir is None:
        yield
        return
    empty = data_dir / "loghouse.empty"
    try:
        empty.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise _cannot_start(data_dir, f"{error.strerror}: {empty}") from None
    with contextlib.chdir(empty):
        yield


def _server_config(memory_ratio: float, backup_dir: Path | None) -> str:
    backups = ""
    if backup_dir is not None:
        allowed = escape(str(backup_dir.absolute()))
        backups = f"<backups><allowed_path>{allowed}/</allowed_path></backups>"
    return SERVER_CONFIG.format(
        memory_ratio=memory_ratio, cache_ratio=memory_ratio / CACHE_SHARE, backups=backups
    )


def _write_config(text: str) -> str:
    try:
        handle, path = tempfile.mkstemp(prefix="loghouse-", suffix=".xml")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise LoghouseError(
            f"cannot write a temporary file ({error.strerror})",
            "Free some space, or name another directory for it in the variable TMPDIR",
        ) from None
    return path


@contextmanager
def _caught_stderr() -> Iterator[Any]:
    """The engine tells why it cannot start on its standard error only; this is what it said there."""
    with tempfile.TemporaryFile() as sink:
        before = os.dup(2)
        os.dup2(sink.fileno(), 2)

        def said() -> str:
            sink.seek(0)
            return sink.read().decode("utf-8", "replace")

        try:
            yield said
        finally:
            os.dup2(before, 2)
            os.close(before)


def _cannot_start(data_dir: Path | None, said: str) -> EngineError:
    error = engine_error(said)
    reason = error.message.split("\nTraceback")[0].split("\nFailed to create connection")[0].strip()
    reason = reason.removeprefix("DB::Exception: ").splitlines()[0][:500]
    where = f'on the data directory "{data_dir}"' if data_dir is not None else "in memory"
    if "No space left" in said:
        hint = "Free some space on its disk, or name another directory with --data-dir"
    elif "Permission denied" in said or "Read-only file system" in said:
        hint = "Name a directory that you may write to with --data-dir"
    else:
        hint = "The directory may be damaged: put back a copy of it, or name an empty one with --data-dir"
    return EngineError(f"cannot start the embedded store {where} ({reason})", hint, error.code)
