"""The end of a column is found from its type, wherever the bytes happen to be cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loghouse.embedded.columns import layout
from loghouse.embedded.wire import Complete, ProtocolError, Window, string, varint_at
from loghouse.native import varint


class Dribble(Window):
    """Gives its content a few bytes at a time."""

    def __init__(self, content: bytes, step: int) -> None:
        super().__init__()
        self._content = content
        self._step = step

    def _more(self, stop: int) -> None:
        piece, self._content = self._content[: self._step], self._content[self._step :]
        if not piece:
            raise ProtocolError("no more")
        with self._room(self.end + len(piece)) as room:
            room[: len(piece)] = piece
        self.end += len(piece)


@given(st.lists(st.binary(max_size=400), max_size=50), st.integers(1, 700))
def test_strings_end_where_the_last_one_ends(values: list[bytes], step: int) -> None:
    content = b"".join(map(string, values))
    window = Dribble(content + b"rest", step)
    assert layout("String").body(window, 0, len(values)) == len(content)
    assert layout("String").body(Complete(content), 0, len(values)) == len(content)


@pytest.mark.parametrize("size", [0, 1, 127, 128, 16_383, 16_384, 3_000_000])
def test_strings_of_every_length_of_length(size: int) -> None:
    content = string(b"x" * size) * 3
    assert layout("String").body(Dribble(content, 1 << 16), 0, 3) == len(content)


@given(st.integers(0, 2**63 - 1))
def test_numbers_of_variable_length_come_back(value: int) -> None:
    content = varint(value)
    assert varint_at(Complete(content), 0) == (value, len(content))


def test_a_number_without_end_is_refused() -> None:
    with pytest.raises(ProtocolError, match="64 bits"):
        varint_at(Complete(b"\xff" * 20), 0)


@pytest.mark.parametrize(
    "type_name",
    [
        "",
        "Nothing(",
        "FixedString(x)",
        "Decimal(99)",
        "JSON",
        "Array(",
        "Map(String)",
        "Array(" * 99 + ")" * 99,
    ],
)
def test_a_type_that_is_not_known_is_refused(type_name: str) -> None:
    with pytest.raises(ProtocolError):
        layout(type_name)


@given(st.text(alphabet="ArayTuplestringUInt8()',` \\", max_size=60), st.binary(max_size=100))
def test_hostile_types_raise_nothing_else(type_name: str, content: bytes) -> None:
    try:
        found = layout(type_name)
        source = Complete(content)
        found.body(source, found.prefix(source, 0), 3)
    except ProtocolError:
        return
