"""What every stage is: a node that prints itself and turns rows into other rows."""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import ClassVar, Protocol, cast, runtime_checkable

from msgspec import Struct

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


@runtime_checkable
class ComparingStage(Stage, Protocol):
    """A stage that sets its rows beside those of an earlier time."""

    def compared(self, rows: Rows, earlier: Callable[[int], Rows]) -> Rows:
        """The rows after this step; `earlier` gives the rows so many nanoseconds before."""
        ...


@runtime_checkable
class SurroundingStage(Stage, Protocol):
    """A stage that finds more records than those it is given."""

    def surrounded(self, rows: Rows, before: Sequence[Stage]) -> Rows:
        """The rows after this step; `before` are the stages that the given ones have passed."""
        ...


class StageKind(Struct, frozen=True):
    """A stage as the language knows it: its names, the usual one first, who reads it, an example.

    `reader` is `module.function` of this package: only the stages that a query names are imported.
    """

    names: tuple[str, ...]
    reader: str
    example: str

    def read(self, parser: FilterParser, name: str, start: int) -> Stage:
        """Read the stage behind its name; `name` is as written and begins at `start`."""
        module, _, function = self.reader.partition(".")
        found = getattr(import_module(f"loghouse.query.stages.{module}"), function)
        return cast(Stage, found(parser, name, start))
