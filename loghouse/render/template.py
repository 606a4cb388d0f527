"""`-o template -T '{timestamp} {pod} {message}'`: lines as the reader wants them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from loghouse.errors import QueryError
from loghouse.render.clock import Clock
from loghouse.render.escapes import visible
from loghouse.render.pages import Pages, RowPages, Writer
from loghouse.render.values import picked_values, replaced

_PIECE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]|\\([nt\\])")
_NAME = re.compile(r"~?[A-Za-z_@][A-Za-z0-9_.@/-]*")
_ESCAPES = {"n": "\n", "t": "\t", "\\": "\\"}

Part = str | tuple[str]  # text, or the name of a value


@dataclass(frozen=True, slots=True)
class Template:
    """A template taken apart: text and the names between braces."""

    parts: tuple[Part, ...]
    clock: Clock
    terminal: bool = False

    def records(self, pages: Pages, out: Writer) -> int:
        """One line a record; what a record does not have is left empty."""
        names = [part[0] for part in self.parts if isinstance(part, tuple)]
        return self._write(
            pages,
            lambda record: picked_values(record, names, self.clock),
            out,
        )

    def table(self, columns: Sequence[str], pages: RowPages, out: Writer) -> int:
        """One line a row, with the columns of the table as names."""
        return self._write(pages, lambda row: dict(zip(columns, row, strict=True)), out)

    def _write(self, pages: Any, values: Callable[[Any], dict[str, Any]], out: Writer) -> int:
        count = 0
        for page in pages:
            lines = [self._line(values(row)) for row in page]
            if lines:
                out.write(("\n".join(lines) + "\n").encode("utf-8", "replace"))
                out.flush()
                count += len(lines)
        return count

    def _line(self, values: dict[str, Any]) -> str:
        return "".join(
            part if isinstance(part, str) else self._shown(values.get(part[0])) for part in self.parts
        )

    def _shown(self, value: Any) -> str:
        text = as_text(value)
        return visible(text) if self.terminal else text


def parse_template(text: str, clock: Clock, terminal: bool = False) -> Template:
    """Read a template: `{name}` is a column, a label (`{~app}`) or a field, `{{` a brace, `\\t` a tab."""
    parts: list[Part] = []
    end = 0
    for match in _PIECE.finditer(text):
        parts.append(text[end : match.start()])
        parts.append(_piece(match, text))
        end = match.end()
    parts.append(text[end:])
    return Template(tuple(part for part in parts if part), clock, terminal)


def _piece(match: re.Match[str], text: str) -> Part:
    name, escape = match[1], match[2]
    if escape is not None:
        return _ESCAPES[escape]
    if name is not None and _NAME.fullmatch(name):
        return (name,)
    if match[0] in ("{{", "}}"):
        return match[0][0]
    raise QueryError(
        f'"{match[0]}" in the template is not a field name',
        text,
        match.start(),
        match.end(),
        "Write fields like {timestamp} {pod} {message} {status}, and {{ for a brace",
    )


def as_text(value: Any) -> str:
    """A value as people write it; nothing for a missing one."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return replaced(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list, tuple)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)
