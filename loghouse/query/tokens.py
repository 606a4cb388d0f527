"""Cuts the text of a query into tokens.

What a token is depends on what stands before it (`a|b` is one value after `=~` and two things elsewhere), so
there is no list of tokens made in advance: the parser asks the scanner for the kind it can use at this place.
"""

import re

from loghouse.errors import QueryError
from loghouse.query.ast import Key, Operator, Span
from loghouse.query.lateregex import late_regex

MAX_LENGTH = 20_000  # characters; above it a query was pasted by mistake

_SPACE = late_regex(r"\s*")
_SPACE_AND_COMMENTS = late_regex(r"(?:\s+|#[^\n]*)*")
_KEY = late_regex(r"[A-Za-z@_][A-Za-z0-9_.@-]*")
_LABEL = late_regex(r"[A-Za-z0-9_][A-Za-z0-9_./@-]*")
_LABEL_PREFIX = late_regex(r"labels?\.(?=[A-Za-z0-9_])")
_LITERAL_KEY = late_regex(r"`([^`]+)`")
_NAME = late_regex(r"[A-Za-z_][A-Za-z0-9_]*")
_OPERATOR = late_regex(r"=~|==|=|!=|!~|>=|<=|>|<")
_WORD = late_regex(r"[^\s'\"`()|]+")
_LIST_VALUE = late_regex(r"[^\s'\"`(),|\[\]]+")
_ESCAPED = late_regex(r"\\([\"'\\nt])")
_DECODED = {"n": "\n", "t": "\t"}
_QUOTES = "\"'`"


class Scanner:
    """A place in the text and the tokens that can start there."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.pos = 0
        if len(text) > MAX_LENGTH:
            raise QueryError(
                f"the query has {len(text)} characters, at most {MAX_LENGTH} are read", text, 0, len(text)
            )
        for place, char in enumerate(text):
            if "\ud800" <= char <= "\udfff" or char == "\0":
                raise QueryError("this character is not valid text", text, place, place + 1)

    @property
    def at_end(self) -> bool:
        """Nothing is left."""
        return self.pos >= len(self.text)

    def sees(self, prefix: str) -> bool:
        """The text goes on with `prefix`."""
        return self.text.startswith(prefix, self.pos)

    def take(self, prefix: str) -> bool:
        """Step over `prefix` if it comes next."""
        if not self.sees(prefix):
            return False
        self.pos += len(prefix)
        return True

    def match(self, pattern: re.Pattern[str]) -> str | None:
        """The text that matches here, stepped over; None if it does not match."""
        found = pattern.match(self.text, self.pos)
        if found is None:
            return None
        self.pos = found.end()
        return found.group()

    def looking_at(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """The match of `pattern` here, without a step."""
        return pattern.match(self.text, self.pos)

    def skip_space(self) -> None:
        """Step over white space."""
        self.match(_SPACE)

    def skip_comments(self) -> None:
        """Step over white space and `# comments`; only where a term or a stage can start."""
        self.match(_SPACE_AND_COMMENTS)

    def span(self, start: int, end: int | None = None) -> Span:
        """The place from `start` up to here, or up to `end`."""
        return Span(self.text, start, self.pos if end is None else end)

    def error(self, message: str, hint: str = "", start: int | None = None) -> QueryError:
        """An error at the token that comes next, or at what stands from `start` up to here."""
        if start is not None:
            return self.span(start).error(message, hint)
        rest = self.looking_at(_WORD)
        end = rest.end() if rest else min(self.pos + 1, len(self.text))
        return self.span(self.pos, max(end, self.pos)).error(message, hint)

    def found(self) -> str:
        """What comes next, for the end of an "expected ..., found ..." message."""
        if self.at_end:
            return "the query ends here"
        rest = self.looking_at(_WORD)
        return f'found "{rest.group() if rest else self.text[self.pos]}"'

    def keyword(self, *words: str) -> str | None:
        """One of the words, in any case and not as part of a longer one, stepped over and in lower case."""
        found = self.looking_at(_NAME)
        if found is None or found.group().lower() not in words or self._goes_on_as_key(found.end()):
            return None
        self.pos = found.end()
        return found.group().lower()

    def _goes_on_as_key(self, end: int) -> bool:
        return self.text[end : end + 1] in ("-", ".", "@", ":")

    def name(self) -> str | None:
        """A plain name: a stage, a function, a column to be made."""
        return self.match(_NAME)

    def operator(self) -> Operator | None:
        """A comparison operator."""
        return self.match(_OPERATOR)  # type: ignore[return-value]  # the pattern lists exactly these

    def key(self) -> Key | None:
        """A key other than `*`: a name, `~label`, `label.x` or a name in backticks."""
        start = self.pos
        if self.match(_LABEL_PREFIX):
            return Key(self.match(_LABEL) or "", "label", span=self.span(start))
        if self.sees("~"):
            self.pos += 1
            label = self.match(_LABEL)
            if label is not None:
                return Key(label, "label", span=self.span(start))
            self.pos = start
            return None
        if literal := self.looking_at(_LITERAL_KEY):
            self.pos = literal.end()
            return Key(literal.group(1), "literal", span=self.span(start))
        name = self.match(_KEY)
        return None if name is None else Key(name, span=self.span(start))

    @property
    def sees_string(self) -> bool:
        """A quote comes next."""
        return self.text[self.pos : self.pos + 1] in _QUOTES and not self.at_end

    def string(self) -> str:
        """A string in any of the three quotes, decoded; call it only when `sees_string`."""
        start = self.pos
        quote = self.text[start]
        end = start + 1
        while end < len(self.text) and self.text[end] != quote:
            end += 2 if self.text[end] == "\\" and quote != "`" else 1
        if end >= len(self.text):
            self.pos = len(self.text)
            raise self.error("this quote is never closed", f"Add {quote} at the end of the text", start)
        self.pos = end + 1
        inner = self.text[start + 1 : end]
        return inner if quote == "`" else _ESCAPED.sub(_decoded, inner)

    def raw_value(self, in_group: bool) -> str:
        """The longest run without white space and quotes; a ")" that closes an open group ends it.

        A bar inside belongs to the value (`x|y` is a regex); one at its very end starts a stage.
        """
        start, depth = self.pos, 0
        while self.pos < len(self.text):
            char = self.text[self.pos]
            if char.isspace() or char in "'\"" or (char == ")" and depth == 0 and in_group):
                break
            depth = depth + (char == "(") - (char == ")" and depth > 0)
            self.pos += 1
        if self.text[self.pos - 1 : self.pos] == "|" and self.pos - start > 1:
            self.pos -= 1
        return self.text[start : self.pos]

    def list_value(self) -> str | None:
        """A bare value inside `(a, b)` or `[a, b]`."""
        return self.match(_LIST_VALUE)

    def word(self) -> str | None:
        """A run without white space, quotes, parentheses and bars."""
        return self.match(_WORD)


def _decoded(escape: re.Match[str]) -> str:
    return _DECODED.get(escape.group(1), escape.group(1))
