"""Rows on their way into the spool, and the positions that hold once they are there."""

from __future__ import annotations

from typing import NamedTuple

from loghouse.ship.offsets import Offsets, Position, Waits, noted
from loghouse.ship.paths import Origin
from loghouse.spool import rows as spooled
from loghouse.spool.batchfile import BatchWriter
from loghouse.spool.spool import Spool

MAX_BYTES = 96 << 20  # planning an insert takes the store 0.12 s whatever its size
MAX_ROWS = 500_000
MAX_FILES = 10_000  # whose places are written with the batch, from memory


class Row(NamedTuple):
    """Whole lines of a file, or one joined record; see `loghouse.spool.rows.Row`."""

    origin: Origin
    wrapper: str
    source: int
    offset: int
    span: int
    data: bytes


class Batch:
    """Rows that are stored together. They are in a file, block by block; memory holds one block."""

    def __init__(self, writer: BatchWriter, node: str) -> None:
        self.positions: dict[int, Position] = {}
        self.waits: dict[str, Waits] = {}
        self._writer = writer
        self._node = node
        self._of: tuple[Origin, str] | None = None
        self._place = spooled.Place()

    @property
    def rows(self) -> int:
        """How many were added."""
        return self._writer.rows

    @property
    def full(self) -> bool:
        """Whether it should go out."""
        if len(self.positions) >= MAX_FILES:
            return True
        return self._writer.bytes >= MAX_BYTES or self._writer.rows >= MAX_ROWS

    def add(self, row: Row) -> None:
        """Take a row; it is in memory until `flush`."""
        origin, wrapper, source, offset, span, data = row
        if self._of is None or self._of[0] is not origin or self._of[1] != wrapper:
            self._of = (origin, wrapper)
            self._place = _place(origin, wrapper, self._node)
        self._writer.add(spooled.Row(self._place, source, offset, span, data))

    def change(self, lineage: str, positions: dict[int, Position], waits: Waits | None) -> None:
        """What holds once the rows added so far are durable."""
        self.positions.update(positions)
        if waits is not None:
            self.waits[lineage] = waits

    def flush(self) -> None:
        """Write what makes a block. Raises OSError; the rows stay in memory then."""
        self._writer.flush()

    def commit(self, spool: Spool, offsets: Offsets) -> None:
        """Make rows and positions durable, both or neither. Raises OSError, and can be called again then.

        The positions are in the batch file too: whoever reads the journal after a crash between the two steps
        finds there what the journal does not have yet.
        """
        entry = spool.commit(self._writer, noted(self.positions.values(), self.waits))
        offsets.commit(self.positions.values(), self.waits, entry.sequence)

    def note(self, offsets: Offsets) -> None:
        """Note positions that came without rows: an empty batch stays open for the rows that follow."""
        if self.positions or self.waits:
            offsets.commit(self.positions.values(), self.waits)
            self.positions, self.waits = {}, {}

    def abort(self, spool: Spool) -> None:
        """Drop the rows; the next run reads them again."""
        spool.abort(self._writer)


def _place(origin: Origin, wrapper: str, node: str) -> spooled.Place:
    return spooled.Place(
        wrapper,
        origin.namespace,
        origin.pod,
        origin.container,
        node,
        origin.workload,
        origin.pod_uid,
        origin.restart,
        origin.labels,
    )
