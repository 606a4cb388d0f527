"""Plain files: a line is its text."""

from functools import cache
from typing import Any

from loghouse.linear import linear


class PlainLayout:
    """One stream, nothing around the text."""

    newline = b"\n"
    streams: tuple[bytes, ...] = (b"",)

    def pattern(self, trigger: bytes, streams: frozenset[bytes]) -> Any:
        return _pattern(trigger, bool(streams))

    def split(self, line: bytes) -> tuple[bytes, int, int] | None:
        return b"", 0, len(line) - (2 if line.endswith(b"\r\n") else 1)

    def written(self, text: bytes) -> bytes:
        return text

    def marker(self, stream: bytes) -> bytes:
        return b"\n"


@cache
def _pattern(trigger: bytes, any_line: bool) -> Any:
    if any_line:
        return linear(rb"\n")
    text = trigger.replace(b"<T>", rb"\t").replace(b"<S>", rb"[ \t]").replace(b"<E>", rb"\r?\n")
    return linear(rb"\n(?:" + text + b")")
