"""A stream of bytes as rows for `ingest`: whole lines, parts of records joined as the shipper does."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field

from loghouse.ship.cri import CriGrammar, looks_like_cri
from loghouse.ship.docker import DockerGrammar, looks_like_docker
from loghouse.ship.partials import Grammar, Joiner, Piece

MAX_LINE = 1 << 20  # a longer line is cut
LOOK_BACK = 1 << 18  # bytes at the end of a chunk in which a line with a time is looked for

# A line that says when it was written. The lines after it, such as those of a stack trace, belong to it, so a
# chunk is cut before such a line.
_STAMPED = re.compile(rb"\n(?=\{|[^\n]{0,100}?\d\d:\d\d:\d\d)")
_GRAMMARS: dict[str, Grammar] = {"cri": CriGrammar(), "docker": DockerGrammar()}


@dataclass(slots=True)
class Lines:
    """Cuts the bytes of one file into pieces of whole lines; `source` is its number in the store."""

    source: int
    wrapper: str = ""  # known with the first line
    cut: int = 0  # lines that were too long
    _rest: bytes = b""
    _offset: int = 0  # of the rest in the file
    _skipping: bool = False  # the end of a line that was cut
    _joiner: Joiner | None = field(default=None, init=False)

    def feed(self, data: bytes, hold: bool) -> list[Piece]:
        """What is complete with these bytes. `hold` keeps back the last record, which may have more lines."""
        if self._skipping:
            end = data.find(b"\n") + 1
            self._offset += end or len(data)
            if not end:
                return []
            self._skipping, data = False, data[end:]
        data = self._rest + data
        self._rest = data
        if not self.wrapper and b"\n" in data:
            self._recognise(data[: data.index(b"\n") + 1])
        end = self._end_of_lines(data, hold)
        if end:
            self._rest = data[end:]
            return self._given(data if end == len(data) else data[:end])
        if len(data) <= MAX_LINE or b"\n" in data:
            return []
        self._rest, self._skipping = b"", True
        self.cut += 1
        pieces = self._given(data[:MAX_LINE] + b"\n")
        self._offset += len(data) - MAX_LINE - 1
        return pieces

    def finish(self) -> list[Piece]:
        """What is left at the end of the file, with or without a newline."""
        pieces: list[Piece] = []
        if self._rest:
            data, self._rest = self._rest, b""
            if not self.wrapper:
                self._recognise(data)
            pieces = self._given(data if data.endswith(b"\n") else data + b"\n")
        return pieces + (self._joiner.flush(time.monotonic()) if self._joiner is not None else [])

    def _recognise(self, first_line: bytes) -> None:
        if looks_like_docker(first_line):
            self.wrapper = "docker"
        else:
            self.wrapper = "cri" if looks_like_cri(first_line) else "plain"
        if self.wrapper in _GRAMMARS:
            self._joiner = Joiner(_GRAMMARS[self.wrapper], self._one_cut)

    def _end_of_lines(self, data: bytes, hold: bool) -> int:
        if hold and self.wrapper == "plain":
            start = max(0, len(data) - LOOK_BACK)
            last = -1
            for match in _STAMPED.finditer(data, start):
                last = match.start()
            if last >= 0:
                return last + 1
        return data.rfind(b"\n") + 1

    def _given(self, data: bytes) -> list[Piece]:
        offset = self._offset
        self._offset += len(data)
        if self._joiner is None:
            return [Piece(self.source, offset, 0, data)]
        return self._joiner.feed(self.source, offset, data, time.monotonic())

    def _one_cut(self) -> None:
        self.cut += 1
