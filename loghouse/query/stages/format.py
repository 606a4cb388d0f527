"""`format`: a text made of fields, in place of the message."""

import re
from typing import ClassVar

from msgspec.structs import replace

from loghouse.query import spelling
from loghouse.query.ast import Key, Placed, Span
from loghouse.query.filters import FilterParser
from loghouse.query.made import as_text
from loghouse.query.records import Records
from loghouse.query.relation import Expression, Shown
from loghouse.query.stages.lists import target
from loghouse.query.table import Rows
from loghouse.query.tokens import Scanner


class Format(Placed, frozen=True):
    """`format "{user} {cart.total}" as line`; `{{` and `}}` are braces."""

    live: ClassVar[bool] = True

    parts: tuple[str | Key, ...]
    name: Key | None = None

    def __str__(self) -> str:
        text = "".join(
            f"{{{part}}}" if isinstance(part, Key) else part.replace("{", "{{").replace("}", "}}")
            for part in self.parts
        )
        return f"format {spelling.quoted(text)}{f' as {self.name}' if self.name else ''}"

    def apply(self, rows: Rows) -> Rows:
        """The rows with the text; as the message it is all that is shown of a record."""
        params = rows.context.params
        pieces = [
            as_text(rows.expression(part)) if isinstance(part, Key) else params.text(part)
            for part in self.parts
        ]
        text = Expression(f"concat({', '.join(pieces)}, '')" if pieces else "''", "text")
        if self.name is not None:
            return rows.extended([(self.name.shown, text)])
        made = rows.extended([("message", text)])
        if isinstance(made, Records):
            return replace(made, shown=Shown(("message",)))
        return made.picked(tuple(column for column in made.columns if column.name == "message"))


def read(parser: FilterParser, name: str, start: int) -> Format:
    """`format "text {field}" [as name]`."""
    scan = parser.scan
    scan.skip_space()
    begin = scan.pos
    if not scan.sees_string:
        raise scan.error(
            f"expected a text in quotes after {name}, {scan.found()}", 'Write: format "{user}: {status}"'
        )
    text = scan.string()
    parts = _parts(text, scan.span(begin))
    scan.skip_space()
    named = target(parser) if scan.keyword("as") else None
    return Format(parts, named, span=scan.span(start))


def _parts(text: str, span: Span) -> tuple[str | Key, ...]:
    parts: list[str | Key] = []
    literal, pos = "", 0
    while pos < len(text):
        two = text[pos : pos + 2]
        if two in ("{{", "}}"):
            if two == "{{" and text[pos + 2 : pos + 3] == ".":
                raise span.error("{{.field}} is the spelling of LogQL", _in_lql(text))
            literal, pos = literal + two[0], pos + 2
        elif text[pos] == "{":
            key, pos = _field(text, pos + 1, span)
            parts += [literal, key] if literal else [key]
            literal = ""
        elif text[pos] == "}":
            raise span.error('this text has a "}" that closes nothing', "For a brace write }}")
        else:
            literal, pos = literal + text[pos], pos + 1
    return (*parts, literal) if literal else tuple(parts)


def _in_lql(text: str) -> str:
    """The hint that shows the same text with our braces."""
    meant = re.sub(r"\{\{\s*\.([\w.@-]+)\s*\}\}", r"{\1}", text)
    return f"Write: | format {spelling.quoted(meant)}"


def _field(text: str, pos: int, span: Span) -> tuple[Key, int]:
    scan = Scanner(text)
    scan.pos = pos
    scan.skip_space()
    key = scan.key()
    scan.skip_space()
    if key is None or not scan.take("}"):
        raise span.error('expected the name of a field between "{" and "}"', "For a brace write {{")
    return replace(key, span=span), scan.pos
