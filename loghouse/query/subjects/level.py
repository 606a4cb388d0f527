"""The level: compared by its place in the order, under any of its spellings."""

from loghouse.query import patterns
from loghouse.query.ast import Key, Operator, Span, Value
from loghouse.query.levels import SPELLINGS, level_number
from loghouse.query.params import Params
from loghouse.query.subjects.subject import Subject
from loghouse.query.subjects.text import TextSubject
from loghouse.query.suggest import did_you_mean
from loghouse.record import LEVELS


class LevelSubject(Subject):
    """An expression that is the number of a level."""

    what = "a level"

    def __init__(self, key: Key, number: str, name: str, params: Params) -> None:
        super().__init__(key)
        self._number = number
        self._params = params
        self._name = TextSubject(key, name, params)

    @property
    def advice(self) -> str:
        return f"Write: {self.key} >= warning"

    def equals(self, value: Value) -> str:
        if patterns.is_percent_pattern(value.text):
            return self._name.equals(value)
        return self.ordered("=", value)

    def exactly(self, value: Value) -> str:
        return self.ordered("=", value)

    def ordered(self, operator: Operator, value: Value) -> str:
        number = level_number(value.text)
        if number is None:
            raise value.span.error(
                f'"{value.text}" is not a level{did_you_mean(value.text, SPELLINGS)}',
                f"Levels: {' < '.join(LEVELS[1:])}. The record's own field: `{self.key.name}`",
            )
        return f"{self._number} {operator} {self._params.bind(number, 'Int8')}"

    def matches(self, pattern: Value) -> str:
        return self._name.matches(pattern)

    def contains(self, text: str, span: Span) -> str:
        return self._name.contains(text, span)

    def like(self, pattern: str, any_case: bool, span: Span) -> str:
        return self._name.like(pattern, any_case, span)

    def glob(self, parts: tuple[str, ...], span: Span) -> str:
        return self._name.glob(parts, span)

    def present(self) -> str:
        return f"{self._number} != 0"
