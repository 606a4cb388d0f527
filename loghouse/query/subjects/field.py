"""A field: it may hold text, a number, a truth value or null, or not be there."""

from collections.abc import Iterable

from loghouse.query import units, words
from loghouse.query.ast import Key, Operator, Span, Value
from loghouse.query.params import Params
from loghouse.query.subjects.reading import Reading
from loghouse.query.subjects.text import TextSubject


class FieldSubject(TextSubject):
    """Its text, and the same as a number where it is one."""

    what = "a field"

    def __init__(self, key: Key, reading: Reading, params: Params) -> None:
        guards = (reading.guard,) if reading.guard else ()
        super().__init__(key, reading.text, params, guards=guards, indexed=reading.indexed)
        self._reading = reading
        self.guard = reading.guard
        self.guarded_text = reading.guarded_text
        self.number = reading.number
        self.has_number = reading.has_number

    def equals(self, value: Value) -> str:
        typed = self._typed(value)
        return super().equals(value) if typed is None else self._either(typed, value)

    def exactly(self, value: Value) -> str:
        typed = self._typed(value)
        return super().exactly(value) if typed is None else self._either(typed, value)

    def one_of(self, values: tuple[Value, ...]) -> str:
        numbers = [self.params.number(value.number) for value in values if value.number is not None]
        if not numbers:
            return super().one_of(values)
        return (
            f"(({self.has_number} AND {self.number} IN ({', '.join(numbers)})) OR {super().one_of(values)})"
        )

    def words(self, value: Value) -> str:
        typed = self._typed(value)
        if typed is None:
            return super().words(value)
        return f"({typed} OR {super().words(value)})"

    def ordered(self, operator: Operator, value: Value) -> str:
        number = Value(value.text).number
        if number is not None:
            return f"({self.has_number} AND {self.number} {operator} {self.params.number(number)})"
        quantity = units.quantity(value.text)
        if quantity is None:
            raise value.span.error(
                f'"{value.text}" is not a number, so {operator} cannot compare with it',
                "Write a number, with a unit if it has one: 500, 500ms, 20KB",
            )
        return self._quantity(operator, *quantity)

    def is_null(self, span: Span) -> str:
        return self._reading.null

    def is_not_null(self, span: Span) -> str:
        return f"({self._reading.exists} AND NOT {self._reading.null})"

    def is_bool(self, truth: bool, span: Span) -> str:
        return self.guarded(f"{self.sql} = '{'true' if truth else 'false'}' AND {self._reading.boolean}")

    def guarded(self, condition: str, found: Iterable[str] = (), *, may_be_empty: bool = False) -> str:
        """The condition; if the empty text can meet it, only where the field is there."""
        there = f"{condition} AND ({self.sql} != '' OR {self._reading.exists})" if may_be_empty else condition
        return super().guarded(there, found)

    def tokens_of(self, text: str) -> list[str]:
        # The record may write the same number as 5, 5.0 or 5e0.
        return [] if Value(text).number is not None else super().tokens_of(text)

    def _typed(self, value: Value) -> str | None:
        """The field as a number or a truth value is this one; None if the value is neither."""
        if value.number is not None:
            return f"({self.has_number} AND {self.number} = {self.params.number(value.number)})"
        return None if value.truth is None else self.is_bool(value.truth, value.span)

    def _either(self, typed: str, value: Value) -> str:
        found = words.whole_tokens(value.text, starts=True, ends=True)
        return f"({typed} OR {self.guarded(f'{self.sql} = {self.params.text(value.text)}', found)})"

    def _quantity(self, operator: Operator, dimension: units.Dimension, amount: float) -> str:
        bound = self.params.number(amount)
        text = units.text_quantity_sql(self.sql, dimension)
        tests = [self.guarded(f"ifNull({text} {operator} {bound}, 0)")]
        unit = units.unit_of_field(self.key.name)
        if unit is not None and unit[0] == dimension:
            tests.append(f"({self.has_number} AND {self.number} * {unit[1]!r} {operator} {bound})")
        return f"({' OR '.join(tests)})"
