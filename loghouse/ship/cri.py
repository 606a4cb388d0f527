"""CRI log lines (containerd, CRI-O): `timestamp stream tag text`; the tag P marks a part, F the last one.

Tags may be a list separated by colons, of which the first counts.
"""

import re
from collections.abc import Iterable
from functools import cache
from typing import Any

from loghouse.linear import linear
from loghouse.ship.partials import Line

_FIRST_LINE = re.compile(rb"\d{4}-\d\d-\d\dT[^ \n]{9,26} (?:stdout|stderr) [FP](?::[^ \n]*)? ?")
_PARTIAL = linear(rb"\n[^ \n]{20,35} std(?:out|err) P[ :\n]")


def _line_start(streams_and_tags: bytes) -> re.Pattern[bytes]:
    # The leading newline keeps the search fast: the engine looks for that byte first.
    return re.compile(rb"\n([^ \n]{20,35}) " + streams_and_tags + rb"(?::[^ \n]*)?(?: |(?=\n))")


_NEXT = {
    frozenset[bytes](): _line_start(rb"(?P<stream>stdout|stderr) (?P<tag>P)"),
    frozenset([b"stdout"]): _line_start(rb"(?P<stream>stdout|stderr(?= P)) (?P<tag>[FP])"),
    frozenset([b"stderr"]): _line_start(rb"(?P<stream>stderr|stdout(?= P)) (?P<tag>[FP])"),
    frozenset([b"stdout", b"stderr"]): _line_start(rb"(?P<stream>stdout|stderr) (?P<tag>[FP])"),
}


def looks_like_cri(first_line: bytes) -> bool:
    return _FIRST_LINE.match(first_line) is not None


class CriGrammar:
    """Finds the lines of a chunk that take part in joining."""

    def next_line(self, chunk: bytes, position: int, waiting: Iterable[bytes]) -> Line | None:
        waiting = frozenset(waiting)
        pattern = _NEXT[waiting]
        if position == 0:
            # The first line has no newline before it.
            head = b"\n" + chunk[: chunk.find(b"\n") + 1]
            if match := pattern.match(head):
                return _line(chunk, match, 0, match.end() - 1)
        start = max(position - 1, 0)
        if not waiting:
            # Parts are rare, and RE2 passes over what is between them several times faster.
            part = _PARTIAL.search(chunk, start)
            if part is None:
                return None
            start = part.start()
        match = pattern.search(chunk, start)
        return _line(chunk, match, match.start() + 1, match.end()) if match else None

    def cut(self, text: bytes, size: int) -> bytes:
        return text[:size]


class CriLayout:
    """Whole lines: where the text of each is."""

    newline = b"\n"
    streams: tuple[bytes, ...] = (b"stdout", b"stderr")

    def pattern(self, trigger: bytes, streams: frozenset[bytes]) -> Any:
        return _layout_pattern(trigger, streams)

    def split(self, line: bytes) -> tuple[bytes, int, int] | None:
        stamp_end = line.find(b" ")
        stream = line[stamp_end + 1 : stamp_end + 7]
        tag = line[stamp_end + 7 : stamp_end + 10]
        if stamp_end < 19 or stream not in self.streams or tag not in (b" F ", b" F:", b" F\n"):
            return None
        text = line.find(b" ", stamp_end + 9) + 1 or len(line) - 1
        return stream, text, len(line) - 1

    def written(self, text: bytes) -> bytes:
        return text

    def marker(self, stream: bytes) -> bytes:
        return b" " + stream + b" F"


@cache
def _layout_pattern(trigger: bytes, streams: frozenset[bytes]) -> Any:
    tag = rb" F(?::[^ \n]*)?"
    text = trigger.replace(b"<T>", rb"\t").replace(b"<S>", rb"[ \t]").replace(b"<E>", rb"\n")
    others = b"|".join(stream for stream in CriLayout.streams if stream not in streams)
    kinds = [b"(?:" + others + b")" + tag + b" (?:" + text + b")"] if others else []
    kinds.extend(stream + tag + rb"[ \n]" for stream in sorted(streams))
    return linear(rb"\n[^ \n]{20,35} (?:" + b"|".join(kinds) + b")")


def _line(chunk: bytes, match: re.Match[bytes], start: int, text: int) -> Line:
    end = chunk.find(b"\n", text) + 1
    stream = match["stream"]
    return Line(
        start=start,
        end=end,
        stream=stream,
        final=match["tag"] == b"F",
        before=match[1] + b" " + stream + b" F ",
        text=chunk[text : end - 1],
        after=b"\n",
    )
