"""Hostile text cannot reach the terminal, whatever the record holds."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from render.records import Out, record

from loghouse.render.clock import Clock
from loghouse.render.escapes import decoded, one_line, visible
from loghouse.render.pretty import Pretty
from loghouse.render.width import cut, width

# What a terminal acts on or what turns text around.
DANGEROUS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\x1b]52;c;cm0gLXJm\x07", "\\x1b]52;c;cm0gLXJm\\x07"),
        ("\x1b]8;;http://evil\x1b\\click\x1b]8;;\x1b\\", "\\x1b]8;;http://evil\\x1b\\click\\x1b]8;;\\x1b\\"),
        ("paid\rnot paid", "paid\\x0dnot paid"),
        ("\x9b2J", "\\x9b2J"),
        ("user\u202egpj.exe", "user\\u202egpj.exe"),
        ("a\x00b\x7f", "a\\x00b\\x7f"),
        ("\ufeffbom", "\\ufeffbom"),
        ("tag\U000e0041", "tag\\U000e0041"),
        ("half \ud800", "half \\ud800"),
        ("grüße 日本 👩‍🚀", "grüße 日本 👩‍🚀"),
    ],
)
def test_what_steers_a_terminal_is_spelled_out(hostile: str, shown: str) -> None:
    assert visible(hostile) == shown


def test_tabs_and_newlines_stay_until_one_line_is_wanted() -> None:
    assert visible("a\tb\nc") == "a\tb\nc"
    assert one_line("a\tb\nc") == "a\tb\\nc"


def test_bytes_that_are_not_utf8_are_spelled_out() -> None:
    assert decoded(b"ok \xff\xfe") == "ok \\xff\\xfe"


@given(st.text())
def test_no_text_keeps_a_dangerous_character(text: str) -> None:
    assert not DANGEROUS.search(visible(text))


@given(message=st.text(), pod=st.text(), container=st.text(), key=st.text(), value=st.text())
def test_no_part_of_a_record_reaches_the_terminal_raw(
    message: str, pod: str, container: str, key: str, value: str
) -> None:
    out = Out()
    hostile = record(message, pod=pod, container=container, strings={key: value}, raw="")
    Pretty(Clock(), fields=[key or "x"], screen=80).records([[hostile]], out)
    assert not DANGEROUS.search(out.text)


@given(st.text(alphabet=st.characters(categories=["L", "M", "N", "P"])), st.integers(0, 40))
def test_a_cut_text_fits(text: str, columns: int) -> None:
    kept = cut(text, columns)
    assert width(kept) <= columns
    assert text.startswith(kept)


def test_wide_letters_take_two_columns() -> None:
    assert (width("日本"), width("e\u0301"), width("abc"), cut("日本語", 5)) == (4, 1, 3, "日本")
