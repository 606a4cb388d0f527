"""What a tail remembers: enough to print nothing twice, never more than its bound."""

from loghouse.tail import KNOWN_IDENTITIES, OVERLAP_MS, _is_unmerged, _Known


def test_a_record_is_new_once() -> None:
    known = _Known()
    assert known.add(1000, 1, 0)
    assert not known.add(1000, 1, 0)
    assert known.add(1000, 2, 0)
    assert known.add(1000, 1, 5)
    assert known.count == 3


def test_what_is_older_than_the_overlap_is_forgotten_and_never_read_again() -> None:
    known = _Known()
    known.add(1000, 1, 0)
    known.add(1000 + OVERLAP_MS + 500, 1, 1)
    known.forget()
    assert (known.count, known.floor) == (1, 1500)


def test_memory_is_bounded_by_a_shorter_overlap() -> None:
    known = _Known()
    for stamp in range(3):
        for offset in range(KNOWN_IDENTITIES // 2):
            known.add(stamp, 1, offset + stamp * KNOWN_IDENTITIES)
    known.forget()
    assert known.count == KNOWN_IDENTITIES
    assert known.floor == 1  # the oldest are forgotten, so what was inserted then is not read again


def test_only_parts_of_one_insert_are_read_whole() -> None:
    assert _is_unmerged("20261121_5_5_0")
    assert not _is_unmerged("20261121_5_9_1")
    assert not _is_unmerged("20261121_5_5_0_12")
