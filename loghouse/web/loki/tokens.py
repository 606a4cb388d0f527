"""LogQL cut into tokens."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from loghouse.errors import QueryError
from loghouse.query.ast import Span

_TOKEN = re.compile(
    r"""(?P<string>"(?:[^"\\\n]|\\.)*"|`[^`]*`)
    |(?P<duration>(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h|d|w|y))+)
    |(?P<size>\d+(?:\.\d+)?(?:[KMGTkmgt]i?)?B\b)
    |(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    |(?P<name>[A-Za-z_][A-Za-z0-9_:.]*)
    |(?P<sign>\|=|\|~|\|>|!=|!~|!>|=~|==|>=|<=|[{}()\[\],|=><+*/%^-])
    |(?P<rest>\S)""",
    re.VERBOSE,
)
_SPACE = re.compile(r"(?:\s+|\#[^\n]*)*")
_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|.)", re.DOTALL)
_DECODED = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a query; `kind` is a group of the pattern above, or "end"."""

    kind: str
    text: str
    span: Span


@dataclass(slots=True)
class Tokens:
    """The tokens of a query and how far they are read."""

    text: str
    _tokens: list[Token] = field(default_factory=list)
    _place: int = 0

    def __post_init__(self) -> None:
        at = _SPACE.match(self.text).end()  # type: ignore[union-attr]  # matches nothing at least
        while at < len(self.text):
            found = _TOKEN.match(self.text, at)
            assert found is not None and found.lastgroup is not None  # `rest` takes what is left
            self._tokens.append(Token(found.lastgroup, found.group(), Span(self.text, at, found.end())))
            at = _SPACE.match(self.text, found.end()).end()  # type: ignore[union-attr]
        self._tokens.append(Token("end", "", Span(self.text, len(self.text), len(self.text))))

    @property
    def next(self) -> Token:
        """The token that comes next, not taken."""
        return self._tokens[self._place]

    def take(self) -> Token:
        """The next token."""
        token = self.next
        if token.kind != "end":
            self._place += 1
        return token

    def took(self, *texts: str) -> Token | None:
        """The next token if it is one of these, taken."""
        return self.take() if self.next.text in texts and self.next.kind in ("sign", "name") else None

    def expect(self, text: str) -> Token:
        """The next token, which has to be this one."""
        token = self.took(text)
        if token is None:
            raise self.error(f'expected "{text}"')
        return token

    def string(self) -> str:
        """A string, decoded."""
        if self.next.kind != "string":
            raise self.error("expected a text in quotes")
        text = self.take().text
        return text[1:-1] if text[0] == "`" else _ESCAPE.sub(_decoded, text[1:-1])

    def name(self) -> str:
        """The name of a label."""
        if self.next.kind != "name":
            raise self.error("expected a name")
        return self.take().text

    def error(self, message: str, hint: str = "") -> QueryError:
        """An error at the next token."""
        found = f'found "{self.next.text}"' if self.next.kind != "end" else "the query ends here"
        return self.next.span.error(f"{message}, {found}", hint)


def _decoded(escape: re.Match[str]) -> str:
    code = escape[1]
    if code[0] in "xu" and len(code) > 1:
        return chr(int(code[1:], 16))
    return _DECODED.get(code, code)
