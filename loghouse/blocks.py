"""Which blocks of a table were read: the unit in which ClickHouse makes an insert visible.

Every insert gets a number within the table, its block. A part is named `partition_first_last_level` after the
blocks it was merged from, and its rows know their own: the setting `enable_block_number_column` keeps the
column `_block_number` through merges. So the names of the parts, which cost next to nothing to ask for, say
exactly what is new, however much was merged meanwhile.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple


class Part(NamedTuple):
    """The blocks of one part, both ends included. `shard` is 0 unless a Distributed table answers."""

    shard: int
    name: str
    partition: str
    first: int
    last: int


class Blocks(NamedTuple):
    """Neighbouring blocks of one partition, both ends included."""

    shard: int
    partition: str
    first: int
    last: int


def part(shard: int, name: str) -> Part:
    """A part by its name; a mutation has appended a number, which changes nothing here."""
    partition, first, last, *_ = name.split("_")
    return Part(shard, name, partition, int(first), int(last))


@dataclass(slots=True)
class Covered:
    """What was read: sorted ranges without neighbours. A number no insert got counts once a part spans it."""

    _ranges: dict[tuple[int, str], list[tuple[int, int]]] = field(default_factory=dict)

    def add(self, blocks: Part | Blocks) -> None:
        """These were read."""
        ranges = self._ranges.setdefault((blocks.shard, blocks.partition), [])
        first, last = blocks.first, blocks.last
        at = bisect_left(ranges, first, key=lambda known: known[1] + 1)
        end = at
        while end < len(ranges) and ranges[end][0] <= last + 1:
            first, last = min(first, ranges[end][0]), max(last, ranges[end][1])
            end += 1
        ranges[at:end] = [(first, last)]

    def missing(self, blocks: Part | Blocks) -> Iterator[Blocks]:
        """The pieces of these that were not read."""
        first = blocks.first
        ranges = self._ranges.get((blocks.shard, blocks.partition), [])
        for known_first, known_last in ranges[bisect_left(ranges, first, key=lambda known: known[1]) :]:
            if known_first > blocks.last:
                break
            if first < known_first:
                yield Blocks(blocks.shard, blocks.partition, first, known_first - 1)
            first = known_last + 1
        if first <= blocks.last:
            yield Blocks(blocks.shard, blocks.partition, first, blocks.last)
