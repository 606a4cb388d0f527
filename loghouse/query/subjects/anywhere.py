"""`*`: any field, column, label or the record itself."""

from loghouse.query import patterns, words
from loghouse.query.ast import Key, Operator, Span, Value
from loghouse.query.params import Params
from loghouse.query.subjects.subject import Subject
from loghouse.query.subjects.text import TextSubject

_COLUMNS = ("namespace", "pod", "container", "node", "workload", "stream", "format", "toString(level)")
_BARE_IN_JSON = r"[:\[,]\s*{}\s*[,}}\]]"  # the value of a key, or an item of a list


class AnywhereSubject(Subject):
    """Every field's text stands in `raw`, so one look at it replaces a look at each field."""

    what = "any field"

    def __init__(self, key: Key, params: Params) -> None:
        super().__init__(key)
        self._params = params
        self._raw = TextSubject(key, "raw", params, indexed=True, prose=True)
        self._message = TextSubject(key, "message", params, indexed=True, prose=True)
        self._columns = [TextSubject(key, sql, params) for sql in _COLUMNS]

    def equals(self, value: Value) -> str:
        if patterns.is_percent_pattern(value.text):
            return self._shaped(patterns.percent_pattern(value.text), any_case=False)
        return self.exactly(value)

    def exactly(self, value: Value) -> str:
        tests = [column.exactly(value) for column in [*self._columns, self._message]]
        tests.append(f"has(mapValues(labels), {self._params.text(value.text)})")
        tests.append(self._value_in_record(words.escape_regex(value.text), ""))
        if value.number is not None:
            tests.append(f"has(mapValues(numbers), {self._params.number(value.number)})")
        return _any(tests)

    def ordered(self, operator: Operator, value: Value) -> str:
        number = Value(value.text).number
        if number is None:
            raise self.cannot(
                f"compared with {operator} {value.text}", value.span, f"Write a number: * {operator} 5"
            )
        return f"arrayExists(v -> v {operator} {self._params.number(number)}, mapValues(numbers))"

    def matches(self, pattern: Value) -> str:
        bound = self._params.text(pattern.text)
        tests = [subject.matches(pattern) for subject in [*self._columns, self._raw, self._message]]
        return _any([*tests, f"arrayExists(v -> match(v, {bound}), mapValues(labels))"])

    def contains(self, text: str, span: Span) -> str:
        bound = self._params.text(text)
        tests = [subject.contains(text, span) for subject in [*self._columns, self._raw, self._message]]
        return _any([*tests, f"arrayExists(v -> position(v, {bound}) > 0, mapValues(labels))"])

    def like(self, pattern: str, any_case: bool, span: Span) -> str:
        self._raw.like(pattern, any_case, span)
        return self._shaped(pattern, any_case)

    def words(self, value: Value) -> str:
        tests = [subject.phrase(value.text) for subject in [*self._columns, self._raw, self._message]]
        in_label = words.has_words("v", value.text, self._params)
        return _any([*tests, f"arrayExists(v -> {in_label}, mapValues(labels))"])

    def glob(self, parts: tuple[str, ...], span: Span) -> str:
        return self._shaped(patterns.glob_pattern(parts), any_case=True)

    def sequence(self, texts: tuple[str, ...], span: Span) -> str:
        return _any([self._raw.sequence(texts, span), self._message.sequence(texts, span)])

    def is_null(self, span: Span) -> str:
        return self._bare_in_json("null")

    def is_bool(self, truth: bool, span: Span) -> str:
        return self._bare_in_json("true" if truth else "false")

    def present(self) -> str:
        return "1"

    def _shaped(self, pattern: str, any_case: bool) -> str:
        """Some value has the form of this LIKE pattern, from its start to its end."""
        operator, bound = "ILIKE" if any_case else "LIKE", self._params.text(pattern)
        tests = [f"{subject.sql} {operator} {bound}" for subject in [*self._columns, self._message]]
        tests.append(f"arrayExists(v -> v {operator} {bound}, mapValues(labels))")
        flags = "(?i)" if any_case else ""
        tests.append(self._value_in_record(patterns.like_regex(pattern, r'[^"\n]'), flags))
        return _any(tests)

    def _bare_in_json(self, word: str) -> str:
        return f"(format = 'json' AND match(raw, {self._params.text(_BARE_IN_JSON.format(word))}))"

    def _value_in_record(self, pattern: str, flags: str) -> str:
        """The text stands in the record where a value does."""
        value = f"(?:{pattern})"
        shapes = (
            f"^{value}$",  # the record is the value
            rf'[:=\[,]\s*"{value}"',  # a string in JSON or logfmt
            rf"=\s*{value}(?:\s|$)",  # bare in logfmt
            _BARE_IN_JSON.format(value),
        )
        return f"match(raw, {self._params.text(flags + '|'.join(shapes))})"


def _any(tests: list[str]) -> str:
    return f"({' OR '.join(tests)})"
