"""Text from strangers made harmless for a terminal.

Nothing in a log line may move the cursor, change colours, write to the clipboard or turn the text around.
"""

from __future__ import annotations

import re

# C0 without tab and newline, DEL, C1, marks that turn the direction of text, line separators that are not a
# newline, the byte order mark, lone surrogates and invisible tags.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)


def visible(text: str) -> str:
    """`text` with every control character spelled out, as in `\\x1b[31m`; tabs and newlines stay."""
    return text if text.isprintable() else _UNSAFE.sub(_spelled, text)


def one_line(text: str) -> str:
    """`text` as `visible`, with newlines spelled out as well."""
    return visible(text).replace("\n", "\\n")


def decoded(text: str | bytes) -> str:
    """Text for people: bytes that are not UTF-8 are spelled out as `\\xff`."""
    return text.decode("utf-8", "backslashreplace") if isinstance(text, bytes) else text


def _spelled(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
