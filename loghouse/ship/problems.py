"""What went wrong without stopping the shipper: told once, counted always."""

import logging
from collections import Counter

log = logging.getLogger("loghouse.ship")

REMEMBERED = 10_000  # problems told once; beyond that they are only counted


class Problems:
    """Counts by reason; each (reason, subject) is logged the first time only."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.lost_bytes: Counter[str] = Counter()  # at least, by reason
        self._told: set[tuple[str, str]] = set()

    def tell(self, reason: str, subject: str, detail: object = "") -> None:
        """Something a person may have to act on: a file that cannot be read, bytes that are lost."""
        if (reason, subject) in self._told:
            return
        self.counts[reason] += 1
        if len(self._told) < REMEMBERED:
            self._told.add((reason, subject))
            log.warning("%s: %s%s", reason, subject, f" ({detail})" if detail else "")

    def lose(self, reason: str, size: int) -> None:
        """Bytes of a log file that nobody can read any more."""
        if size > 0:
            self.lost_bytes[reason] += size
            log.error("lost %s bytes: %s", f"{size:,}", reason)

    def count(self, reason: str) -> None:
        """Something that was dealt with, such as a line cut at the limit; only its number matters."""
        self.counts[reason] += 1
