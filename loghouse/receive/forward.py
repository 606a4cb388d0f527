"""Fluent Forward v1: messages of its four modes to pieces.

    [tag, time, record, option?]            Message
    [tag, [[time, record], ...], option?]   Forward
    [tag, bytes, option?]                   PackedForward; gzip or zstd with the option `compressed`

Fluentd types binary entries as text, Fluent Bit sends binary where text is meant, so everything is unpacked
as bytes first, and text is decoded where it is used, with bytes that are no UTF-8 kept.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from loghouse.receive.inflate import MAX_BODY, Broken, TooLarge, unpacked
from loghouse.receive.kubernetes import line_of, output_of, part_of, stream_of
from loghouse.receive.streams import Received, Sorter

MAX_MESSAGE = 64 << 20  # bytes of one message on the wire
LOST = "surrogateescape"  # keeps bytes that are no UTF-8 through str and back
_EVENT_TIME = struct.Struct(">II")


@dataclass(frozen=True, slots=True)
class Message:
    """What one message brought, and the chunk id that its sender waits for."""

    received: Received
    tag: bytes
    chunk: bytes | None = None

    @property
    def identity(self) -> bytes:
        """The same for each time that the chunk is sent, b'' without one."""
        return self.tag + b"\0" + self.chunk if self.chunk else b""


def message(value: Any) -> Message:
    """A message as it was unpacked with `raw`; raises `Broken` when it is none."""
    if not isinstance(value, list) or not 2 <= len(value) <= 4 or not isinstance(value[0], bytes):
        raise Broken("not a message of the Forward protocol")
    tag = value[0].decode(errors="replace")
    entries = value[1]
    if isinstance(entries, bytes):
        option = _option(value, 2)
        encoding = option.get(b"compressed") or b""
        packed = unpacked(entries, encoding.decode(errors="replace") if isinstance(encoding, bytes) else "")
        return Message(_sorted(tag, _unpacked(packed), option), value[0], _chunk(option))
    if isinstance(entries, list) and not _is_time(value):
        option = _option(value, 2)
        return Message(_sorted(tag, map(_text, entries), option), value[0], _chunk(option))
    if len(value) < 3:
        raise Broken("a message without a record")
    option = _option(value, 3)
    return Message(_sorted(tag, iter([_text([entries, value[2]])]), option), value[0], _chunk(option))


def _is_time(value: list[Any]) -> bool:
    """Whether the second element is `[time, metadata]` of Message mode instead of entries."""
    return (
        len(value) > 2 and isinstance(value[2], dict) and bool(value[1]) and not isinstance(value[1][0], list)
    )


def _option(value: list[Any], index: int) -> dict[bytes, Any]:
    option = value[index] if len(value) > index else None
    return option if isinstance(option, dict) else {}


def _chunk(option: dict[bytes, Any]) -> bytes | None:
    chunk = option.get(b"chunk")
    return chunk if isinstance(chunk, bytes) and chunk else None


def _unpacked(packed: bytes) -> Iterator[Any]:
    import msgpack

    entries = msgpack.Unpacker(
        raw=False, unicode_errors=LOST, strict_map_key=False, max_buffer_size=MAX_BODY, ext_hook=_extension
    )
    entries.feed(packed)
    try:
        yield from entries
    except (ValueError, msgpack.UnpackException, msgpack.StackError):
        yield None  # the rest of the entries cannot be told apart: counted as one bad record
    else:
        if entries.tell() < len(packed):
            yield None


def _sorted(tag: str, entries: Iterator[Any], option: dict[bytes, Any]) -> Received:
    """The entries by stream. A bad one is skipped and counted: sending it again could not make it better."""
    import orjson

    sorter = Sorter()
    add = sorter.add
    if option.get(b"fluent_signal") not in (None, 0):
        sorter.bad = sum(1 for _ in entries)  # metrics or traces, which are acknowledged and not kept
        return sorter.received()
    keys = orjson.OPT_NON_STR_KEYS
    for entry in entries:
        try:
            time, record = entry
            if type(time) is list:
                time = time[0]  # Fluent Bit: [time, metadata]
            if type(time) is tuple:
                second, nanosecond = time
            elif type(time) is int:
                second, nanosecond = time, 0
            else:
                second, nanosecond = _second(time)
            if "partial_message" in record and (part := part_of(tag, record, second, nanosecond)):
                sorter.parts.append(part)
                continue
            line = line_of(record)
            raw = orjson.dumps(record, None, keys) if line is None else line.encode("utf-8", LOST)
            add(stream_of(tag, record), second, nanosecond, raw, output_of(record))
        except (TypeError, ValueError, AttributeError, IndexError, RecursionError):
            if not _add_odd(sorter, tag, entry):
                sorter.bad += 1
    return sorter.received()


def _add_odd(sorter: Sorter, tag: str, entry: Any) -> bool:
    """A record that orjson does not take: bytes that are no UTF-8 are replaced, unknown types become text."""
    import json

    try:
        time, record = entry
        if not isinstance(record, dict):
            return False
        second, nanosecond = _second(time[0] if isinstance(time, list) else time)
        text = json.dumps(record, ensure_ascii=False, default=_as_text, separators=(",", ":"))
        raw = text.encode("utf-8", LOST).decode("utf-8", "replace").encode()
        sorter.add(stream_of(tag, record), second, nanosecond, raw, output_of(record))
    except (TypeError, ValueError, AttributeError, IndexError, RecursionError):
        return False
    return True


def _as_text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _second(time: Any) -> tuple[int, int]:
    """Seconds and nanoseconds; of nothing, or of what is no time, (0, 0), which stands for now."""
    if isinstance(time, tuple):
        return time[0], time[1]
    if isinstance(time, (int, float)) and not isinstance(time, bool) and 0 < time < 1 << 33:
        return int(time), int(time % 1 * 1_000_000_000)
    return 0, 0


def _extension(code: int, data: bytes) -> Any:
    """EventTime is seconds and nanoseconds, unsigned; other extensions are bytes."""
    if code == 0 and len(data) == _EVENT_TIME.size:
        second, nanosecond = _EVENT_TIME.unpack(data)
        return (second, min(nanosecond, 999_999_999))
    return data


def _text(value: Any) -> Any:
    """What was unpacked as bytes, as text."""
    if isinstance(value, bytes):
        return value.decode("utf-8", LOST)
    if isinstance(value, dict):
        return {_text(key): _text(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_text(item) for item in value]
    return value


class Messages:
    """The messages in a stream of bytes that comes in pieces of any size."""

    def __init__(self, limit: int = MAX_MESSAGE) -> None:
        import msgpack

        self._unpacker = msgpack.Unpacker(
            raw=True, strict_map_key=False, max_buffer_size=limit, ext_hook=_extension
        )
        self._broken = (ValueError, msgpack.UnpackException, msgpack.StackError, RecursionError)
        self._full = msgpack.BufferFull

    def feed(self, data: bytes) -> Iterator[Any]:
        """Every value that is complete now. After `Broken` or `TooLarge` the stream is of no use."""
        try:
            self._unpacker.feed(data)
        except self._full:
            raise TooLarge("a Forward message larger than 64 MiB", "Send smaller chunks") from None
        try:
            yield from self._unpacker
        except self._full:
            raise TooLarge("a Forward message larger than 64 MiB", "Send smaller chunks") from None
        except self._broken as error:
            raise Broken(f"broken msgpack ({type(error).__name__})") from None
