"""Patterns of namespaces, as a filter of queries and as the condition of a row policy. Both are anchored."""

from __future__ import annotations

import re
from collections.abc import Sequence

from loghouse.errors import UsageError
from loghouse.formats.view import quoted
from loghouse.query import Filter
from loghouse.query.ast import Compare, In, Key, Value, any_of

EVERYTHING = "*"

_PATTERN = re.compile(r"[A-Za-z0-9_.*-]{1,253}")
_NAMESPACE = Key("namespace")
# Beside no namespace at all there is none of this name: names of namespaces hold no spaces.
_NOWHERE = "no namespace"


def check_pattern(pattern: str) -> str:
    """The pattern itself: a namespace, `*` in it stands for any text. Raises `UsageError`."""
    if not _PATTERN.fullmatch(pattern):
        raise UsageError(
            f'"{pattern}" is not a pattern of namespaces', "Write a name, or one with *: prod, shop-*"
        )
    return pattern


def namespace_filter(patterns: Sequence[str]) -> Filter | None:
    """What somebody with these patterns may read: None is everything, no pattern is nothing.

    Names are compared as they are written and as a whole: `prod` does not grant `nonprod` or `Prod`.
    """
    if EVERYTHING in patterns:
        return None
    exact = tuple(Value(pattern, as_text=True) for pattern in patterns if "*" not in pattern)
    parts: list[Filter] = []
    if exact or not patterns:
        parts.append(In(_NAMESPACE, exact or (Value(_NOWHERE),)))
    expression = _expression([pattern for pattern in patterns if "*" in pattern])
    if expression:
        parts.append(Compare(_NAMESPACE, "=~", Value(expression, as_text=True)))
    return any_of(parts)


def namespace_sql(patterns: Sequence[str]) -> str:
    """The same as text of SQL for statements that cannot bind values."""
    if EVERYTHING in patterns:
        return "1"
    exact = [quoted(pattern) for pattern in patterns if "*" not in pattern]
    parts = [f"namespace IN ({', '.join(exact)})"] if exact else []
    expression = _expression([pattern for pattern in patterns if "*" in pattern])
    if expression:
        parts.append(f"match(namespace, {quoted(expression)})")
    return " OR ".join(parts) or "0"


def _expression(patterns: Sequence[str]) -> str:
    """A regular expression of RE2; `$` would also match before a newline at the end."""
    if not patterns:
        return ""
    alternatives = "|".join("(?s:.*)".join(map(re.escape, pattern.split("*"))) for pattern in patterns)
    return rf"\A(?:{alternatives})\z"
