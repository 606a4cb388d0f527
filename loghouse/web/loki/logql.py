"""LogQL read into the tree of our own language; what has no counterpart here is an error that says so.

Every text of a query becomes a value of a node and is bound like any other. `| json`, `| logfmt` and
`| unpack` are passed over: records are taken apart when they are stored.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from loghouse.query.ast import (
    Compare,
    Contains,
    Filter,
    Has,
    In,
    InNetwork,
    Key,
    Missing,
    Not,
    Operator,
    Value,
    all_of,
    any_of,
)
from loghouse.query.timerange import parse_duration
from loghouse.web.loki.labels import Names
from loghouse.web.loki.tokens import Tokens

RANGE_FUNCTIONS = ("rate", "count_over_time", "bytes_rate", "bytes_over_time")
AGGREGATIONS = ("sum", "avg", "min", "max", "count", "topk", "bottomk")
_PASSED_OVER = ("json", "logfmt", "unpack", "decolorize")
_NEEDS_OTHERS = {
    "line_format": "records come as they were written",
    "label_format": "labels come as they are stored",
    "pattern": "name a field of the record; formats are taken apart when they are stored",
    "regexp": "name a field of the record; formats are taken apart when they are stored",
    "unwrap": "use stats in the query language of loghouse: | stats avg(took) by _time:1m",
}
_UNITS = re.compile(r"[A-Za-zµ]")


@dataclass(frozen=True, slots=True)
class Lines:
    """A log query."""

    filter: Filter | None


@dataclass(frozen=True, slots=True)
class Range:
    """`rate({...}[5m])`: a number for each stream at each moment."""

    function: str
    lines: Lines
    range_ns: int
    offset_ns: int = 0


@dataclass(frozen=True, slots=True)
class Aggregation:
    """`sum by (level) (...)`; `count` is the number of topk."""

    name: str
    inner: Metric
    by: tuple[str, ...] = ()
    count: int = 0


@dataclass(frozen=True, slots=True)
class Constant:
    """`vector(1)+vector(1)`, with which Grafana asks whether anybody is there."""

    value: float


Metric = Range | Aggregation | Constant
Query = Lines | Metric


def read(text: str, names: Names) -> Query:
    """The query; raises `QueryError` with the place of what cannot be read."""
    return _Reader(Tokens(text), names).query()


@dataclass(slots=True)
class _Reader:
    tokens: Tokens
    names: Names

    def query(self) -> Query:
        found: Query = self._lines() if self.tokens.next.text == "{" else self._metric()
        if self.tokens.next.kind != "end":
            hint = "Arithmetic of two queries is done in Grafana: add a second query and an expression"
            raise self.tokens.error("expected the end of the query", hint)
        return found

    def _metric(self) -> Metric:
        token = self.tokens.next
        if token.text in AGGREGATIONS:
            return self._aggregation()
        if token.text in RANGE_FUNCTIONS:
            return self._range()
        if token.text == "vector":
            return self._constants()
        if token.kind == "name":
            known = ", ".join((*AGGREGATIONS, *RANGE_FUNCTIONS))
            raise self.tokens.error(f'the function "{token.text}" is not known here', f"Known: {known}")
        raise self.tokens.error("expected a stream selector or a function", 'Write {namespace="prod"}')

    def _constants(self) -> Constant:
        total = 0.0
        while True:
            self.tokens.expect("vector")
            self.tokens.expect("(")
            if self.tokens.next.kind != "number":
                raise self.tokens.error("expected a number")
            total += float(self.tokens.take().text)
            self.tokens.expect(")")
            if not self.tokens.took("+"):
                return Constant(total)

    def _aggregation(self) -> Aggregation:
        name = self.tokens.take().text
        by = self._by()
        self.tokens.expect("(")
        count = 0
        if name in ("topk", "bottomk"):
            if not self.tokens.next.text.isdecimal() or int(self.tokens.next.text) > 10_000:
                raise self.tokens.error(f"expected how many series {name} keeps")
            count = int(self.tokens.take().text)
            self.tokens.expect(",")
        inner = self._metric()
        self.tokens.expect(")")
        return Aggregation(name, inner, by or self._by(), count)

    def _by(self) -> tuple[str, ...]:
        if self.tokens.next.text == "without":
            raise self.tokens.error('"without" is not known here', "Name the labels to keep: by (namespace)")
        if not self.tokens.took("by"):
            return ()
        self.tokens.expect("(")
        names: list[str] = []
        while self.tokens.next.kind == "name":
            names.append(self.tokens.name())
            if not self.tokens.took(","):
                break
        self.tokens.expect(")")
        return tuple(names)

    def _range(self) -> Range:
        function = self.tokens.take().text
        self.tokens.expect("(")
        lines = self._lines()
        self.tokens.expect("[")
        length = self._duration()
        self.tokens.expect("]")
        offset = self._duration() if self.tokens.took("offset") else 0
        self.tokens.expect(")")
        return Range(function, lines, length, offset)

    def _duration(self) -> int:
        token = self.tokens.next
        if token.kind != "duration" or token.text.endswith("y"):
            raise self.tokens.error("expected a duration", "Write it like 5m")
        length = parse_duration(self.tokens.take().text)
        if length <= 0:
            raise token.span.error("the duration is empty")
        return length

    def _lines(self) -> Lines:
        parts = self._selector()
        while True:
            if found := self.tokens.took("|=", "|~", "!=", "!~"):
                parts += self._line_filter(found.text)
            elif self.tokens.next.text in ("|>", "!>"):
                raise self.tokens.error("pattern filters are not known here", "Use |= or |~")
            elif self.tokens.took("|"):
                parts += self._stage()
            else:
                return Lines(all_of(parts) if parts else None)

    def _selector(self) -> list[Filter]:
        self.tokens.expect("{")
        parts: list[Filter] = []
        while self.tokens.next.text != "}":
            key = self.names.of_stream(self.tokens.name())
            operator = self.tokens.took("=", "!=", "=~", "!~")
            if operator is None:
                raise self.tokens.error("expected =, !=, =~ or !~")
            parts += _matcher(key, operator.text, self.tokens.string())
            if not self.tokens.took(","):
                break
        self.tokens.expect("}")
        return parts

    def _line_filter(self, operator: str) -> list[Filter]:
        texts = [self._line_text(operator)]
        while self.tokens.took("or"):
            texts.append(self._line_text(operator))
        tests = [test for test in texts if test is not None]
        if len(tests) < len(texts) or not tests:
            return []  # one of the alternatives is the empty text, which every line has
        wanted = any_of(tests)
        return [Not(wanted) if operator[0] == "!" else wanted]

    def _line_text(self, operator: str) -> Filter | None:
        raw = Key("raw")
        if self.tokens.next.text == "ip":
            self.tokens.take()
            self.tokens.expect("(")
            self.tokens.string()
            raise self.tokens.error(
                "ip() looks at lines only in Loki", 'Write a field: | client_ip = ip("10.0.0.0/8")'
            )
        text = self.tokens.string()
        if not text:
            return None
        if operator in ("|=", "!="):
            return Contains(raw, text)
        return Compare(raw, "=~", Value(text, as_text=True))

    def _stage(self) -> list[Filter]:
        token = self.tokens.next
        if token.text in _PASSED_OVER:
            self.tokens.take()
            self._skip_arguments()
            return []
        if token.text in ("drop", "keep"):
            self.tokens.take()
            self._skip_arguments()
            return []
        if token.text in _NEEDS_OTHERS:
            raise self.tokens.error(f'the stage "{token.text}" is not known here', _NEEDS_OTHERS[token.text])
        return [self._label_filter()]

    def _skip_arguments(self) -> None:
        """Names, `a="b"` and flags such as `--strict` behind a stage."""
        while self.tokens.next.kind == "name" or self.tokens.next.text in (",", "-"):
            self.tokens.take()
            if self.tokens.next.text == "=":
                self.tokens.take()
                self.tokens.string()

    def _label_filter(self) -> Filter:
        parts = [self._label_and()]
        while self.tokens.took("or"):
            parts.append(self._label_and())
        return any_of(parts)

    def _label_and(self) -> Filter:
        parts = [self._label_test()]
        while (
            self.tokens.took("and", ",") or self.tokens.next.kind == "name" and self.tokens.next.text != "or"
        ):
            parts.append(self._label_test())
        return all_of(parts)

    def _label_test(self) -> Filter:
        if self.tokens.took("("):
            inner = self._label_filter()
            self.tokens.expect(")")
            return inner
        name = self.tokens.name()
        key = self.names.of_line(name)
        operator = self.tokens.took("=", "==", "!=", "=~", "!~", ">", ">=", "<", "<=")
        if operator is None:
            raise self.tokens.error("expected a comparison")
        if self.tokens.next.text == "ip":
            return self._network(key, operator.text)
        if name == "__error__":
            self.tokens.string()
            return Has(Key("timestamp"))  # nothing here fails to be taken apart
        if self.tokens.next.kind in ("number", "duration", "size"):
            return _number(key, operator.text, self.tokens.take().text)
        parts = _matcher(key, operator.text, self.tokens.string())
        return all_of(parts) if parts else Has(Key("timestamp"))

    def _network(self, key: Key, operator: str) -> Filter:
        self.tokens.take()
        self.tokens.expect("(")
        found: Filter = InNetwork(key, self.tokens.string())
        self.tokens.expect(")")
        return Not(found) if operator == "!=" else found


def _matcher(key: Key, operator: str, text: str) -> list[Filter]:
    """A matcher as Loki means it: regular expressions are anchored, and a missing label is the empty text."""
    negated = operator in ("!=", "!~")
    if operator in ("=", "==", "!="):
        if not text:
            return [Has(key) if negated else Missing(key)]
        return [In(key, (Value(text, as_text=_is_special(text)),), negated)]
    if operator not in ("=~", "!~"):
        return [Compare(key, _ordered(operator), Value(text))]
    if text in (".*", "(?s).*"):
        return [Not(Has(Key("timestamp")))] if negated else []
    if text == ".+":
        return [Missing(key) if negated else Has(key)]
    expression = Compare(key, "=~", Value(f"^(?:{text})$", as_text=True))
    return [Not(expression) if negated else expression]


def _number(key: Key, operator: str, text: str) -> Filter:
    value = Value(text)
    if operator in ("=", "==", "!="):
        if _UNITS.search(text):
            equal: Filter = all_of([Compare(key, ">=", value), Compare(key, "<=", value)])
        else:
            equal = Compare(key, "==", value)
        return Not(equal) if operator == "!=" else equal
    return Compare(key, _ordered(operator), value)


def _ordered(operator: str) -> Operator:
    known: dict[str, Literal[">", "<", ">=", "<="]] = {">": ">", "<": "<", ">=": ">=", "<=": "<="}
    return known[operator]


def _is_special(text: str) -> bool:
    return Value(text).number is not None or Value(text).truth is not None
