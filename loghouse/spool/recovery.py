"""What an earlier process left in the spool, and what becomes of it."""

from __future__ import annotations

import logging
import os

from loghouse.spool.batchfile import Damaged, Trailer, complete, read_trailer
from loghouse.spool.entry import NAME, Entry, file_name, files, remove
from loghouse.spool.ownership import sync_directory

log = logging.getLogger("loghouse.spool")


def recover(directory: str) -> list[Entry]:
    """The batches that are pending; what is half written is removed, unless a part was acknowledged."""
    temporary = os.path.join(directory, "tmp")
    for name, _ in files(temporary):
        remove(os.path.join(temporary, name))
    names = [name for name, _ in files(directory) if NAME.fullmatch(name)]
    entries = []
    for name in names:
        number, id, state = NAME.fullmatch(name).groups()  # type: ignore[union-attr]
        path = os.path.join(directory, name)
        if "." in id and file_name(int(number), id.rpartition(".")[0]) in names:
            remove(path)  # a crash amid a split: the whole is still there, the half was never sent
        elif state == "open":
            entries.append(_completed(directory, int(number), id, path))
        else:
            entries.append(_found(int(number), id, path))
    return entries


def _found(sequence: int, id: str, path: str) -> Entry:
    status = os.stat(path)
    try:
        trailer = read_trailer(path)
    except (Damaged, OSError) as error:
        log.error("batch %s is damaged (%s); what can be read of it is sent", path, error)
        trailer = Trailer(id, status.st_mtime, 0, 0, 0)
    return Entry(sequence, path, status.st_size, trailer, recovered=True)


def _completed(directory: str, sequence: int, id: str, path: str) -> Entry:
    trailer, cut = complete(path, id, os.stat(path).st_mtime)
    if cut:
        log.warning("batch %s was being written when the process died: %d bytes cut off", id, cut)
    named = os.path.join(directory, file_name(sequence, id))
    os.rename(path, named)
    sync_directory(directory)
    return Entry(sequence, named, os.stat(named).st_size, trailer, recovered=True)
