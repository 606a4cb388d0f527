"""A column of texts is packed as ClickHouse reads it, and comes apart again as it was."""

import cramjam
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loghouse.embedded.columns import layout
from loghouse.embedded.wire import Complete
from loghouse.native import PackedTexts, Unpackable, compressed, packed_texts

TEXTS = st.lists(
    st.one_of(st.binary(max_size=300), st.sampled_from([127, 128, 16_384]).map(bytes)), max_size=20
)


@given(TEXTS)
def test_texts_come_back_as_they_were(texts: list[bytes]) -> None:
    packed = packed_texts(texts)
    assert list(packed) == texts
    assert len(packed) == len(texts)
    assert [packed[index] for index in range(len(texts))] == texts


@given(TEXTS)
def test_the_column_is_what_the_native_format_says(texts: list[bytes]) -> None:
    packed = packed_texts(texts)
    content = bytes(cramjam.zstd.decompress(packed.frame))
    assert len(content) == packed.unpacked_size
    column = packed.first_length + content
    assert layout("String").body(Complete(column), 0, len(texts)) == len(column)


@pytest.mark.parametrize("frame", [b"", b"no frame", compressed(b"\x01a\x01b")])
def test_what_is_no_such_column_is_said_to_be_none(frame: bytes) -> None:
    with pytest.raises(Unpackable):
        list(PackedTexts(frame, [1]))
