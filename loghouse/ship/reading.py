"""How logs are read: what an operator sets for all files."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from loghouse.errors import UsageError
from loghouse.ship.traces import Indented, Rules, Started, Traces

FILE_FORMATS = ("auto", "cri", "docker", "plain", "raw")
MULTILINE = 'one of auto, off, indent, "start:REGEX"'


@dataclass(frozen=True, slots=True)
class Reading:
    """What is done with the lines of a file.

    `file_format` says what stands around each record: what a container runtime writes, or nothing, where a
    record's time is the one that it states (`plain`) or that of reading (`raw`). With `auto` the first line
    of a file tells. Raises UsageError for what is none of these.
    """

    multiline: str = "auto"
    file_format: str = "auto"

    def __post_init__(self) -> None:
        if self.file_format not in FILE_FORMATS:
            raise UsageError(
                f'no such file format: "{self.file_format}"', f"It is one of {', '.join(FILE_FORMATS)}"
            )
        rules_of(self.multiline)

    @property
    def rules(self) -> Rules | None:
        """How lines are joined to events; None for not at all."""
        return rules_of(self.multiline)


@cache
def rules_of(hint: str) -> Rules | None:
    """What a hint for multi-line events means; None for no joining. Raises UsageError."""
    kind, _, expression = hint.partition(":")
    match kind:
        case "off":
            return None
        case "auto":
            return Traces()
        case "indent":
            return Indented()
        case "start" if expression:
            try:
                return Started(expression)
            except ValueError as error:
                raise UsageError(f'multi-line hint "{hint}": {error}', "The syntax is RE2's") from None
    raise UsageError(f'no such multi-line hint: "{hint}"', f"It is {MULTILINE}")
