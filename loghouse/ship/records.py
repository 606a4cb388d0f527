"""From physical lines to records: the runtime's parts are joined first, then the lines of one event."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import orjson

from loghouse.ship.cri import CriGrammar, CriLayout
from loghouse.ship.docker import DockerGrammar, DockerLayout
from loghouse.ship.events import Events, Layout
from loghouse.ship.offsets import Waits
from loghouse.ship.partials import Grammar, Joiner, Piece, merged
from loghouse.ship.plain import PlainLayout
from loghouse.ship.problems import Problems
from loghouse.ship.traces import Rules

Unwrap = Callable[[bytes], tuple[bytes, bytes] | None]

PART_TIMEOUT = 5.0  # seconds of silence after which the parts of a record are the record
EVENT_TIMEOUT = 1.0  # seconds of silence after which the lines of an event are the event

_GRAMMARS: dict[str, Grammar] = {"cri": CriGrammar(), "docker": DockerGrammar()}
_LAYOUTS: dict[str, Layout] = {"cri": CriLayout(), "docker": DockerLayout()}
_PLAIN = PlainLayout()


class Records:
    """The records of one lineage that are not complete yet."""

    def __init__(self, wrapper: str, rules: Rules | None, problems: Problems) -> None:
        self.wrapper = wrapper
        grammar = _GRAMMARS.get(wrapper)
        self._joiner = (
            Joiner(grammar, lambda: problems.count("records longer than 1 MiB cut")) if grammar else None
        )
        self._events = (
            Events(
                _LAYOUTS.get(wrapper, _PLAIN), rules, lambda: problems.count("long events stored in pieces")
            )
            if rules
            else None
        )

    @property
    def waiting(self) -> bool:
        """Whether anything waits for what belongs to it."""
        return bool(self.waits())

    def feed(self, piece: Piece, now: float) -> list[Piece]:
        """Whole physical lines in, what is complete out; each line exactly once."""
        pieces = [piece]
        if self._joiner and not piece.span:
            pieces = self._joiner.feed(piece.source, piece.offset, piece.data, now)
        return self._event_pieces(pieces, now)

    def flush(self, now: float, parts_before: float, lines_before: float) -> list[Piece]:
        """What has waited since before these times, as it is."""
        parts = self._joiner.flush(parts_before) if self._joiner else []
        pieces = self._event_pieces(parts, now)
        return pieces + self._events.flush(lines_before) if self._events else pieces

    def waits(self) -> Waits:
        """What a restart needs to wait on: the ranges of lines and parts, by stream, in their order."""
        lines = self._events.waits() if self._events else {}
        parts = self._joiner.waits() if self._joiner else {}
        return {
            stream: merged((*lines.get(stream, ()), *parts.get(stream, ()))) for stream in {**lines, **parts}
        }

    def _event_pieces(self, pieces: list[Piece], now: float) -> list[Piece]:
        if self._events is None:
            return pieces
        return [each for piece in pieces for each in self._events.feed(piece, now)]


@cache
def unwrapped(wrapper: str) -> Unwrap:
    """How to take off what stands around a record: gives its stream and its text; None for a torn line."""
    if wrapper == "docker":
        return _of_docker
    layout = _LAYOUTS.get(wrapper, _PLAIN)

    def of_layout(line: bytes) -> tuple[bytes, bytes] | None:
        split = layout.split(line)
        return (split[0], line[split[1] : split[2]]) if split else None

    return of_layout


def _of_docker(line: bytes) -> tuple[bytes, bytes] | None:
    try:
        value = orjson.loads(line)
        return value["stream"].encode(), value["log"].removesuffix("\n").encode()
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        return None
