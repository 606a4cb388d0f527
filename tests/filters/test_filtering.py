"""Filters on the way from files to rows: what is kept keeps its place, what is not is counted."""

import logging
from collections.abc import Sequence

import pytest

from loghouse.filters import filters as filters_module
from loghouse.filters.conditions import Writer
from loghouse.filters.config import DropRule, FilterRules, LimitRule, MaskRule
from loghouse.filters.filters import Block, Filters, WriterFilters
from loghouse.filters.masks import SECRETS, Mask
from loghouse.query import parse
from loghouse.query.ast import Everything, Filter
from loghouse.ship.records import unwrapped

WRITER = Writer({"namespace": "shop", "pod": "web-0", "container": "web", "workload": "web", "node": "n"}, {})


def where(text: str) -> Filter:
    return parse(text).filter or Everything()


def of(rules: FilterRules, writer: Writer = WRITER, wrapper: str = "cri") -> tuple[Filters, WriterFilters]:
    filters = Filters(rules)
    return filters, filters.of(writer, wrapper, unwrapped(wrapper))


def line(text: str, second: float = 0.0) -> bytes:
    minutes, seconds = divmod(second, 60)
    return f"2026-11-20T08:{int(minutes):02}:{seconds:06.3f}000000Z stdout F {text}\n".encode()


def kept(blocks: Sequence[Block], data: bytes) -> list[str]:
    """The texts of what is left; every block must hold the bytes of its place."""
    for block in blocks:
        assert len(data[block.offset : block.offset + (block.span or len(block.data))]) == (
            block.span or len(block.data)
        )
        if not block.span:
            assert block.data == data[block.offset : block.offset + len(block.data)]
    return [each.split(b" ", 3)[3].decode() for block in blocks for each in block.data.splitlines()]


def drops(*texts: str, keep: float = 0.0) -> FilterRules:
    return FilterRules(builtin=(), drops=tuple(DropRule(text, where(text), keep) for text in texts))


def test_lines_that_a_rule_names_are_dropped_and_counted() -> None:
    data = b"".join(line(text) for text in ("a", "probe 1", "b", "probe 2", "probe 3", "c"))
    filters, writer = of(drops("probe"))
    blocks = writer.apply([Block(7, 0, 0, data)], 0.0)
    assert kept(blocks, data) == ["a", "b", "c"]
    assert filters.dropped["probe"].lines == 3
    assert filters.dropped["probe"].bytes == len(data) - sum(len(block.data) for block in blocks)


def test_a_chunk_without_what_a_rule_needs_is_the_same_object() -> None:
    data = b"".join(line(f"all is well {number}") for number in range(100))
    _, writer = of(drops("probe", "level:debug probe"))
    (block,) = writer.apply([Block(7, 0, 0, data)], 0.0)
    assert block.data is data


@pytest.mark.parametrize("text", ["namespace:shop", "*", "container:web pod:web-0"])
def test_a_writer_may_be_dropped_as_a_whole(text: str) -> None:
    data = line("a") + line("b")
    filters, writer = of(drops(text))
    assert writer.apply([Block(7, 0, 0, data), Block(7, 100, 50, line("joined"))], 0.0) == []
    assert filters.dropped[text].lines == 3


def test_rules_of_other_writers_cost_nothing() -> None:
    _, writer = of(drops("namespace:other", "namespace:other level:debug"))
    assert not writer._drops


def test_the_first_and_the_last_line_of_a_chunk() -> None:
    for texts in (("probe", "a"), ("a", "probe"), ("probe",), ("probe", "probe")):
        data = b"".join(map(line, texts))
        _, writer = of(drops("probe"))
        blocks = writer.apply([Block(7, 0, 0, data)], 0.0)
        assert kept(blocks, data) == [text for text in texts if text != "probe"]


def test_a_joined_record_is_dropped_as_one() -> None:
    data = b"2026-11-20T08:00:00Z stderr F ValueError: probe\n\tat x\n"
    filters, writer = of(drops('"at x" stream:stderr'))
    assert writer.apply([Block(7, 0, 99, data)], 0.0) == []
    assert filters.dropped['"at x" stream:stderr'].lines == 1


def test_docker_lines_are_seen_as_their_program_wrote_them() -> None:
    data = b'{"log":"say \\"probe\\" now\\n","stream":"stdout","time":"2026-11-20T08:00:00Z"}\n'
    _, writer = of(drops('raw contains "say \\"probe\\" now"'), wrapper="docker")
    assert writer.apply([Block(7, 0, 0, data * 2)], 0.0) == []


def test_a_torn_line_is_judged_as_it_is() -> None:
    _, writer = of(drops("probe"))
    assert writer.apply([Block(7, 0, 0, b"torn probe line\n")], 0.0) == []


def test_a_sample_keeps_its_share_and_the_same_records_each_time() -> None:
    data = b"".join(line(f"debug {number}") for number in range(20_000))
    filters, writer = of(drops("debug", keep=0.1))
    first = kept(writer.apply([Block(7, 0, 0, data)], 0.0), data)
    assert 1_800 < len(first) < 2_200
    assert filters.dropped["debug"].lines == 20_000 - len(first)
    _, again = of(drops("debug", keep=0.1))
    assert kept(again.apply([Block(7, 0, 0, data)], 0.0), data) == first
    middle = data.find(b"\n", len(data) // 2) + 1
    halves = [Block(7, 0, 0, data[:middle]), Block(7, middle, 0, data[middle:])]
    assert kept(of(drops("debug", keep=0.1))[1].apply(halves, 0.0), data) == first


def test_what_a_sample_keeps_may_be_dropped_by_the_next_rule() -> None:
    data = b"".join(line(f"debug probe {number}") for number in range(100))
    rules = FilterRules(builtin=(), drops=(DropRule("s", where("debug"), 0.9), DropRule("d", where("probe"))))
    _, writer = of(rules)
    assert writer.apply([Block(7, 0, 0, data)], 0.0) == []


def limited(lines: float, text: str = "*") -> FilterRules:
    return FilterRules(builtin=(), limits=(LimitRule("flood", where(text), lines),))


def test_a_limit_counts_by_the_time_of_the_lines() -> None:
    data = b"".join(line(f"{number}", number / 10) for number in range(600))  # ten a second for a minute
    filters, writer = of(limited(5))
    texts = kept(writer.apply([Block(7, 0, 0, data)], 0.0), data)
    assert texts == [str(number) for number in range(600) if number % 100 < 50]
    assert filters.dropped["flood"].lines == 300


def test_a_backlog_is_no_flood() -> None:
    data = b"".join(line(f"{number}", number / 10) for number in range(600))
    filters, writer = of(limited(10))
    (block,) = writer.apply([Block(7, 0, 0, data)], 0.0)
    assert block.data is data
    assert not filters.dropped


def test_a_limit_is_for_the_namespace_and_not_for_each_container() -> None:
    filters = Filters(limited(1))
    data = b"".join(line(str(number)) for number in range(8))
    texts = []
    for container in ("a", "b"):
        writer = filters.of(
            Writer({"namespace": "shop", "container": container}, {}), "cri", unwrapped("cri")
        )
        texts.append(kept(writer.apply([Block(7, 0, 0, data)], 0.0), data))
    other = filters.of(Writer({"namespace": "other"}, {}), "cri", unwrapped("cri"))
    assert [len(each) for each in texts] == [8, 2]
    assert len(kept(other.apply([Block(7, 0, 0, data)], 0.0), data)) == 8


def test_lines_out_of_order_of_time_are_all_counted() -> None:
    seconds = [0, 0, 30, 0, 30, 0, 0]
    data = b"".join(line(str(number), second) for number, second in enumerate(seconds))
    filters, writer = of(limited(0.3))
    texts = kept(writer.apply([Block(7, 0, 0, data)], 0.0), data)
    assert len(texts) + filters.dropped["flood"].lines == len(seconds)


def test_what_a_limit_drops_is_told_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    _, writer = of(limited(0.1, "namespace:shop"))
    for now in (1000.0, 1001.0, 1059.0, 1061.0, 1062.0):
        writer.apply([Block(7, 0, 0, line("a") + line("b") + line("c"))], now)
    assert [record.getMessage() for record in caplog.records] == [
        "flood: namespace shop over 0.1 lines/s: 2 lines dropped",
        "flood: namespace shop over 0.1 lines/s: 9 lines dropped",
    ]
    assert caplog.records[0].levelno == logging.WARNING
    assert filters_module.REPORT == 60.0


def test_plain_files_are_limited_by_the_time_of_reading() -> None:
    filters, writer = of(limited(0.2), wrapper="plain")
    for now, total in ((100.0, 2), (105.0, 2), (110.0, 4)):
        filters.dropped.clear()
        writer.apply([Block(7, 0, 0, b"x\n" * 3)], now)
        taken = sum(filters._limits[0][1]._taken.values())
        assert taken == total


def test_a_joined_record_counts_as_one_line() -> None:
    _, writer = of(limited(0.1))
    record = Block(7, 0, 99, line("ERROR a")[:-1] + b"\n\tat x\n\tat y\n")
    assert writer.apply([record, record], 0.0) == [record]


def test_masks_come_with_the_writer() -> None:
    rules = FilterRules(
        builtin=SECRETS, masks=(MaskRule(Mask("customer", r"customer=(\d+)"), where("namespace:shop")),)
    )
    data = line("customer=12 password=ab")
    filters, writer = of(rules)
    (block,) = writer.apply([Block(7, 0, 0, data)], 0.0)
    assert block.data == line("customer=** password=**")
    other = filters.of(Writer({"namespace": "x"}, {}), "cri", unwrapped("cri"))
    (block,) = other.apply([Block(7, 0, 0, data)], 0.0)
    assert block.data == line("customer=12 password=**")
    assert filters.masked == {"customer": 1, "password": 2}
