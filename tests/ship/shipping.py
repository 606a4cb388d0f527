"""A recording store, a container runtime that writes files, and what was stored taken apart again."""

import gzip
import json
import math
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from loghouse.config import StoreUrl
from loghouse.errors import StoreUnreachable
from loghouse.ship.command import ship
from loghouse.ship.shipper import Summary
from loghouse.spool.rows import COLUMNS

UID = "0a1b2c3d-0000-4000-8000-123456789abc"
Record = tuple[str, bytes]  # stream, text


class RecordingStore:
    """Keeps what is inserted, once for each token, as the store does; fails when told to.

    `faults` are taken one an insert: None is success, "refuse" fails before anything is stored, "lose" stores
    but loses the answer, an exception is raised.
    """

    def __init__(self, faults: Sequence[str | Exception | None] = ()) -> None:
        self.inserted: list[dict[str, Any]] = []
        self.faults = list(faults)
        self.inserts = 0
        self.after_insert: Callable[[], None] = lambda: None
        self._blocks: dict[str, list[list[Any]]] = {}
        self._lock = threading.Lock()

    def insert_blocks(
        self,
        table: str,
        columns: Sequence[str],
        blocks: Iterable[Sequence[Sequence[Any]]],
        settings: Mapping[str, Any],
    ) -> None:
        data = [[value for column in parts for value in column] for parts in zip(*blocks, strict=True)]
        with self._lock:
            self._store(table, columns, data, settings)

    def _store(
        self, table: str, columns: Sequence[str], data: list[list[Any]], settings: Mapping[str, Any]
    ) -> None:
        assert table == "ingest"
        assert tuple(columns) == COLUMNS
        self.inserts += 1
        fault = self.faults.pop(0) if self.faults else None
        if isinstance(fault, Exception):
            raise fault
        if fault == "refuse":
            raise StoreUnreachable("cannot reach ClickHouse (test)")
        token = settings["insert_deduplication_token"]
        block = [list(column) for column in data]
        if token in self._blocks:
            assert self._blocks[token] == block, "other bytes under the same token"
        else:
            self._blocks[token] = block
            self.inserted.extend(dict(zip(columns, row, strict=True)) for row in zip(*block, strict=True))
        self.after_insert()
        if fault == "lose":
            raise StoreUnreachable("the answer was lost (test)")

    def rows(self, sql: str, params: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Nothing, as for an account that may only insert: then the token decides."""
        return []

    def uptime(self) -> float:
        return math.inf

    def cancel(self) -> None:
        pass

    def close(self) -> None:
        pass

    def records(self, **where: object) -> list[Record]:
        """Every record stored, in order of insertion."""
        return [record for row in self.inserted if _matches(row, where) for record in records_of(row)]

    def lines(self) -> list[Record]:
        """The same, with the lines of each event one by one."""
        return [(stream, line) for stream, text in self.records() for line in text.split(b"\n")]

    def coverage(self) -> Counter[tuple[int, int]]:
        """How often each line, by source and offset, was stored; a joined record counts at its first part."""
        seen: Counter[tuple[int, int]] = Counter()
        for row in self.inserted:
            offset = row["offset"]
            if row["span"]:
                seen[row["source_id"], offset] += 1
                continue
            for line in _lines(row["data"]):
                seen[row["source_id"], offset] += 1
                offset += len(line)
        return seen


def _matches(row: Mapping[str, Any], where: Mapping[str, object]) -> bool:
    return all(row[column] == value for column, value in where.items())


def _lines(data: bytes) -> list[bytes]:
    lines = [line + b"\n" for line in data.split(b"\n")]
    assert lines.pop() == b"\n", "data does not end with a line end"
    return lines


def records_of(row: Mapping[str, Any]) -> list[Record]:
    lines = [row["data"]] if row["span"] else _lines(row["data"])
    return [_record(row["wrapper"], line.removesuffix(b"\n")) for line in lines]


def _record(wrapper: bytes, line: bytes) -> Record:
    if wrapper == b"cri":
        fields = line.split(b" ", 3)
        if len(fields) == 4 and fields[2].split(b":")[0] in (b"F", b"P"):
            return fields[1].decode(), fields[3]
        return "torn", line
    if wrapper == b"docker":
        value = json.loads(line)
        return value["stream"], value["log"].removesuffix("\n").encode()
    return "", line


class Runtime:
    """Writes a container's log as containerd or Docker does, and rotates it as the kubelet does."""

    def __init__(
        self, root: Path, pod: str = "shop-0", container: str = "app", docker: bool = False, uid: str = UID
    ) -> None:
        self.directory = root / f"prod_{pod}_{uid}" / container
        self.directory.mkdir(parents=True, exist_ok=True)
        self.docker = docker
        self.written: list[Record] = []
        self.restarts = 0
        self._clock = 0
        self._rotations = 0
        self._open: dict[str, bytes] = {}

    @property
    def path(self) -> Path:
        return self.directory / f"{self.restarts}.log"

    def write(self, text: bytes, stream: str = "stdout", part: int = 0) -> None:
        """A record; with `part`, in parts of that many bytes."""
        while part and len(text) > part:
            self.write_part(text[:part], stream)
            text = text[part:]
        self.end_record(text, stream)

    def write_part(self, text: bytes, stream: str = "stdout") -> None:
        self._open[stream] = self._open.get(stream, b"") + text
        self.append(self.line(text, stream, final=False))

    def end_record(self, text: bytes, stream: str = "stdout") -> None:
        self.written.append((stream, self._open.pop(stream, b"") + text))
        self.append(self.line(text, stream, final=True))

    def line(self, text: bytes, stream: str = "stdout", final: bool = True) -> bytes:
        self._clock += 1
        minute, millisecond = divmod(self._clock, 60_000)
        stamp = f"2026-11-20T08:{minute:02}:{millisecond // 1000:02}.{millisecond % 1000:03}"
        if self.docker:
            log = text.decode() + ("\n" if final else "")
            value = {"log": log, "stream": stream, "time": f"{stamp}Z"}
            return json.dumps(value, separators=(",", ":")).encode() + b"\n"
        return f"{stamp}000001Z {stream} {'F' if final else 'P'} ".encode() + text + b"\n"

    def append(self, data: bytes) -> None:
        with open(self.path, "ab") as file:
            file.write(data)

    def rotate(
        self, compress: bool = False, lines_after: int = 0, between: Callable[[], None] = lambda: None
    ) -> None:
        """Compress what was rotated before, if asked, then rename the file being written and begin a new one.

        The runtime may write more to the renamed file, and is seen doing so, before the new one has a line.
        """
        if not self.path.exists():
            return
        if compress:
            self.compress()
        self._rotations += 1
        renamed = Path(f"{self.path}.20261120-{self._rotations:06}")
        os.rename(self.path, renamed)
        between()
        self.path.touch()
        between()
        with open(renamed, "ab") as file:
            for number in range(lines_after):
                text = f"late {self._rotations} {number}".encode()
                self.written.append(("stdout", self._open.pop("stdout", b"") + text))
                file.write(self.line(text))

    def compress(self) -> None:
        for rotated in self.directory.glob("*.log.2*"):
            if not rotated.name.endswith((".gz", ".tmp")):
                temporary = f"{rotated}.tmp"
                with gzip.open(temporary, "wb", 1) as file:
                    file.write(rotated.read_bytes())
                os.rename(temporary, f"{rotated}.gz")
                rotated.unlink()

    def restart(self) -> None:
        """The container ends and starts again; a record that has no end stays as it is."""
        for stream, text in self._open.items():
            self.written.append((stream, text))
        self._open = {}
        self.restarts += 1
        self.path.touch()

    @property
    def open_records(self) -> list[Record]:
        return list(self._open.items())


def ship_once(root: Path, state: Path, store: RecordingStore, **options: Any) -> Summary:
    return ship([str(root)], StoreUrl(), str(state), "node-1", once=True, store=store, **options)


class Following:
    """`ship` in follow mode, in a thread."""

    def __init__(self, root: Path, state: Path, store: RecordingStore, **options: Any) -> None:
        self.stop = threading.Event()
        self.summary: Summary | None = None
        self.error: BaseException | None = None
        self._arguments = (root, state, store)
        self._options = options
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        root, state, store = self._arguments
        try:
            self.summary = ship(
                [str(root)], StoreUrl(), str(state), "node-1", store=store, stop=self.stop, **self._options
            )
        except BaseException as error:  # noqa: BLE001 - handed to the test
            self.error = error

    def __enter__(self) -> "Following":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self._thread.join(20)
        assert not self._thread.is_alive()
        if self.error:
            raise self.error


def eventually(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    waiting = threading.Event()
    for _ in range(int(seconds / 0.01)):
        if condition():
            return
        waiting.wait(0.01)
    raise AssertionError("what was waited for did not happen")
