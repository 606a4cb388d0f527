"""All filters together, for the rows of one writer at a time."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from loghouse.filters.conditions import Condition, Writer, bound
from loghouse.filters.config import DropRule, FilterRules, LimitRule
from loghouse.filters.dropped import Gap, Gaps
from loghouse.filters.limits import Limit, window_of
from loghouse.filters.line import Line
from loghouse.filters.masks import Masks
from loghouse.linear import linear
from loghouse.query.ast import Everything

log = logging.getLogger("loghouse.filters")

OWN_SAMPLE = "logq.io/sample"  # the name of the rule that a pod asks for
REPORT = 60.0  # seconds between two lines about the same writer or rule
_SPREAD = 0x9E3779B97F4A7C15  # an odd number whose bits are well mixed


class Block(NamedTuple):
    """Whole lines of a file, or with `span` one record."""

    source: int
    offset: int
    span: int
    data: bytes


Split = Callable[[bytes], tuple[bytes, bytes] | None]
"""The stream of a line and the text as its program wrote it; None for a torn line."""


@dataclass(slots=True)
class Dropped:
    """What a rule dropped."""

    lines: int = 0
    bytes: int = 0


class Filters:
    """The rules, and what each of them did."""

    def __init__(self, rules: FilterRules) -> None:
        self.rules = rules
        self.dropped: dict[str, Dropped] = {}
        self._masks: dict[tuple[Any, ...], Masks] = {}
        self._limits = [(rule, Limit(rule.lines)) for rule in rules.limits]
        self._told: Counter[str] = Counter()
        self._tell_at = 0.0

    @property
    def masked(self) -> Counter[str]:
        """How often each mask found something."""
        return sum((masks.counts for masks in self._masks.values()), Counter())

    def of(self, writer: Writer, wrapper: str, split: Split, sample: float = 1.0) -> WriterFilters:
        """What applies to one writer; `wrapper` stands around its records, `split` takes it off.

        `sample` is the share of its records that the writer itself wants to be kept.
        """
        masks = (
            *self.rules.builtin,
            *(each.mask for each in self.rules.masks if bound(each.where, writer).always),
        )
        if masks not in self._masks:
            self._masks[masks] = Masks(masks)
        own = [DropRule(OWN_SAMPLE, Everything(), sample)] if sample < 1 else []
        drops = [*self.rules.drops, *own]
        return WriterFilters(self, writer, wrapper, split, self._masks[masks], drops, self._limits)

    def drop(self, rule: str, lines: int, size: int, subject: str) -> None:
        """Count what a rule dropped; what a limit dropped of `subject` is told once a minute."""
        dropped = self.dropped.setdefault(rule, Dropped())
        dropped.lines += lines
        dropped.bytes += size
        if subject:
            self._told[subject] += lines

    def summary(self) -> dict[str, int]:
        """What the rules did so far: how many, by what."""
        masked = {f"secrets masked ({name})": count for name, count in self.masked.items()}
        return masked | {f"lines dropped by {name}": each.lines for name, each in self.dropped.items()}

    def tell(self, now: float) -> None:
        """Say what the limits dropped since the last time, one line a minute for each namespace."""
        if not self._told or now < self._tell_at:
            return
        self._tell_at = now + REPORT
        for subject, lines in self._told.items():
            log.warning("%s: %s lines dropped", subject, f"{lines:,}")
        self._told.clear()


@dataclass(frozen=True, slots=True)
class _Drop:
    name: str
    condition: Condition
    keep: float


class WriterFilters:
    """The filters of one writer; there may be 100,000."""

    __slots__ = (
        "_candidates",
        "_drops",
        "_filters",
        "_gaps",
        "_limits",
        "_masks",
        "_split",
        "_wrapper",
        "_writer",
    )

    def __init__(
        self,
        filters: Filters,
        writer: Writer,
        wrapper: str,
        split: Split,
        masks: Masks,
        drops: Sequence[DropRule],
        limits: Sequence[tuple[LimitRule, Limit]],
    ) -> None:
        self._filters = filters
        self._wrapper = wrapper
        self._split = split
        self._masks = masks
        self._gaps = Gaps()
        self._limits = tuple((rule, limit) for rule, limit in limits if bound(rule.where, writer).always)
        self._drops = tuple(
            _Drop(rule.name, condition, rule.keep)
            for rule in drops
            if (condition := bound(rule.where, writer)).always or condition.test
        )
        # Only who drops tells of whom.
        self._writer = writer.columns if self._limits or self._drops else {}
        self._candidates = _candidates(self._drops)

    def apply(self, blocks: Sequence[Block], now: float) -> list[Block]:
        """What is kept of the blocks, with its secrets masked."""
        kept: Iterator[Block] = iter(blocks)
        if self._drops:
            kept = (part for block in kept for part in self._dropped(block))
        for rule, limit in self._limits:
            kept = (part for block in list(kept) for part in self._limited(block, rule, limit, now))
        result = [block._replace(data=self._masks.apply(block.data, bool(block.span))) for block in kept]
        self._filters.tell(now)
        return result

    @property
    def untold(self) -> int:
        """Bytes that were dropped since `gaps` was called."""
        return self._gaps.size

    def gaps(self, now: float) -> list[tuple[Gap, bytes]]:
        """What was dropped since the last call, each with the record that tells of it."""
        return [(gap, gap.record(self._writer, now)) for gap in self._gaps.take()]

    def _drop(self, rule: str, block: Block, start: int, lines: int, size: int, subject: str = "") -> None:
        self._filters.drop(rule, lines, size, subject)
        self._gaps.add(rule, block.source, block.offset + start, lines, block.span or size)

    def _dropped(self, block: Block) -> Iterator[Block]:
        if block.span:
            if self._keeps(block, 0, block.data):
                yield block
            return
        data, kept_from, position = block.data, 0, 0
        while (start := self._next(data, position)) >= 0:
            position = data.find(b"\n", start) + 1 or len(data)
            if not self._keeps(block, start, data[start:position]):
                yield from _part(block, kept_from, start)
                kept_from = position
        yield from _part(block, kept_from, len(data))

    def _next(self, data: bytes, position: int) -> int:
        """Where the next line begins that a rule may want; -1 if there is none."""
        if position >= len(data):
            return -1
        if self._candidates is None:
            return position
        match = self._candidates.search(data, position)
        return data.rfind(b"\n", position, match.start()) + 1 or position if match else -1

    def _keeps(self, block: Block, start: int, data: bytes) -> bool:
        split = self._split(data)
        line = Line(split[1], split[0]) if split else Line(data.removesuffix(b"\n"), b"")
        for drop in self._drops:
            if drop.condition.test is None or drop.condition.test(line):
                if drop.keep and _share(block.source, block.offset + start) < drop.keep:
                    continue
                lines = 1 if block.span else data.count(b"\n")
                self._drop(drop.name, block, start, lines, len(data))
                return False
        return True

    def _limited(self, block: Block, rule: LimitRule, limit: Limit, now: float) -> Iterator[Block]:
        namespace = self._writer.get("namespace", "")
        window_now = b"%d" % (now // 10)
        kept_from, position, data = 0, 0, block.data
        while position < len(data):
            window, end, lines = self._run(block, position, window_now)
            passing = limit.take(namespace, window, lines)
            if passing < lines:
                cut = position if not passing else _end_of_lines(data, position, passing)
                yield from _part(block, kept_from, cut)
                subject = f"{rule.name}: namespace {namespace or '-'} over {rule.lines:g} lines/s"
                self._drop(rule.name, block, cut, lines - passing, end - cut, subject)
                kept_from = end
            position = end
        yield from _part(block, kept_from, len(data))

    def _run(self, block: Block, start: int, window_now: bytes) -> tuple[bytes, int, int]:
        """The lines from a place on that bear the same ten seconds: those, where they end, how many."""
        data = block.data
        if block.span:
            return self._window(data, 0, window_now), len(data), 1
        window = self._window(data, start, window_now)
        end = len(data)
        # Lines are in order of time, nearly always: halve until the last line is of the same seconds.
        while self._window(data, data.rfind(b"\n", start, end - 1) + 1 or start, window_now) != window:
            middle = data.find(b"\n", (start + end) // 2) + 1
            if not start < middle < end:
                end = data.find(b"\n", start) + 1
                break
            end = middle
        return window, end, data.count(b"\n", start, end)

    def _window(self, data: bytes, start: int, window_now: bytes) -> bytes:
        if self._wrapper not in ("cri", "docker"):
            return window_now
        return window_of(data[start : data.find(b"\n", start) + 1], self._wrapper, window_now)


def _part(block: Block, start: int, end: int) -> Iterator[Block]:
    if start == 0 and end == len(block.data):
        yield block
    elif end > start:
        yield Block(block.source, block.offset + start, 0, block.data[start:end])


def _candidates(drops: Sequence[_Drop]) -> Any:
    """What finds the lines that a rule may want; None for every line."""
    needs = [drop.condition.needs for drop in drops]
    return linear("|".join(needs).encode()) if all(needs) else None


def _end_of_lines(data: bytes, start: int, lines: int) -> int:
    for _ in range(lines):
        start = data.find(b"\n", start) + 1
    return start


def _share(source: int, offset: int) -> float:
    """A number from 0 to 1 that a record keeps when it is read again."""
    mixed = ((source ^ offset) * _SPREAD) & 0xFFFFFFFFFFFFFFFF
    mixed = ((mixed ^ (mixed >> 29)) * _SPREAD) & 0xFFFFFFFFFFFFFFFF
    return (mixed >> 11) / (1 << 53)
