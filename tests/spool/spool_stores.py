"""Rows to spool, and a store in memory that stores once for each token and fails when told to."""

import math
import threading
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from loghouse.errors import StoreUnreachable
from loghouse.spool.rows import COLUMNS, Place, Row

PLACE = Place("cri", "prod", "shop-0", "app", "node-1", "shop", "uid-1", 3, (("tier", "web"),))


def row(number: int, lines: int = 1, place: Place = PLACE, size: int = 0) -> Row:
    """The lines of one row; each tells its number."""
    data = b"".join(b"line %d.%d%s\n" % (number, line, b"x" * size) for line in range(lines))
    return Row(place, 7, number * 1_000_000, 0, data)


def rows_of(numbers: Iterable[int], lines: int = 1, size: int = 0) -> list[Row]:
    return [row(number, lines, size=size) for number in numbers]


class Store:
    """What ClickHouse does with tokens; `fault` is asked before each insert and may raise or say "lose"."""

    def __init__(self) -> None:
        self.blocks: dict[str, list[list[list[Any]]]] = {}
        self.order: list[str] = []
        self.inserts = 0
        self.at_once = 0
        self.most_at_once = 0
        self.fault: Callable[[str, list[bytes]], str | None] = lambda token, data: None
        self.gate = threading.Event()
        self.gate.set()
        self.tokens_forgotten = False
        self.inserts_since = 1_000_000
        self.seen = True
        self.noted: set[str] = set()  # tokens whose rows are nowhere
        self.started_ago = math.inf
        self._lock = threading.Lock()

    def insert_blocks(
        self,
        table: str,
        columns: Sequence[str],
        blocks: Iterable[Sequence[Sequence[Any]]],
        settings: Mapping[str, Any],
    ) -> None:
        assert tuple(columns) == COLUMNS
        token = settings["insert_deduplication_token"]
        whole = [[list(column) for column in block] for block in blocks]
        with self._lock:
            self.inserts += 1
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            if not self.gate.wait(10):
                raise StoreUnreachable("the gate stayed shut")
            if token in self.noted:
                return
            with self._lock:
                outcome = self.fault(token, [data for block in whole for data in block[-1]])
                if self.tokens_forgotten:
                    self.blocks[f"{token} {uuid.uuid4().hex}"] = whole
                elif token in self.blocks:
                    assert self.blocks[token] == whole, "other bytes under the same token"
                else:
                    self.blocks[token] = whole
                    self.order.append(token)
            if outcome == "lose":
                raise StoreUnreachable("the answer was lost")
        finally:
            with self._lock:
                self.at_once -= 1

    def rows(self, sql: str, params: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """What is stored of the sources asked for, how many inserts there were since, or what it tells."""
        assert params is not None
        if "'parse'" in sql:
            return []
        if not params:
            return [(int(self.seen),)]
        if "sources" not in params:
            return [(self.inserts_since,)]
        columns = [[*map(int, params[name].split(","))] for name in ("sources", "lows", "highs")]
        return [
            (
                source,
                sorted(
                    offset for one, offset in self.identities() if one == source and low <= offset <= high
                ),
            )
            for source, low, high in zip(*columns, strict=True)
        ]

    def uptime(self) -> float:
        return self.started_ago

    def cancel(self) -> None:
        self.gate.set()

    def close(self) -> None:
        pass

    def identities(self) -> set[tuple[int, int]]:
        found = set()
        for block in self._all():
            for source, offset, data in zip(block[0], block[1], block[-1], strict=True):
                for line in data.splitlines(keepends=True):
                    found.add((source, offset))
                    offset += len(line)
        return found

    @property
    def data(self) -> list[bytes]:
        """Every line stored, sorted."""
        return sorted(
            line for block in self._all() for data in block[-1] for line in data.splitlines(keepends=True)
        )

    def _all(self) -> list[list[list[Any]]]:
        return [block for blocks in list(self.blocks.values()) for block in blocks]


def lines_of(rows: Iterable[Row]) -> list[bytes]:
    return sorted(line for each in rows for line in each.data.splitlines(keepends=True))
