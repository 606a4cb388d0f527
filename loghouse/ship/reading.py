"""How logs are read: what an operator sets for all files, and who tells about their writers."""

from __future__ import annotations

from dataclasses import dataclass

from loghouse.errors import UsageError
from loghouse.filters.filters import Filters
from loghouse.ship.descriptors import Descriptors
from loghouse.ship.hints import rules_of
from loghouse.ship.metadata import HOLD, Pods

FILE_FORMATS = ("auto", "cri", "docker", "plain", "raw")


@dataclass(frozen=True, slots=True)
class Reading:
    """What is done with the lines of a file.

    `multiline` says how they make up events, where their pod does not. `file_format` says what stands around
    each record: what a container runtime writes, or nothing, where a record's time is the one that it states
    (`plain`) or that of reading (`raw`); with `auto` the first line of a file tells. A file whose pod is not
    known to `pods` yet is not read for `hold` seconds. `filters` see every row before it is kept.
    `descriptors` bounds how many files are open. Raises UsageError for what is none of these.
    """

    multiline: str = "auto"
    file_format: str = "auto"
    pods: Pods | None = None
    hold: float = HOLD
    filters: Filters | None = None
    descriptors: Descriptors | None = None

    def __post_init__(self) -> None:
        if self.file_format not in FILE_FORMATS:
            raise UsageError(
                f'no such file format: "{self.file_format}"', f"It is one of {', '.join(FILE_FORMATS)}"
            )
        rules_of(self.multiline)
