"""A query in plain words, for people who wonder what they asked."""

from __future__ import annotations

from loghouse.query import Query
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
)
from loghouse.query.columns import column_of

_OPERATORS = {
    "=": "is",
    "==": "is exactly",
    "!=": "is not",
    "=~": "matches the expression",
    "!~": "does not match the expression",
    ">": "is greater than",
    "<": "is less than",
    ">=": "is at least",
    "<=": "is at most",
}


def read_aloud(query: Query) -> str:
    """The filter as a sentence, then the stages as they are written."""
    records = "all records" if query.filter is None else f"records {_spoken(query.filter)}"
    return "; then ".join([records, *map(str, query.stages)])


def _spoken(node: Filter) -> str:
    match node:
        case And():
            return ", and ".join(map(_grouped, node.items))
        case Or():
            return ", or ".join(map(_grouped, node.items))
        case Not():
            return f"for which it is not true: {_grouped(node.item)}"
        case Everything():
            return "of any kind"
        case Text():
            what = "phrase" if " " in node.text else "word"
            longer = " or a longer one that begins so" if node.prefix else ""
            return f'with the {what} "{node.text}"{longer}, any case'
        case Regex():
            return f"whose message matches the expression {node.pattern}"
        case Compare():
            return f'whose {_named(node.key)} {_OPERATORS[node.op]} "{node.value.text}"'
        case FieldText():
            return f'whose {_named(node.key)} holds "{node.value.text}", any case'
        case Glob():
            return f'whose {_named(node.key)} looks like "{"*".join(node.parts)}", any case'
        case In():
            values = ", ".join(f'"{value.text}"' for value in node.values)
            return f"whose {_named(node.key)} is {'none' if node.negated else 'one'} of {values}"
        case Contains():
            return f'whose {_named(node.key)} {"lacks" if node.negated else "holds"} "{node.text}", same case'
        case Like():
            case_ = "any case" if node.any_case else "same case"
            return f'whose {_named(node.key)} is {_not(node.negated)}like "{node.pattern}", {case_}'
        case IsNull():
            return f"whose {_named(node.key)} is there and {_not(node.negated)}null"
        case IsBool():
            return f"whose {_named(node.key)} is {str(node.truth).lower()}"
        case Has():
            return f"that have a {_named(node.key)}"
        case Missing():
            return f"without a {_named(node.key)}"
        case Range():
            return f"whose {_named(node.key)} lies in {str(node).partition(':range')[2]}"
        case During():
            return f"written during {node.period.text}"
        case InNetwork():
            return f"whose {_named(node.key)} is an address in {node.network}"
        case Sequence():
            return f"whose {_named(node.key)} holds, in this order, {', '.join(node.texts)}"


def _grouped(node: Filter) -> str:
    return f"({_spoken(node)})" if isinstance(node, (And, Or)) else _spoken(node)


def _named(key: Key) -> str:
    match key.kind:
        case "label":
            return f"label {key.name}"
        case "any":
            return "any field"
    column = column_of(key)
    return f"field {key.name}" if column is None else column


def _not(negated: bool) -> str:
    return "not " if negated else ""
