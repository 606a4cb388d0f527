"""`*`: any field, column, label or the record itself."""

import re

from loghouse.formats.labels import COLUMN as LABELS
from loghouse.formats.labels import VALUES as LABEL_VALUES
from loghouse.query import patterns, words
from loghouse.query.ast import Key, Operator, Span, Value
from loghouse.query.params import Params
from loghouse.query.regex import required_text
from loghouse.query.subjects.subject import Subject
from loghouse.query.subjects.text import TextSubject

_COLUMNS = ("namespace", "pod", "container", "node", "workload", "stream", "format", "toString(level)")
_BARE_IN_JSON = r"[:\[,]\s*{}\s*[,}}\]]"  # the value of a key, or an item of a list

_AS_IN_JSON = re.compile(r"[\w.:/@ -]+", re.ASCII)  # what JSON never spells in another way


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
        tests.append(self._in_labels(f"v = {self._params.text(value.text)}", value.text))
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
        return _any([*tests, self._in_labels(f"match(v, {bound})", required_text(pattern.text))])

    def contains(self, text: str, span: Span) -> str:
        bound = self._params.text(text)
        tests = [subject.contains(text, span) for subject in [*self._columns, self._raw, self._message]]
        return _any([*tests, self._in_labels(f"position(v, {bound}) > 0", text)])

    def like(self, pattern: str, any_case: bool, span: Span) -> str:
        self._raw.like(pattern, any_case, span)
        return self._shaped(pattern, any_case)

    def words(self, value: Value) -> str:
        tests = [subject.phrase(value.text) for subject in [*self._columns, self._raw, self._message]]
        tokens = words.whole_tokens(value.text, starts=True, ends=True)
        in_label = words.has_words("v", value.text, self._params)
        return _any([*tests, self._in_labels(in_label, *tokens[:1])])

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
        literal = max(re.split(r"[%_\\]", pattern), key=len)
        tests.append(self._in_labels(f"v {operator} {bound}", literal))
        flags = "(?i)" if any_case else ""
        tests.append(self._value_in_record(patterns.like_regex(pattern, r'[^"\n]'), flags))
        return _any(tests)

    def _in_labels(self, test: str, required: str = "") -> str:
        """The value `v` of some label meets the test. In one that does stands `required`, in any case."""
        found = f"arrayExists(v -> {test}, {LABEL_VALUES})"
        if not _AS_IN_JSON.fullmatch(required):
            return found
        # Of each different text of labels once, where those after it are looked at record by record.
        return f"(positionCaseInsensitive({LABELS}, {self._params.text(required)}) > 0 AND {found})"

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
