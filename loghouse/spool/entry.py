"""A batch in the spool, and the names of its files."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from loghouse.spool.batchfile import Trailer

NAME = re.compile(r"(\d{12})-([0-9a-zA-Z.]{1,120})\.(batch|open)")  # sequence, id, state


@dataclass(frozen=True, slots=True)
class Entry:
    """A batch in the spool. `recovered` says that an earlier process wrote it and may have sent it."""

    sequence: int
    path: str
    size: int
    trailer: Trailer
    recovered: bool = False

    @property
    def id(self) -> str:
        return self.trailer.id

    @property
    def order(self) -> tuple[int, str]:
        return (self.sequence, self.id)


def file_name(sequence: int, id: str, state: str = "batch") -> str:
    """The name that `NAME` matches."""
    return f"{sequence:012}-{id}.{state}"


def files(directory: str) -> list[tuple[str, int]]:
    """Names and sizes of the files in a directory, sorted."""
    with os.scandir(directory) as entries:
        return sorted((entry.name, entry.stat().st_size) for entry in entries if entry.is_file())


def remove(path: str) -> None:
    """Remove a file that may be gone already."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
