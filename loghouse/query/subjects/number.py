"""A column of numbers that a stage has made."""

from loghouse.query.ast import Key, Operator, Span, Value
from loghouse.query.params import Params
from loghouse.query.subjects.subject import Subject


class NumberSubject(Subject):
    """A numeric expression that may be NULL; NULL meets no comparison."""

    what = "a number"

    def __init__(self, key: Key, sql: str, params: Params) -> None:
        super().__init__(key)
        self._sql = sql
        self._params = params

    @property
    def advice(self) -> str:
        return f"Write: {self.key} > 5"

    def equals(self, value: Value) -> str:
        return self.ordered("=", value)

    def ordered(self, operator: Operator, value: Value) -> str:
        number = Value(value.text).number
        if number is None:
            raise value.span.error(f'"{value.text}" is not a number, and {self.key} is one', self.advice)
        return f"ifNull({self._sql} {operator} {self._params.number(number)}, 0)"

    def present(self) -> str:
        return f"isNotNull({self._sql})"

    def is_null(self, span: Span) -> str:
        return f"isNull({self._sql})"

    def is_not_null(self, span: Span) -> str:
        return f"isNotNull({self._sql})"
