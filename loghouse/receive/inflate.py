"""Compressed bodies, unpacked up to a bound: forty kilobytes of gzip can hold fifty megabytes."""

from __future__ import annotations

import zlib

from loghouse.errors import LoghouseError

MAX_BODY = 64 << 20  # bytes, unpacked


class TooLarge(LoghouseError):
    """More bytes than the bound, packed or unpacked."""


class Broken(LoghouseError):
    """What came is not what it claims to be."""


def gunzip(body: bytes, limit: int = MAX_BODY) -> bytes:
    """Every member of a gzip file, joined; senders that append to a buffer make several."""
    parts: list[bytes] = []
    room = limit
    while body:
        member = zlib.decompressobj(wbits=47)  # gzip or zlib, as the header says
        try:
            part = member.decompress(body, room + 1)
        except zlib.error as error:
            raise Broken(f"the body is no gzip ({error})") from None
        room -= len(part)
        if room < 0:
            raise TooLarge(f"more than {limit} bytes when unpacked", "Send smaller requests")
        if not member.eof:
            raise Broken("the gzip body ends too early")
        parts.append(part)
        body = member.unused_data
    return b"".join(parts)


def unzstd(body: bytes, limit: int = MAX_BODY) -> bytes:
    """A zstd body."""
    import cramjam

    room = bytearray(limit)  # zeroed pages are not there until they are written
    try:
        size = cramjam.zstd.decompress_into(body, room)
    except cramjam.DecompressionError as error:
        if "buffer" in str(error):
            raise TooLarge(f"more than {limit} bytes when unpacked", "Send smaller requests") from None
        raise Broken(f"the body is no zstd ({error})") from None
    return bytes(memoryview(room)[:size])


def unsnappy(body: bytes, limit: int = MAX_BODY) -> bytes:
    """A snappy block, which begins with its unpacked size."""
    import cramjam

    try:
        if cramjam.snappy.decompress_raw_len(body) > limit:
            raise TooLarge(f"more than {limit} bytes when unpacked", "Send smaller requests")
        return bytes(cramjam.snappy.decompress_raw(body))
    except cramjam.DecompressionError as error:
        raise Broken(f"the body is no snappy ({error})") from None


def unpacked(body: bytes, encoding: str, limit: int = MAX_BODY) -> bytes:
    """A body by its Content-Encoding; raises `Broken` for one that nothing here reads."""
    match encoding.strip().lower():
        case "" | "identity" | "text":
            return body
        case "gzip" | "x-gzip" | "deflate":
            return gunzip(body, limit)
        case "zstd":
            return unzstd(body, limit)
        case "snappy":
            return unsnappy(body, limit)
    raise Broken(f'unknown encoding "{encoding[:40]}"', "Known: gzip, deflate, zstd, snappy")
