"""What the server has to know about a statement before the engine runs it.

The engine reads SQL itself; here the text is only cut into words to answer three questions. Is it one
statement? Does it end with clauses that are the client's business (FORMAT, INTO OUTFILE)? Is it an INSERT
whose rows the client sends in blocks, and into what?
"""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache, wraps
from typing import NamedTuple, TypeVar

_TOKEN = re.compile(
    rb"""
      (?P<space> \s+ | --[^\n]* | \#[\ !][^\n]* | /\*(?:.*?\*/|.*\Z) )
    | (?P<text> '(?:[^'\\]|\\.|'')*(?:'|\Z) | \$(?P<tag>\w*)\$.*?\$(?P=tag)\$ )
    | (?P<quoted> "(?:[^"\\]|\\.|"")*(?:"|\Z) | `(?:[^`\\]|\\.|``)*(?:`|\Z) )
    | (?P<word> [A-Za-z_]\w* )
    | (?P<number> [0-9][\w.]* )
    | (?P<sign> . )
    """,
    re.VERBOSE | re.DOTALL,
)
# After these an operand follows, so FORMAT there is the name of a column.
_WANTS_OPERAND = frozenset(
    b"SELECT DISTINCT BY WHERE PREWHERE HAVING QUALIFY AND OR NOT ON USING IN LIKE ILIKE BETWEEN AS CASE "
    b"WHEN THEN ELSE FROM JOIN IS WITH INTERVAL DIV MOD".split()
)
_ORDERS = frozenset(b"ASC ASCENDING DESC DESCENDING NULLS COLLATE".split())
_QUERY_WORDS = frozenset(b"SELECT WITH FROM EXPLAIN WATCH".split())
_ROW_WORDS = _QUERY_WORDS | {b"VALUES", b"FORMAT"}

# What was found out about so many statements of at most so many bytes is kept: parameters are bound, so a
# tail, a page and a command that is typed again send the same text, and to cut 5 kB into words takes 10 ms.
SHORT_STATEMENTS = 256
SHORT_STATEMENT = 16_384

Answer = TypeVar("Answer")


class NotOneStatement(Exception):
    """The text holds more than one statement."""


class Insert(NamedTuple):
    """An INSERT without its rows."""

    head: bytes  # up to where SETTINGS, VALUES, FORMAT or the end stood
    target: bytes  # `db.table` or `FUNCTION f(...)`
    columns: bytes  # the text between the brackets, empty when there is no list
    settings: bytes = b""  # `SETTINGS ...`, if there was such a clause


class Statement(NamedTuple):
    """One statement as the engine shall run it."""

    text: bytes
    keyword: bytes  # the first word in capitals, or the first sign
    insert: Insert | None = None  # the client sends the rows
    with_totals: bool = False


class Token(NamedTuple):
    """A word, a name in quotes, a text, a number or a sign of a statement."""

    kind: str
    text: bytes
    start: int
    end: int
    depth: int  # of brackets around it

    @property
    def word(self) -> bytes:
        return self.text.upper() if self.kind == "word" else b""


_NO_TOKEN = Token("end", b"", 0, 0, 0)


def remembered(function: Callable[[bytes], Answer]) -> Callable[[bytes], Answer]:
    """The same function of a statement, which looks at a short one once; what it raises is not kept."""
    of_short = lru_cache(SHORT_STATEMENTS)(function)

    @wraps(function)
    def asked(sql: bytes) -> Answer:
        return of_short(sql) if len(sql) <= SHORT_STATEMENT else function(sql)

    return asked


@remembered
def read_statement(sql: bytes) -> Statement:
    """Look at a statement; raises `NotOneStatement`."""
    parts = tokens(sql)
    first = next(parts, None)
    if first is None:
        return Statement(sql, b"")
    if first.word == b"INSERT":
        return Statement(sql, b"INSERT", _insert(sql, parts))
    significant = [first, *parts]
    end = len(sql)
    for number, token in enumerate(significant):
        if token.text == b";" and token.kind == "sign":
            if any(rest.text != b";" for rest in significant[number:]):
                raise NotOneStatement
            end = token.start
            del significant[number:]
            break
    with_totals = any(
        token.word == b"WITH" and following.word == b"TOTALS"
        for token, following in zip(significant, significant[1:], strict=False)
    )
    text = _without_output_clauses(sql[:end], significant)
    return Statement(text, first.word or first.text, with_totals=with_totals)


def names(columns: bytes) -> list[bytes] | None:
    """The names in an INSERT's list of columns; None if it is anything else, such as `* EXCEPT(a)`."""
    found = [b""]
    for token in tokens(columns):
        if token.kind == "word":
            found[-1] += token.text
        elif token.kind == "quoted":
            found[-1] += _unquoted(token.text)
        elif token.text == b".":
            found[-1] += b"."
        elif token.text == b",":
            found.append(b"")
        else:
            return None
    return found


def tokens(sql: bytes, position: int = 0) -> Iterator[Token]:
    """The parts of a statement, without spaces and comments."""
    depth = 0
    for match in _TOKEN.finditer(sql, position):
        kind = match.lastgroup or ""
        if kind == "tag":
            kind = "text"
        if kind == "space":
            continue
        text = match[0]
        if kind == "sign":
            if text in b"([{":
                depth += 1
            elif text in b")]}":
                depth -= 1
        yield Token(kind, text, match.start(), match.end(), depth)


def _without_output_clauses(sql: bytes, tokens: list[Token]) -> bytes:
    """Cuts FORMAT and INTO OUTFILE: over the protocol the client does both."""
    cuts: list[tuple[int, int]] = []
    for number in range(1, len(tokens) - 1):
        token, previous, following = tokens[number], tokens[number - 1], tokens[number + 1]
        if token.depth or not token.word:
            continue
        after = tokens[number + 2] if number + 2 < len(tokens) else None
        if (
            token.word == b"FORMAT"
            and following.word
            and following.word not in _ORDERS
            and (after is None or after.word == b"SETTINGS")
            and _ends_operand(previous)
        ):
            cuts.append((token.start, following.end))
        elif token.word == b"INTO" and following.word == b"OUTFILE":
            stop = next(
                (rest.start for rest in tokens[number:] if rest.word in (b"FORMAT", b"SETTINGS")), len(sql)
            )
            cuts.append((token.start, stop))
    for start, stop in reversed(cuts):
        sql = sql[:start] + sql[stop:]
    return sql


def _ends_operand(token: Token) -> bool:
    if token.kind == "word":
        return token.word not in _WANTS_OPERAND
    return token.kind != "sign" or token.text in (b")", b"]", b"}", b"*")


class _Reader:
    """Tokens with one to look ahead; lazy, because megabytes of rows may follow an INSERT."""

    def __init__(self, tokens: Iterator[Token]) -> None:
        self._tokens = tokens
        self.ahead = next(tokens, _NO_TOKEN)
        self.end = 0  # of the last token that was taken

    def take(self) -> Token:
        taken, self.ahead = self.ahead, next(self._tokens, _NO_TOKEN)
        self.end = taken.end
        return taken

    def accept(self, *words: bytes) -> bool:
        if self.ahead.word not in words:
            return False
        self.take()
        return True

    def skip_to(self, words: frozenset[bytes]) -> None:
        """Steps up to one of the words outside of brackets, or to the end of the statement."""
        while self.ahead is not _NO_TOKEN and self.ahead.text != b";":
            if not self.ahead.depth and self.ahead.word in words:
                return
            self.take()

    def brackets(self) -> int:
        """Steps over `(...)`; the position after it."""
        outside = self.take().depth - 1
        while self.ahead is not _NO_TOKEN and self.ahead.depth > outside:
            self.take()
        return self.take().end

    def name(self) -> int:
        """Steps over `db.table`; the position after it."""
        end = 0
        while True:
            end = self.brackets() if self.ahead.text == b"{" else self.take().end
            if self.ahead.text != b".":
                return end
            self.take()


def _insert(sql: bytes, found: Iterator[Token]) -> Insert | None:
    """The INSERT, if its rows are to come from the client; None if it brings them or selects them."""
    reader = _Reader(found)
    reader.accept(b"INTO")
    reader.accept(b"TABLE")
    begin = reader.ahead.start
    function = reader.accept(b"FUNCTION")
    end = reader.name()
    if function:
        end = reader.brackets()
    columns = b""
    if reader.ahead.text == b"(":
        opening = reader.ahead.end
        columns = sql[opening : reader.brackets() - 1]
        if next(tokens(columns), _NO_TOKEN).word in _QUERY_WORDS:
            return None
    reader.skip_to(_ROW_WORDS | {b"SETTINGS"})
    head = sql[: reader.end]
    settings = reader.ahead.start if reader.ahead.word == b"SETTINGS" else len(sql)
    reader.skip_to(_ROW_WORDS)
    if reader.ahead.word in _QUERY_WORDS:
        return None
    clause = sql[settings : reader.end]
    if reader.accept(b"FORMAT"):
        reader.take()
    else:
        reader.accept(b"VALUES")
    rows_in_text = reader.ahead is not _NO_TOKEN and reader.ahead.text != b";"
    return None if rows_in_text else Insert(head, sql[begin:end], columns, clause)


def _unquoted(name: bytes) -> bytes:
    quote = name[:1]
    return re.sub(rb"\\(.)", rb"\1", name[1:-1].replace(quote * 2, quote), flags=re.DOTALL)
