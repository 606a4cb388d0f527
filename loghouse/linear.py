"""Regular expressions over bytes that take time linear in the text, whatever the expression: RE2."""

from typing import Any

import re2

_STATES = 32 << 20  # bytes for the states that RE2 makes as it goes; beyond that it starts over


def linear(expression: bytes, *, characters: bool = False) -> Any:
    """The compiled expression; its matches are bytes. Raises ValueError for what is none.

    It sees single bytes, or with `characters` those of UTF-8.
    """
    options = re2.Options()
    options.encoding = re2.Options.Encoding.UTF8 if characters else re2.Options.Encoding.LATIN1
    options.max_mem = _STATES
    options.log_errors = False
    try:
        return re2.compile(expression, options)
    except re2.error as error:
        raise ValueError(f"not a regular expression of RE2: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    reason = error.args[0] if error.args else error
    return reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
