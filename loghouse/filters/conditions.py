"""Conditions of the query language, decided in the shipper.

Bound to a writer, whatever its namespace, pod, container, workload, node and labels decide is decided once
and costs nothing for each line. What is left is asked of the lines that hold a text the condition needs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from loghouse.filters.line import Line
from loghouse.filters.texts import needed, text_test
from loghouse.linear import linear
from loghouse.query.ast import (
    And,
    Compare,
    Everything,
    FieldText,
    Filter,
    Has,
    In,
    Key,
    Missing,
    Not,
    Or,
    Regex,
    Text,
)
from loghouse.query.columns import column_of
from loghouse.query.levels import level_number
from loghouse.record import LEVELS

_OF_WRITER = frozenset(("namespace", "pod", "container", "node", "workload"))
_OF_LINE = frozenset(("stream", "format", "level", "message", "raw"))
_ORDER: Mapping[str, Callable[[int, int], bool]] = {
    "=": lambda a, b: a == b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    ">": lambda a, b: a > b,
    "<": lambda a, b: a < b,
    ">=": lambda a, b: a >= b,
    "<=": lambda a, b: a <= b,
}

LineTest = Callable[[Line], bool]


@dataclass(frozen=True, slots=True)
class Writer:
    """The constants of the records of one writer."""

    columns: Mapping[str, str]
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition for one writer: decided (`test` is None, `always` holds), or to be asked of each line.

    `needs` is an RE2 expression that every line holds for which the condition is true; '' if none is known.
    """

    always: bool = False
    test: LineTest | None = None
    needs: str = ""


_TRUE, _FALSE = Condition(True), Condition(False)


def check(node: Filter) -> None:
    """Raise QueryError for what only the store can decide."""
    _bound(node, Writer({}, {}))


def of_writer_only(node: Filter) -> bool:
    """Whether the writer alone decides it."""
    match node:
        case And() | Or():
            return all(map(of_writer_only, node.items))
        case Not():
            return of_writer_only(node.item)
        case Everything():
            return True
    key = getattr(node, "key", None)
    return isinstance(key, Key) and (key.kind == "label" or column_of(key) in _OF_WRITER)


def bound(node: Filter, writer: Writer) -> Condition:
    """What is left to decide once the writer is known."""
    return _bound(node, writer)


def _bound(node: Filter, writer: Writer) -> Condition:
    match node:
        case And():
            return _all([_bound(item, writer) for item in node.items])
        case Or():
            return _any([_bound(item, writer) for item in node.items])
        case Not():
            return _negated(_bound(node.item, writer))
        case Everything():
            return _TRUE
        case Text():
            test = text_test(node, prose=True)
            return Condition(test=lambda line: test(line.raw), needs=needed(node))
        case Regex():
            pattern = linear(node.pattern.encode(), characters=True)
            return Condition(test=lambda line: pattern.search(line.message) is not None)
        case Missing():
            return _negated(_bound(Has(node.key, span=node.span), writer))
        case _:
            return _of_key(node, node.key, writer)


def _of_key(node: Filter, key: Key, writer: Writer) -> Condition:
    if key.kind == "any":
        raise key.span.error("a rule needs the name of one field, not *")
    column = column_of(key)
    if key.kind == "label":
        return _decided(node, writer.labels.get(key.name))
    if column in _OF_WRITER:
        return _decided(node, writer.columns.get(column, ""))
    if column == "level":
        return Condition(test=_level_test(node))
    if column is not None and column not in _OF_LINE:
        raise key.span.error(f"a rule cannot ask for {key}", "It sees the record and who wrote it")
    return _of_line(node, key.name, column)


def _of_line(node: Filter, name: str, column: str | None) -> Condition:
    test = text_test(node, prose=column in ("message", "raw"), numbers=column is None)
    needs = needed(node)
    match column:
        case "raw":
            return Condition(test=lambda line: test(line.raw), needs=needs)
        case "message":
            return Condition(test=lambda line: test(line.message), needs=needs)
        case "stream":
            return Condition(test=lambda line: test(line.stream))
        case "format":
            return Condition(test=lambda line: test(line.format))
    absent = _holds_without(node)
    return Condition(
        test=lambda line: absent if (value := line.field(name)) is None else test(value), needs=needs
    )


def _decided(node: Filter, value: str | None) -> Condition:
    test = text_test(node)
    holds = _holds_without(node) if value is None else test(value.encode(errors="surrogateescape"))
    return _TRUE if holds else _FALSE


def _holds_without(node: Filter) -> bool:
    """Whether the condition is true for a record that lacks the field."""
    return getattr(node, "op", "") in ("!=", "!~") or getattr(node, "negated", False)


def _level_test(node: Filter) -> LineTest:
    match node:
        case Compare(op=op) if op in _ORDER:
            compare, wanted = _ORDER[op], _level_of(node)
            return lambda line: compare(line.level, wanted)
        case FieldText():
            wanted = _level_of(node)
            return lambda line: line.level == wanted
        case In():
            numbers = frozenset(level_number(value.text) for value in node.values)
            return lambda line: (line.level in numbers) is not node.negated
        case Has():
            return lambda line: line.level != 0
    test = text_test(node)
    return lambda line: test(LEVELS[line.level].encode())


def _level_of(node: Compare | FieldText) -> int:
    number = level_number(node.value.text)
    if number is None:
        raise node.value.span.error(
            f'"{node.value.text}" is not a level', f"Levels: {' < '.join(LEVELS[1:])}"
        )
    return number


def _all(conditions: list[Condition]) -> Condition:
    if any(each.test is None and not each.always for each in conditions):
        return _FALSE
    tests = [each for each in conditions if each.test]
    if not tests:
        return _TRUE
    asked = [each.test for each in tests if each.test]
    needs = max((each.needs for each in tests), key=len)
    return Condition(test=lambda line: all(test(line) for test in asked), needs=needs)


def _any(conditions: list[Condition]) -> Condition:
    if any(each.test is None and each.always for each in conditions):
        return _TRUE
    tests = [each for each in conditions if each.test]
    if not tests:
        return _FALSE
    asked = [each.test for each in tests if each.test]
    needs = "|".join(each.needs for each in tests) if all(each.needs for each in tests) else ""
    return Condition(test=lambda line: any(test(line) for test in asked), needs=needs)


def _negated(condition: Condition) -> Condition:
    test = condition.test
    if test is None:
        return _FALSE if condition.always else _TRUE
    return Condition(test=lambda line: not test(line))
