"""CRI log lines (containerd, CRI-O): `timestamp stream tag text`; the tag P marks a part, F the last one.

Tags may be a list separated by colons, of which the first counts.
"""

import re
from collections.abc import Iterable

from loghouse.ship.partials import Line

_FIRST_LINE = re.compile(rb"\d{4}-\d\d-\d\dT[^ \n]{9,26} (?:stdout|stderr) [FP](?::[^ \n]*)? ?")
_ANY_PARTIAL = re.compile(rb" std(?:out|err) P[ :]")


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

    def has_partials(self, chunk: bytes) -> bool:
        return _ANY_PARTIAL.search(chunk) is not None

    def next_line(self, chunk: bytes, position: int, waiting: Iterable[bytes]) -> Line | None:
        pattern = _NEXT[frozenset(waiting)]
        if position == 0:
            # The first line has no newline before it.
            head = b"\n" + chunk[: chunk.find(b"\n") + 1]
            if match := pattern.match(head):
                return _line(chunk, match, 0, match.end() - 1)
        match = pattern.search(chunk, max(position - 1, 0))
        return _line(chunk, match, match.start() + 1, match.end()) if match else None

    def cut(self, text: bytes, size: int) -> bytes:
        return text[:size]


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
