"""SQL patterns (`%`, `_`) and globs (`*`)."""

import re

from loghouse.query.words import escape_regex

_UNESCAPED_PERCENT = re.compile(r"(?<!\\)%")


def is_percent_pattern(text: str) -> bool:
    """The operand of `=` asks for a pattern: it has a `%` that is not written `\\%`."""
    return _UNESCAPED_PERCENT.search(text) is not None


def percent_pattern(text: str) -> str:
    """The LIKE pattern of an operand of `=`: only `%` is a wildcard there, `_` and `\\` are themselves."""
    kept = text.replace("\\%", "\0")
    return kept.replace("\\", "\\\\").replace("_", "\\_").replace("\0", "\\%")


def without_escapes(text: str) -> str:
    """The text that an operand of `=` without wildcards means."""
    return text.replace("\\%", "%")


def glob_pattern(parts: tuple[str, ...]) -> str:
    """The LIKE pattern of a glob whose stars stand between the parts."""
    return "%".join(escape_like(part) for part in parts)


def escape_like(text: str) -> str:
    """The text as a LIKE pattern that matches only it."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def valid_like(pattern: str) -> bool:
    """ClickHouse can run it: a backslash at the end escapes nothing."""
    trailing = len(pattern) - len(pattern.rstrip("\\"))
    return trailing % 2 == 0


def like_regex(pattern: str, any_char: str) -> str:
    """The RE2 pattern of a LIKE pattern; its wildcards stand for characters of the class `any_char`."""
    regex, escaped = "", False
    for char in pattern:
        if escaped or char not in "%_\\":
            regex += ("" if not escaped or char in "%_\\" else escape_regex("\\")) + escape_regex(char)
            escaped = False
        elif char == "\\":
            escaped = True
        else:
            regex += f"{any_char}*" if char == "%" else any_char
    return regex
