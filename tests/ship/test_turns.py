"""Whose turn it is: nobody waits for all the others."""

from pathlib import Path

import pytest
from shipping import Runtime

from loghouse.ship.discover import Discovery
from loghouse.ship.follow import Lineage
from loghouse.ship.offsets import Offsets
from loghouse.ship.problems import Problems
from loghouse.ship.turns import Turns


@pytest.fixture
def lineages(tmp_path: Path) -> list[Lineage]:
    problems = Problems()
    (tmp_path / "state").mkdir()
    offsets = Offsets(str(tmp_path / "state"), problems)
    for number in range(6):
        Runtime(tmp_path / "pods", f"app-{number}").write(b"start")
    found = Discovery([str(tmp_path / "pods")], "node-1", problems).scan()
    offsets.close()
    return [Lineage(each, "node-1", offsets, problems) for each in found.values()]


def test_new_ones_and_those_that_are_due_alternate(lineages: list[Lineage]) -> None:
    turns, (followed, *new) = Turns(), lineages
    turns.schedule(followed, 1)
    for lineage in new:
        turns.add(lineage)
    given = []
    for now in range(1, 11):
        given.append(turns.take(now))
        if given[-1] is followed:
            turns.schedule(followed, now)
    assert [each for each in given if each is not followed] == new
    assert given.count(followed) == 5
    assert not any(given[n] is given[n + 1] for n in range(9))


def test_turns_are_in_the_order_of_their_times(lineages: list[Lineage]) -> None:
    turns = Turns()
    for number, lineage in enumerate(lineages):
        turns.schedule(lineage, 10 - number)
    assert turns.next_at(0) == 5
    assert turns.take(4) is None
    assert [turns.take(10) for _ in lineages] == lineages[::-1]
    assert turns.next_at(10) is None


def test_the_last_turn_that_was_given_counts(lineages: list[Lineage]) -> None:
    turns, (first, second, *_) = Turns(), lineages
    turns.schedule(first, 5)
    turns.schedule(first, 3)
    turns.add(second)
    turns.schedule(second, 4)
    given = [turns.take(10) for _ in range(4)]
    assert [each for each in given if each] == [first, second]
    assert turns.next_at(10) is None
