"""What of a query can be marked in the records it finds."""

from __future__ import annotations

import re
from collections.abc import Iterator

from loghouse.query.ast import And, Contains, FieldText, Filter, Or, Regex, Text


def highlight(node: Filter | None) -> re.Pattern[str] | None:
    """A pattern for the words and texts that the filter looks for; None when it looks for none."""
    parts = list(dict.fromkeys(_patterns(node))) if node is not None else []
    try:
        return re.compile("|".join(sorted(parts, key=len, reverse=True))) if parts else None
    except re.error:  # an expression that ClickHouse understands and Python does not
        return None


def _patterns(node: Filter) -> Iterator[str]:
    match node:
        case And() | Or():
            for item in node.items:
                yield from _patterns(item)
        case Text():
            yield _words(node.text, node.prefix)
        case FieldText():
            yield _words(node.value.text, prefix=False)
        case Contains(negated=False):
            yield re.escape(node.text)
        case Regex():
            yield f"(?:{node.pattern})"


def _words(text: str, prefix: bool) -> str:
    end = "[A-Za-z0-9]*" if prefix else "(?![A-Za-z0-9])"
    return f"(?i:(?<![A-Za-z0-9]){re.escape(text)}{end})"
