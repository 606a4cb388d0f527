"""Which blocks a tail still has to read: every number once, whatever was merged with what."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from loghouse.blocks import Blocks, Covered, part

DAY = "20261121"


def missing(covered: Covered, name: str, shard: int = 0) -> list[tuple[int, int]]:
    return [(blocks.first, blocks.last) for blocks in covered.missing(part(shard, name))]


def covering(*names: str) -> Covered:
    covered = Covered()
    for name in names:
        covered.add(part(0, name))
    return covered


def test_the_name_of_a_part_says_which_blocks_it_holds() -> None:
    assert part(0, f"{DAY}_5_9_2")[2:] == (DAY, 5, 9)
    assert part(0, f"{DAY}_5_9_2_12")[2:] == (DAY, 5, 9)


def test_a_merge_of_what_was_read_brings_nothing() -> None:
    covered = covering(f"{DAY}_1_4_1", f"{DAY}_5_5_0", f"{DAY}_6_6_0")
    assert missing(covered, f"{DAY}_1_6_2") == []
    assert missing(covered, f"{DAY}_1_6_2_7") == []


def test_a_block_that_was_merged_before_it_was_seen_is_missing() -> None:
    covered = covering(f"{DAY}_1_4_1", f"{DAY}_6_6_0")
    assert missing(covered, f"{DAY}_1_8_2") == [(5, 5), (7, 8)]


def test_partitions_and_shards_have_numbers_of_their_own() -> None:
    covered = covering(f"{DAY}_1_4_1")
    assert missing(covered, "20261122_1_4_1") == [(1, 4)]
    assert missing(covered, f"{DAY}_1_4_1", shard=2) == [(1, 4)]


@given(
    st.lists(st.tuples(st.integers(1, 60), st.integers(0, 8)), max_size=30),
    st.integers(1, 60),
    st.integers(0, 30),
)
def test_ranges_know_what_a_set_of_numbers_knows(added: list[tuple[int, int]], first: int, more: int) -> None:
    covered, numbers = Covered(), set[int]()
    for start, length in added:
        covered.add(Blocks(0, DAY, start, start + length))
        numbers.update(range(start, start + length + 1))
    asked = Blocks(0, DAY, first, first + more)
    found = [number for blocks in covered.missing(asked) for number in range(blocks.first, blocks.last + 1)]
    assert found == [number for number in range(first, first + more + 1) if number not in numbers]
