"""Regular expressions that are compiled when they are first used.

The language knows a hundred of them and a query needs ten; to compile all takes a twentieth of a search.
"""

import re
from typing import Any, cast


class _LateRegex:
    """Stands for the compiled expression and keeps each method of it that was asked for."""

    def __init__(self, text: str, flags: int) -> None:
        self._text = text
        self._flags = flags

    def __getattr__(self, name: str) -> Any:
        found = getattr(re.compile(self._text, self._flags), name)
        setattr(self, name, found)
        return found


def late_regex(text: str, flags: int = 0) -> re.Pattern[str]:
    """Like `re.compile`, which is called when something is looked for with it."""
    return cast("re.Pattern[str]", _LateRegex(text, flags))
