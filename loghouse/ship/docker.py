"""Docker json-file lines: `{"log":"text\\n","stream":"stdout",...,"time":"..."}`.

A line whose text does not end with a newline is a part. Texts are joined as they are, escaped.
"""

import re
from collections.abc import Iterable
from functools import cache
from typing import Any

from loghouse.linear import linear
from loghouse.ship.partials import Line

_START = b'{"log":"'
_FIRST_LINE = re.compile(rb'\{"(?:log|stream)":"')
# An unescaped quote cannot stand inside the text, so this is where the text ends.
_FULL_END = rb"\n" + b'","stream":"'
_DOUBTFUL_END = rb"\\n" + b'","stream":"'  # a newline, or the letter n after a backslash
_NOT_FULL = rb'(?:(?<!\\n","stream":")|(?<=\\\\n","stream":"))'


def _text_end(streams: bytes) -> re.Pattern[bytes]:
    return re.compile(rb'","stream":"(?:' + streams + rb')"')


_NEXT = {
    frozenset[bytes](): _text_end(_NOT_FULL + rb"(?:stdout|stderr)"),
    frozenset([b"stdout"]): _text_end(rb"stdout|" + _NOT_FULL + rb"stderr"),
    frozenset([b"stderr"]): _text_end(rb"stderr|" + _NOT_FULL + rb"stdout"),
    frozenset([b"stdout", b"stderr"]): _text_end(rb"stdout|stderr"),
}


def looks_like_docker(first_line: bytes) -> bool:
    return _FIRST_LINE.match(first_line) is not None and b'"time":"' in first_line


class DockerGrammar:
    """Finds the lines of a chunk that take part in joining."""

    def next_line(self, chunk: bytes, position: int, waiting: Iterable[bytes]) -> Line | None:
        streams = frozenset(waiting)
        if position == 0 and not streams and _is_whole(chunk):
            return None
        pattern = _NEXT[streams]
        while match := pattern.search(chunk, position):
            line = _line(chunk, match.start())
            if line is None:
                position = match.end()
            elif not line.final or line.stream in streams:
                return line
            else:
                position = line.end
        return None

    def cut(self, text: bytes, size: int) -> bytes:
        kept = text[:size]
        escape = kept.rfind(b"\\", -6)  # the longest escape, \\u0000, must not be cut in two
        return kept[: len(kept[: escape + 1].rstrip(b"\\"))] if escape >= 0 else kept


class DockerLayout:
    """Whole lines: where the text of each is, escaped and without its line end."""

    newline = rb"\n"
    streams: tuple[bytes, ...] = (b"stdout", b"stderr")

    def pattern(self, trigger: bytes, streams: frozenset[bytes]) -> Any:
        return _layout_pattern(trigger, bool(streams))

    def split(self, line: bytes) -> tuple[bytes, int, int] | None:
        end = line.find(b'","stream":"')
        if end < 0 or not line.startswith(_START):
            return None
        stream = line[end + len(b'","stream":"') :].split(b'"', 1)[0]
        return stream, len(_START), end - 2 if _ends_with_newline(line[len(_START) : end]) else end

    def written(self, text: bytes) -> bytes:
        return text.replace(rb"\t", b"\t").replace(rb"\"", b'"') if b"\\" in text else text

    def marker(self, stream: bytes) -> bytes:
        return b'","stream":"' + stream + b'"'


@cache
def _layout_pattern(trigger: bytes, any_line: bool) -> Any:
    if any_line:
        return linear(rb"\n\{")
    text = trigger.replace(b"<T>", rb"\\t").replace(b"<S>", rb"(?: |\\t)").replace(b"<E>", rb'\\n"')
    return linear(rb'\n\{"log":"(?:' + text + b")")


def _is_whole(chunk: bytes) -> bool:
    """No line of the chunk is a part; to know it takes far less than to look for one."""
    return chunk.count(_FULL_END) == chunk.count(b"\n") and _DOUBTFUL_END not in chunk


def _line(chunk: bytes, text_end: int) -> Line | None:
    """The line whose text ends there; None if what was found is not the end of a text."""
    start = chunk.rfind(b"\n", 0, text_end) + 1
    end = chunk.find(b"\n", text_end) + 1
    if not chunk.startswith(_START, start) or chunk.find(b'","stream":"', start) != text_end:
        return None
    text = chunk[start + len(_START) : text_end]
    after = chunk[text_end:end]
    return Line(
        start=start,
        end=end,
        stream=after[len(b'","stream":"') :].split(b'"', 1)[0],
        final=_ends_with_newline(text),
        before=_START,
        text=text,
        after=after,
    )


def _ends_with_newline(text: bytes) -> bool:
    if not text.endswith(rb"\n"):
        return False
    backslashes = len(text) - 1 - len(text[:-1].rstrip(b"\\"))
    return backslashes % 2 == 1
