"""The tree of a query's filter: frozen nodes that know their place in the text and their canonical spelling.

`str(node)` parses back to an equal node. Places do not take part in comparison. The nodes of stages live
with their stage, in `stages/`.
"""

import math
import re
from collections.abc import Iterator
from typing import Literal, TypeAlias

from msgspec import Struct

from loghouse.errors import QueryError
from loghouse.query import spelling

_SPECIAL = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?|true|false")


class Span(Struct, frozen=True):
    """A place in the text of a query, end exclusive.

    All places are equal: a node is the same wherever it stands.
    """

    text: str = ""
    start: int = 0
    end: int = 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Span)

    def __hash__(self) -> int:
        return 0

    def error(self, message: str, hint: str = "") -> QueryError:
        """An error that points at this place."""
        return QueryError(_short(message), self.text, self.start, self.end, _short(hint))


NOWHERE = Span()


class Placed(Struct, frozen=True, kw_only=True):
    """A part of a query that knows its place."""

    span: Span = NOWHERE


class Key(Placed, frozen=True):
    """What a condition looks at.

    `plain` is a known column, an alias or a field of the record; `label` a pod label; `literal` (written in
    backticks) always a field of the record; `any` every field, column and label at once.
    """

    name: str
    kind: Literal["plain", "label", "literal", "any"] = "plain"

    @property
    def shown(self) -> str:
        """The name that a column of a table, or a field on the screen, has."""
        return self.name if self.kind == "literal" else str(self)

    def __str__(self) -> str:
        match self.kind:
            case "label":
                return f"~{self.name}"
            case "literal":
                return f"`{self.name}`"
            case "any":
                return "*"
        return self.name


class Value(Placed, frozen=True):
    """An operand. `as_text` is set when quotes keep a number or a truth value from being read as one."""

    text: str
    as_text: bool = False

    @classmethod
    def read(cls, text: str, in_quotes: bool, span: Span = NOWHERE) -> "Value":
        """The value as written; quotes only matter where they change the meaning."""
        return cls(text, in_quotes and _SPECIAL.fullmatch(text) is not None, span=span)

    @property
    def number(self) -> float | None:
        """The number this value is, if all of it is one and it was not quoted."""
        if self.as_text or self.text in ("true", "false") or not _SPECIAL.fullmatch(self.text):
            return None
        number = float(self.text)
        return number if math.isfinite(number) else None

    @property
    def truth(self) -> bool | None:
        """True or False if the value is that word, unquoted."""
        return None if self.as_text else {"true": True, "false": False}.get(self.text)

    def __str__(self) -> str:
        return spelling.quoted(self.text) if self.as_text else spelling.value(self.text)


class Everything(Placed, frozen=True):
    """`*`: each record."""

    def __str__(self) -> str:
        return "*"


class Text(Placed, frozen=True):
    """A word or a phrase anywhere in the record, any case; with `prefix`, its last word may go on."""

    text: str
    prefix: bool = False

    def __str__(self) -> str:
        return spelling.word(self.text) + "*" * self.prefix


class Regex(Placed, frozen=True):
    """`~"regex"`: the expression matches somewhere in the message."""

    pattern: str

    def __str__(self) -> str:
        return "~" + spelling.quoted(self.pattern)


Operator: TypeAlias = Literal["=", "==", "!=", "=~", "!~", ">", "<", ">=", "<="]


class Compare(Placed, frozen=True):
    """`key op value`."""

    key: Key
    op: Operator
    value: Value

    def __str__(self) -> str:
        # Between slashes a bare value would be read as /regex/flags.
        delimited = self.op in ("=~", "!~") and self.value.text.startswith("/")
        return f"{self.key} {self.op} {spelling.quoted(self.value.text) if delimited else self.value}"


class FieldText(Placed, frozen=True):
    """`key:word`, `key:"a phrase"`: the words in that field, any case."""

    key: Key
    value: Value

    def __str__(self) -> str:
        value = self.value
        spelled = spelling.quoted(value.text) if value.as_text else spelling.colon_value(value.text)
        return f"{self.key}:{spelled}"


class Glob(Placed, frozen=True):
    """`key:/health*`: the whole field, any case; the stars stand between `parts`."""

    key: Key
    parts: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.key}:{spelling.glob(self.parts)}"


class In(Placed, frozen=True):
    """`key in (a, b)`: equal to one of them."""

    key: Key
    values: tuple[Value, ...]
    negated: bool = False

    def __str__(self) -> str:
        return f"{self.key} {_not(self.negated)}in ({', '.join(map(str, self.values))})"


class Contains(Placed, frozen=True):
    """`key contains "x"`: that text, same case."""

    key: Key
    text: str
    negated: bool = False

    def __str__(self) -> str:
        return f"{self.key} {_not(self.negated)}contains {spelling.quoted(self.text)}"


class Like(Placed, frozen=True):
    """`key like "a%b_"` and `ilike`: SQL patterns."""

    key: Key
    pattern: str
    any_case: bool = False
    negated: bool = False

    def __str__(self) -> str:
        operator = "ilike" if self.any_case else "like"
        return f"{self.key} {_not(self.negated)}{operator} {spelling.quoted(self.pattern)}"


class IsNull(Placed, frozen=True):
    """`key is null`: present with the JSON value null; negated: present with another value."""

    key: Key
    negated: bool = False

    def __str__(self) -> str:
        return f"{self.key} is {_not(self.negated)}null"


class IsBool(Placed, frozen=True):
    """`key is true`, `key is false`."""

    key: Key
    truth: bool

    def __str__(self) -> str:
        return f"{self.key} is {'true' if self.truth else 'false'}"


class Has(Placed, frozen=True):
    """`has(key)`, `key:*`: present and not empty."""

    key: Key

    def __str__(self) -> str:
        return f"has({self.key})"


class Missing(Placed, frozen=True):
    """`missing(key)`, `key:""`: absent or empty."""

    key: Key

    def __str__(self) -> str:
        return f"missing({self.key})"


class Range(Placed, frozen=True):
    """`key:range[a, b)`, `key:[a TO b]`; None is an open end."""

    key: Key
    low: Value | None
    high: Value | None
    with_low: bool = True
    with_high: bool = True

    def __str__(self) -> str:
        opening, closing = "[" if self.with_low else "(", "]" if self.with_high else ")"
        return f"{self.key}:range{opening}{_bound(self.low)}, {_bound(self.high)}{closing}"


class During(Placed, frozen=True):
    """`_time:5m`, `_time:yesterday`, `_time:2026-08-01`: inside that period."""

    key: Key
    period: Value

    def __str__(self) -> str:
        return f"{self.key}:{spelling.colon_value(self.period.text)}"


class InNetwork(Placed, frozen=True):
    """`key:ip(10.0.0.0/8)`: an address of that network."""

    key: Key
    network: str

    def __str__(self) -> str:
        return f"{self.key}:ip({self.network})"


class Sequence(Placed, frozen=True):
    """`key:seq("a", "b")`: these words or phrases, in this order, any case."""

    key: Key
    texts: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.key}:seq({', '.join(map(spelling.quoted, self.texts))})"


class Not(Placed, frozen=True):
    """Records that do not match, those that lack the field among them."""

    item: "Filter"

    def __str__(self) -> str:
        return f"not {_grouped(self.item, (And, Or))}"


class And(Placed, frozen=True):
    """All of them; made by `all_of`, which never nests one in another."""

    items: tuple["Filter", ...]

    def __str__(self) -> str:
        return " and ".join(_grouped(item, (Or,)) for item in self.items)


class Or(Placed, frozen=True):
    """At least one; made by `any_of`, which never nests one in another."""

    items: tuple["Filter", ...]

    def __str__(self) -> str:
        return " or ".join(map(str, self.items))


Filter: TypeAlias = (
    Everything
    | Text
    | Regex
    | Compare
    | FieldText
    | Glob
    | In
    | Contains
    | Like
    | IsNull
    | IsBool
    | Has
    | Missing
    | Range
    | During
    | InNetwork
    | Sequence
    | Not
    | And
    | Or
)


def all_of(items: list[Filter], span: Span = NOWHERE) -> Filter:
    """One filter that wants all of these; `items` is not empty."""
    flat: list[Filter] = []
    for item in items:
        flat.extend(item.items if isinstance(item, And) else [item])
    return flat[0] if len(flat) == 1 else And(tuple(flat), span=span)


def any_of(items: list[Filter], span: Span = NOWHERE) -> Filter:
    """One filter that wants one of these; `items` is not empty."""
    flat: list[Filter] = []
    for item in items:
        flat.extend(item.items if isinstance(item, Or) else [item])
    return flat[0] if len(flat) == 1 else Or(tuple(flat), span=span)


def keys_of(node: object) -> Iterator[Key]:
    """Every key that a tree of nodes, or of stages, names, in the order of the text."""
    if isinstance(node, Key):
        yield node
    elif isinstance(node, tuple):
        for item in node:
            yield from keys_of(item)
    elif isinstance(node, Struct):
        for name in node.__struct_fields__:
            if name not in ("span", "text"):
                yield from keys_of(getattr(node, name))


def _short(message: str) -> str:
    """A message that quotes a very long value, without its middle."""
    return message if len(message) <= 400 else f"{message[:120]} ... {message[-60:]}"


def _not(negated: bool) -> str:
    return "not " if negated else ""


def _bound(value: Value | None) -> str:
    return "*" if value is None else str(value)


def _grouped(item: Filter, looser: tuple[type, ...]) -> str:
    return f"({item})" if isinstance(item, looser) else str(item)
