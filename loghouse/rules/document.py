"""A YAML file whose every value knows its place, so that a mistake is shown with line and column."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from loghouse.errors import QueryError, UsageError
from loghouse.query.suggest import did_you_mean
from loghouse.query.timerange import parse_duration

MAX_BYTES = 1_000_000  # of one file; rules are written by people


class Mistake(QueryError):
    """What is wrong in a file, and where; `text`, `start` and `end` mark the place in one value or line."""

    def __init__(self, where: Place, message: str, text: str, start: int, end: int, hint: str = "") -> None:
        super().__init__(f"{where}: {message}", text, start, end, hint)
        self.where = where


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a file; lines and columns count from 1."""

    path: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Document:
    """One file: its name and text."""

    path: str
    text: str

    def mistake(self, mark: yaml.Mark, message: str, hint: str = "", length: int = 1) -> Mistake:
        """A mistake at a mark; the line is shown with the place below it."""
        lines = self.text.split("\n")
        line = lines[mark.line] if mark.line < len(lines) else ""
        place = Place(self.path, mark.line + 1, mark.column + 1)
        end = min(len(line), mark.column + max(1, length))
        return Mistake(place, message, line, min(mark.column, len(line)), end, hint)


@dataclass(frozen=True, slots=True)
class Value:
    """A node of the file."""

    document: Document
    node: yaml.Node
    name: str

    def mistake(self, message: str, hint: str = "") -> Mistake:
        """A mistake at this value."""
        start, end = self.node.start_mark, self.node.end_mark
        length = end.column - start.column if end.line == start.line else 1
        return self.document.mistake(start, message, hint, length)

    def inside(self, error: QueryError) -> Mistake:
        """A mistake in the text of this value, placed where it stands in the file."""
        line, column = self._position(error.start)
        place = Place(self.document.path, line + 1, column + 1)
        return Mistake(place, error.message, error.text, error.start, error.end, error.hint)

    @property
    def is_text(self) -> bool:
        """It is neither a list nor a mapping."""
        return isinstance(self.node, yaml.ScalarNode)

    def text(self) -> str:
        """The value as text; numbers and truth values are taken as they are written."""
        if not self.is_text:
            raise self.mistake(f"{self.name} must be a text")
        if self.node.tag == "tag:yaml.org,2002:null":
            raise self.mistake(f"{self.name} is empty")
        return str(self.node.value)

    def number(self) -> float:
        """The value as a finite number."""
        try:
            number = float(self.text())
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise self.mistake(f'{self.name} must be a number, not "{self.text()}"')
        return number

    def duration(self) -> int:
        """The value as nanoseconds: 30s, 5m, 1h30m."""
        try:
            return parse_duration(self.text())
        except UsageError as error:
            raise self.mistake(f"{self.name}: {error.message}", error.hint) from None

    def items(self) -> list[Value]:
        """The values of a list."""
        if not isinstance(self.node, yaml.SequenceNode):
            raise self.mistake(f"{self.name} must be a list")
        return [Value(self.document, node, self.name) for node in self.node.value]

    def section(self) -> Section:
        """The value as a mapping."""
        if not isinstance(self.node, yaml.MappingNode):
            raise self.mistake(f"{self.name} must be a mapping of names to values")
        return Section(self)

    def _position(self, offset: int) -> tuple[int, int]:
        """Line and column, from 0, of a character of the value's text."""
        start = self.node.start_mark
        text, style = str(self.node.value), getattr(self.node, "style", None)
        before = text[:offset]
        if style in ("|", ">"):
            line = start.line + 1 + before.count("\n")
            written = self.document.text.split("\n")
            indent = len(written[line]) - len(written[line].lstrip(" ")) if line < len(written) else 0
            return line, indent + len(before.rpartition("\n")[2])
        source = self.document.text[start.index : self.node.end_mark.index]
        found = source.find(text)
        if found < 0 or "\n" in source:
            return start.line, start.column
        return start.line, start.column + found + offset


@dataclass(slots=True)
class Section:
    """A mapping; each key is taken once, and what nobody took is unknown."""

    value: Value
    known: list[str] = field(default_factory=list)
    _entries: dict[str, tuple[Value, Value]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        assert isinstance(self.value.node, yaml.MappingNode)
        for key, node in self.value.node.value:
            name = Value(self.value.document, key, "a key")
            text = name.text()
            if text in self._entries:
                raise name.mistake(f'"{text}" comes twice')
            self._entries[text] = (name, Value(self.value.document, node, text))

    def get(self, name: str) -> Value | None:
        """The value of a key, None when it is not there."""
        self.known.append(name)
        entry = self._entries.get(name)
        return entry[1] if entry else None

    def need(self, name: str) -> Value:
        """The value of a key that has to be there."""
        found = self.get(name)
        if found is None:
            raise self.value.mistake(f'"{name}" is missing')
        return found

    def pairs(self) -> Iterator[tuple[Value, Value]]:
        """All keys and values, for mappings whose keys are free."""
        return iter(self._entries.values())

    def finish(self) -> None:
        """Raise for the first key that nobody has asked for."""
        for text, (name, _) in self._entries.items():
            if text not in self.known:
                raise name.mistake(
                    f'unknown key "{text}"{did_you_mean(text, self.known)}', f"Keys: {', '.join(self.known)}"
                )


def read(path: Path) -> Section | None:
    """The mapping a file holds, None when it is empty; raises `UsageError` for what is no YAML."""
    try:
        data = path.read_bytes()
        if len(data) > MAX_BYTES:
            raise UsageError(f"{path} has {len(data)} bytes, at most {MAX_BYTES} are read")
        text = data.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {path} ({error})") from None
    document = Document(str(path), text)
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        if mark is None:
            raise UsageError(f"{path}: {error}") from None
        raise document.mistake(mark, f"this is no YAML: {error.problem}") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise UsageError(f"{path}: this is no YAML: {' '.join(str(error).split())}") from None
    return None if node is None else Value(document, node, "the file").section()
