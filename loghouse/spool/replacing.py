"""Batches that take the place of another: its halves, or what can be read of it."""

from __future__ import annotations

import os
from collections.abc import Iterable

from loghouse.spool.batchfile import BatchWriter
from loghouse.spool.entry import Entry, file_name
from loghouse.spool.rows import Row


def written_parts(
    directory: str, entry: Entry, rows: Iterable[tuple[object, Row]], recovered: bool = False
) -> list[Entry]:
    """Batches beside an entry, each row in the one of its number; raises OSError.

    They are durable once the directory is synced.
    """
    writers: dict[object, BatchWriter] = {}
    try:
        for number, row in rows:
            if number not in writers:
                id = f"{entry.id}.{number}"
                writers[number] = BatchWriter(os.path.join(directory, "tmp", id), id)
            writers[number].add(row)
            writers[number].flush()
        return [_written_part(directory, entry, writer, recovered) for writer in writers.values()]
    finally:
        for writer in writers.values():
            writer.close()


def _written_part(directory: str, entry: Entry, writer: BatchWriter, recovered: bool) -> Entry:
    trailer = writer.finish(None, entry.trailer.written_at)
    path = os.path.join(directory, file_name(entry.sequence, writer.id))
    os.rename(writer.path, path)
    return Entry(entry.sequence, path, writer.size, trailer, recovered)
