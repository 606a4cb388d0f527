"""A batch in the spool, and the names of its files."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from loghouse.spool.batchfile import Damaged, Trailer, read_trailer

NAME = re.compile(r"(\d{12})-([0-9a-zA-Z.]{1,120})\.(batch|open)")  # sequence, id, state


@dataclass(frozen=True, slots=True)
class Entry:
    """A batch in the spool. `recovered` says that an earlier process wrote it and may have sent it.

    Its trailer is without the note, which may be large: many entries are in memory; see `Notes`.
    """

    sequence: int
    path: str
    size: int
    trailer: Trailer
    recovered: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "trailer", replace(self.trailer, note=None))

    @property
    def id(self) -> str:
        return self.trailer.id

    @property
    def order(self) -> tuple[int, str]:
        return (self.sequence, self.id)


class Notes(Mapping[int, Any]):
    """The notes of batches by their sequence, each read from its file when it is asked for."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._paths = {entry.sequence: entry.path for entry in entries}

    def __getitem__(self, sequence: int) -> Any:
        """The note; None for a batch without one, or a damaged one. Raises OSError."""
        try:
            return read_trailer(self._paths[sequence]).note
        except Damaged:
            return None

    def __iter__(self) -> Iterator[int]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)


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
