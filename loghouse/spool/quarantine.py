"""Batches that the store refuses for good, kept aside with the reason, bounded in bytes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from loghouse.spool.ownership import sync_directory

REASON = ".reason"


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A batch file in the quarantine."""

    path: str
    size: int
    since: float  # Unix time
    reason: str

    def remove(self) -> None:
        """It was dealt with."""
        os.unlink(self.path)
        Path(f"{self.path}{REASON}").unlink(missing_ok=True)
        sync_directory(os.path.dirname(self.path))


def listed(directory: str) -> list[Quarantined]:
    """What a quarantine holds, oldest first; its owner may run meanwhile."""
    found = []
    for path in sorted(Path(directory).glob("*.batch")):
        status = path.stat()
        try:
            reason = Path(f"{path}{REASON}").read_text(encoding="utf-8", errors="replace")
        except OSError:
            reason = ""
        found.append(Quarantined(str(path), status.st_size, status.st_mtime, reason))
    return found


class Quarantine:
    """A directory; `limit` bounds the bytes of batches in it."""

    def __init__(self, directory: str, limit: int) -> None:
        os.makedirs(directory, mode=0o700, exist_ok=True)
        self._directory = directory
        self._limit = limit
        self.bytes = self._held()

    def list(self) -> list[Quarantined]:
        """What is there, oldest first."""
        return listed(self._directory)

    def keep(self, path: str, size: int, reason: str) -> bool:
        """Take the file in under a second name, durable; False when there is no room. Raises OSError."""
        if self.bytes + size > self._limit:
            self.bytes = self._held()  # somebody may have sent some of it again
            if self.bytes + size > self._limit:
                return False
        kept = os.path.join(self._directory, os.path.basename(path))
        with open(f"{kept}{REASON}", "w", encoding="utf-8") as file:
            file.write(reason)
            file.flush()
            os.fsync(file.fileno())
        if not os.path.exists(kept):
            os.link(path, kept)
        sync_directory(self._directory)
        self.bytes += size
        return True

    def _held(self) -> int:
        return sum(each.size for each in listed(self._directory))
