"""An INSERT whose rows come block by block: through a pipe that the engine reads as a file.

The engine's own call for that, `send_insert`, is of no use: chdb 4.4 reports success when the last step fails
(a full disk, a view that throws), so rows would be acknowledged and lost.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
from collections.abc import Iterable
from typing import Any

from loghouse.embedded.engine import EngineError, translated
from loghouse.embedded.statement import Insert

PIPE_BYTES = 1 << 20
TORN = b"\x01"  # a block that ends after its number of columns: the engine drops everything not stored


class Insertion:
    """Takes blocks in `FORMAT Native`; the connection is busy until it is finished or cancelled."""

    def __init__(self, connection: Any, insert: Insert) -> None:
        reader, self._writer = os.pipe()
        fcntl.fcntl(self._writer, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        self._error: EngineError | None = None
        source = b" FROM INFILE '/dev/fd/%d' COMPRESSION 'none' " % reader
        sql = insert.head + source + insert.settings + b" FORMAT Native"
        self._thread = threading.Thread(
            target=self._run, args=(connection, sql, reader), name="insert", daemon=True
        )
        self._thread.start()

    def append(self, pieces: Iterable[memoryview]) -> None:
        """Hand over a block; raises `EngineError` if the engine gave up."""
        try:
            for piece in pieces:
                written = 0
                while written < len(piece):
                    written += os.write(self._writer, piece[written:])
        except BrokenPipeError:
            self.finish()

    def finish(self) -> None:
        """Store what was appended; it is on the disk when this returns."""
        self._close()
        self._thread.join()
        if self._error is not None:
            raise self._error

    def cancel(self) -> None:
        """Drop what is not stored yet. Does nothing after `finish`."""
        if self._writer < 0:
            return
        with contextlib.suppress(BrokenPipeError):  # the engine gave up before
            os.write(self._writer, TORN)
        self._close()
        self._thread.join()

    def _close(self) -> None:
        if self._writer >= 0:
            os.close(self._writer)
            self._writer = -1

    def _run(self, connection: Any, sql: bytes, reader: int) -> None:
        try:
            with translated():
                connection.query(sql, "Native")
        except EngineError as error:
            self._error = error
        finally:
            os.close(reader)
