"""What every stage is: a node that prints itself and turns rows into other rows."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol, TypeAlias

from loghouse.query.ast import Span
from loghouse.query.filters import FilterParser
from loghouse.query.table import Rows


class Stage(Protocol):
    """One step of a pipeline."""

    # Each record is judged alone, so `tail` can run it on records as they come.
    live: ClassVar[bool]

    @property
    def span(self) -> Span:
        """Where it stands in the query."""
        ...

    def apply(self, rows: Rows) -> Rows:
        """The rows after this step."""
        ...


# Gets the parser behind the stage's name, the name as written and where it starts.
StageReader: TypeAlias = Callable[[FilterParser, str, int], Stage]


@dataclass(frozen=True, slots=True)
class StageKind:
    """A stage as the language knows it: its names, the usual one first, how it is read, an example."""

    names: tuple[str, ...]
    read: StageReader
    example: str
