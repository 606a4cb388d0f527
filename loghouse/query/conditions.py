"""A filter as one SQL condition: `resolve` says what a key means, its subject how it is tested."""

from collections.abc import Callable
from typing import assert_never

from loghouse.query.ast import (
    And,
    Compare,
    Contains,
    During,
    Everything,
    FieldText,
    Filter,
    Glob,
    Has,
    In,
    InNetwork,
    IsBool,
    IsNull,
    Key,
    Like,
    Missing,
    Not,
    Or,
    Range,
    Regex,
    Sequence,
    Text,
    Value,
)
from loghouse.query.subjects.subject import Subject

Resolve = Callable[[Key], Subject]


def condition(node: Filter, resolve: Resolve) -> str:
    """SQL that is 1 for the rows the filter wants and 0, never NULL, for the others."""
    match node:
        case And():
            return _joined(" AND ", node.items, resolve)
        case Or():
            return _joined(" OR ", node.items, resolve)
        case Not():
            return _not(condition(node.item, resolve), True)
        case Everything():
            return "1"
        case Text():
            return _text(node, resolve)
        case Regex():
            key = Key("message", span=node.span)
            return resolve(key).matches(Value(node.pattern, span=node.span))
        case Compare():
            return _compare(node, resolve(node.key))
        case In():
            return _not(resolve(node.key).one_of(node.values), node.negated)
        case Contains():
            return _not(resolve(node.key).contains(node.text, node.span), node.negated)
        case Like():
            return _not(resolve(node.key).like(node.pattern, node.any_case, node.span), node.negated)
        case Range():
            return _range(node, resolve(node.key))
        case IsNull():
            subject = resolve(node.key)
            return subject.is_not_null(node.span) if node.negated else subject.is_null(node.span)
        case _:
            return _test(node, resolve(node.key))


def _test(
    node: FieldText | Glob | Has | Missing | During | InNetwork | Sequence | IsBool, subject: Subject
) -> str:
    """A test that is the subject's own."""
    match node:
        case FieldText():
            return subject.words(node.value)
        case Glob():
            return subject.glob(node.parts, node.span)
        case Has():
            return subject.present()
        case Missing():
            return _not(subject.present(), True)
        case During():
            return subject.during(node.period)
        case InNetwork():
            return subject.in_network(node.network, node.span)
        case Sequence():
            return subject.sequence(node.texts, node.span)
        case IsBool():
            return subject.is_bool(node.truth, node.span)
    assert_never(node)


def _text(node: Text, resolve: Resolve) -> str:
    """A word is looked for in the whole record."""
    subject = resolve(Key("raw", span=node.span))
    if node.prefix:
        return subject.glob((node.text, ""), node.span)
    return subject.words(Value.read(node.text, True, node.span))


def _compare(node: Compare, subject: Subject) -> str:
    match node.op:
        case "=" | "!=":
            return _not(subject.equals(node.value), node.op == "!=")
        case "==":
            return subject.exactly(node.value)
        case "=~" | "!~":
            return _not(subject.matches(node.value), node.op == "!~")
        case _:
            return subject.ordered(node.op, node.value)


def _range(node: Range, subject: Subject) -> str:
    tests = []
    if node.low is not None:
        tests.append(subject.ordered(">=" if node.with_low else ">", node.low))
    if node.high is not None:
        tests.append(subject.ordered("<=" if node.with_high else "<", node.high))
    return f"({' AND '.join(tests)})"


def _joined(word: str, items: tuple[Filter, ...], resolve: Resolve) -> str:
    return f"({word.join(condition(item, resolve) for item in items)})"


def _not(sql: str, negated: bool) -> str:
    return f"NOT ({sql})" if negated else sql
