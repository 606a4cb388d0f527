"""Query parameters: from the form in which clients send a value to the one in which the engine takes it.

Both forms are texts with escapes, and the value never becomes a part of the SQL. A client writes a quoted
text inside of which stands the escaped text of the value: a line end comes as `'\\\\n'`.
"""

import re

_ESCAPES = {
    b"b": b"\b", b"f": b"\f", b"r": b"\r", b"n": b"\n", b"t": b"\t", b"0": b"\0", b"a": b"\a", b"v": b"\v",
    b"e": b"\x1b",
}  # fmt: skip
_ESCAPE = re.compile(rb"\\(?:x([0-9A-Fa-f]{2})|(.))", re.DOTALL)
_NOT_UTF8 = re.compile("[\udc80-\udcff]")


def parameter_text(sent: bytes) -> str:
    """The text that the engine parses as the value."""
    if len(sent) >= 2 and sent[:1] == sent[-1:] == b"'":
        sent = _ESCAPE.sub(_unescaped, sent[1:-1])
    # The engine's interface takes text; bytes that are none are written as escapes, which it reads back.
    return _NOT_UTF8.sub(_as_escape, sent.decode("utf-8", "surrogateescape"))


def _unescaped(escape: re.Match[bytes]) -> bytes:
    if escape[1] is not None:
        return bytes.fromhex(escape[1].decode("ascii"))
    return _ESCAPES.get(escape[2], escape[2])


def _as_escape(stray: re.Match[str]) -> str:
    return f"\\x{ord(stray[0]) - 0xDC00:02x}"
