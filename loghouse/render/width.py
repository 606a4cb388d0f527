"""How many columns of a terminal a text takes."""

from __future__ import annotations

import unicodedata

_ZERO_WIDTH = ("Mn", "Me", "Cf")


def width(text: str) -> int:
    """Columns of `text`, which holds no control characters: 2 for wide letters, 0 for combining marks."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def cut(text: str, columns: int) -> str:
    """The longest beginning of `text` that fits into `columns`."""
    if text.isascii():
        return text[:columns]
    used = 0
    for place, character in enumerate(text):
        used += _columns(character)
        if used > columns:
            return text[:place]
    return text


def _columns(character: str) -> int:
    if character.isascii():
        return 1
    if unicodedata.category(character) in _ZERO_WIDTH:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
