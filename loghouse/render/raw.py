"""`-o raw`: each record exactly as the program wrote it, byte for byte, and a newline."""

from __future__ import annotations

from collections.abc import Sequence

from loghouse.record import Record
from loghouse.render.pages import Pages, RawPages, Writer


def render_raw(pages: RawPages, out: Writer) -> int:
    """Write the bytes of records; returns how many records."""
    count = 0
    for page in pages:
        if page:
            out.write(b"\n".join(page))
            out.write(b"\n")
            out.flush()
            count += len(page)
    return count


def render_raw_records(pages: Pages, out: Writer) -> int:
    """Write the bytes of whole records, as `tail` has them."""
    return render_raw(map(_bytes, pages), out)


def render_messages(pages: Pages, out: Writer) -> int:
    """Write the messages of records, where a stage such as `format` has written them."""
    return render_raw(map(_messages, pages), out)


def _messages(page: Sequence[Record]) -> list[bytes]:
    return [text if isinstance(text := record.message, bytes) else text.encode() for record in page]


def _bytes(page: Sequence[Record]) -> list[bytes]:
    return [record.raw if isinstance(record.raw, bytes) else record.raw.encode() for record in page]
