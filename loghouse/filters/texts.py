"""Tests of the query language on one text, with the meaning that they have in the store."""

from __future__ import annotations

from collections.abc import Callable

from loghouse.linear import linear
from loghouse.query import patterns, words
from loghouse.query.ast import (
    Compare,
    Contains,
    FieldText,
    Filter,
    Glob,
    Has,
    In,
    Like,
    Range,
    Sequence,
    Text,
    Value,
)

Test = Callable[[bytes], bool]

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">": lambda a, b: a > b,
    "<": lambda a, b: a < b,
    ">=": lambda a, b: a >= b,
    "<=": lambda a, b: a <= b,
}


def text_test(node: Filter, *, prose: bool = False, numbers: bool = False) -> Test:
    """The test of a condition as a function of the text it is about.

    `prose` says that the text is the message or the record, `numbers` that it may be a number, as fields may.
    Raises QueryError for tests that only the store makes.
    """
    match node:
        case Text():
            return _searched("(?i)" + words.phrase_regex(node.text, node.prefix))
        case FieldText():
            found = _searched("(?i)" + words.phrase_regex(node.value.text))
            return _either(found, _number_test(node.value) if numbers else None)
        case Compare():
            return _compare(node, numbers)
        case In():
            tests = [_equals(value, numbers, percent=False) for value in node.values]
            return _not(lambda text: any(test(text) for test in tests), node.negated)
        case Contains():
            wanted = node.text.encode()
            return _not(lambda text: wanted in text, node.negated)
        case Like():
            return _not(_like(node.pattern, node.any_case), node.negated)
        case Glob():
            if prose and len(node.parts) == 2 and not node.parts[1]:
                return _searched("(?i)" + words.phrase_regex(node.parts[0], prefix=True))
            return _like(patterns.glob_pattern(node.parts), any_case=True)
        case Sequence():
            return _searched(words.sequence_regex(node.texts))
        case Has():
            return lambda text: text != b""
        case Range() if numbers:
            return _range(node)
    raise node.span.error(f"a rule cannot decide: {node}", "Only the store can; see docs/shipping.md")


def needed(node: Filter) -> str:
    """An RE2 expression that every line holds for which the condition is true; '' if none is known."""
    match node:
        case Text():
            return _longest(node.text, starts=True, ends=not node.prefix)
        case FieldText() if node.value.number is None:
            return _longest(node.value.text, starts=True, ends=True)
        case Compare(op="=") if node.value.number is None and not patterns.is_percent_pattern(
            node.value.text
        ):
            return _longest(patterns.without_escapes(node.value.text), starts=True, ends=True)
        case Compare(op="==") if node.value.number is None:
            return _longest(node.value.text, starts=True, ends=True)
        case Contains() if not node.negated:
            return _longest(node.text, starts=False, ends=False)
        case Glob():
            return max((_longest(part, starts=False, ends=False) for part in node.parts), key=len)
    return ""


def _longest(text: str, *, starts: bool, ends: bool) -> str:
    found = words.whole_tokens(text, starts=starts, ends=ends)
    return f"(?i:{words.escape_regex(found[0])})" if found else ""


def _compare(node: Compare, numbers: bool) -> Test:
    match node.op:
        case "=" | "!=":
            return _not(_equals(node.value, numbers, percent=True), node.op == "!=")
        case "==":
            return _equals(node.value, numbers, percent=False)
        case "=~" | "!~":
            return _not(_searched(node.value.text), node.op == "!~")
    bound = Value(node.value.text).number
    if bound is None or not numbers:
        raise node.value.span.error(
            f"a rule cannot compare {node.key} {node.op} {node.value}",
            "It compares fields with plain numbers",
        )
    compare = _COMPARE[node.op]
    return lambda text: (number := _number(text)) is not None and compare(number, bound)


def _equals(value: Value, numbers: bool, *, percent: bool) -> Test:
    if percent and patterns.is_percent_pattern(value.text):
        return _like(patterns.percent_pattern(value.text), any_case=False)
    wanted = (patterns.without_escapes(value.text) if percent else value.text).encode()
    return _either(lambda text: text == wanted, _number_test(value) if numbers else None)


def _number_test(value: Value) -> Test | None:
    wanted = value.number
    return None if wanted is None else lambda text: _number(text) == wanted


def _range(node: Range) -> Test:
    bounds = []
    for value, operator in (
        (node.low, ">=" if node.with_low else ">"),
        (node.high, "<=" if node.with_high else "<"),
    ):
        if value is not None:
            number = Value(value.text).number
            if number is None:
                raise value.span.error(f'"{value.text}" is not a number')
            bounds.append((_COMPARE[operator], number))
    return lambda text: (
        (number := _number(text)) is not None and all(compare(number, bound) for compare, bound in bounds)
    )


def _number(text: bytes) -> float | None:
    return Value(text.decode()).number if text[:1] in b"-0123456789" and text.isascii() and text else None


def _like(pattern: str, any_case: bool) -> Test:
    # One character is several bytes; bytes that are no character are matched by % all the same.
    characters = "_" in pattern or not pattern.isascii()
    expression = f"(?s{'i' if any_case else ''})^{patterns.like_regex(pattern, '.')}$"
    regex = linear(expression.encode(), characters=characters)
    return lambda text: regex.search(text) is not None


def _searched(pattern: str) -> Test:
    regex = linear(pattern.encode(), characters=True)
    return lambda text: regex.search(text) is not None


def _either(test: Test, other: Test | None) -> Test:
    return test if other is None else lambda text: test(text) or other(text)


def _not(test: Test, negated: bool) -> Test:
    return (lambda text: not test(text)) if negated else test
