"""The tests that a condition can make, and what happens when a subject does not know one."""

from loghouse.errors import QueryError
from loghouse.query.ast import Key, Operator, Span, Value


class Subject:
    """Something with a value in each row; every method gives an SQL condition that is never NULL.

    Negation is not its business: `!=` is the opposite of `equals`, and so keeps rows that lack the field.
    """

    what = "this field"

    def __init__(self, key: Key) -> None:
        self.key = key

    def cannot(self, test: str, span: Span, hint: str = "") -> QueryError:
        """The error for a test that makes no sense here."""
        return span.error(f"{self.key} is {self.what} and cannot be {test}", hint or self.advice)

    @property
    def advice(self) -> str:
        """What to write instead."""
        return ""

    def equals(self, value: Value) -> str:
        """`=`: a number or text, `%` is a wildcard."""
        raise self.cannot("compared with =", value.span)

    def exactly(self, value: Value) -> str:
        """`==`: the same text, or the same number."""
        return self.equals(value)

    def one_of(self, values: tuple[Value, ...]) -> str:
        """`in`: exactly one of these."""
        return f"({' OR '.join(self.exactly(value) for value in values)})"

    def ordered(self, operator: Operator, value: Value) -> str:
        """`>`, `<`, `>=`, `<=`."""
        raise self.cannot(f"compared with {operator}", value.span)

    def matches(self, pattern: Value) -> str:
        """`=~`."""
        raise self.cannot("matched with a regular expression", pattern.span)

    def contains(self, text: str, span: Span) -> str:
        """`contains`, same case."""
        raise self.cannot("searched for text", span)

    def like(self, pattern: str, any_case: bool, span: Span) -> str:
        """`like`, `ilike`."""
        raise self.cannot("compared with like", span)

    def words(self, value: Value) -> str:
        """`key:word`."""
        return self.equals(value)

    def glob(self, parts: tuple[str, ...], span: Span) -> str:
        """`key:a*b`."""
        raise self.cannot("compared with a pattern", span)

    def sequence(self, texts: tuple[str, ...], span: Span) -> str:
        """`key:seq("a", "b")`."""
        raise self.cannot("searched for words", span)

    def during(self, period: Value) -> str:
        """`_time:5m`."""
        raise self.cannot("compared with a period of time", period.span)

    def in_network(self, network: str, span: Span) -> str:
        """`key:ip(10.0.0.0/8)`."""
        raise self.cannot("compared with a network", span)

    def is_null(self, span: Span) -> str:
        """Present, with the value null."""
        raise self.cannot("null", span, f"Ask for an empty one: missing({self.key})")

    def is_not_null(self, span: Span) -> str:
        """Present, with another value."""
        raise self.cannot("null", span, f"Ask for one that is not empty: has({self.key})")

    def is_bool(self, truth: bool, span: Span) -> str:
        """The boolean true or false."""
        raise self.cannot("true or false", span)

    def present(self) -> str:
        """`has(key)`: there and not empty."""
        raise self.cannot("missing", self.key.span)
