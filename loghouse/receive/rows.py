"""Pieces of received streams as rows of the spool."""

from __future__ import annotations

import hashlib
from functools import lru_cache

from loghouse.receive.streams import Piece, Stream
from loghouse.spool.rows import Place, Row


def row_of(source: int, offset: int, piece: Piece, node: str) -> Row:
    """The row at a place; `node` is where it was received, for senders that do not say where they are."""
    return Row(_place(piece.stream, piece.wrapper, node), source, offset, 0, piece.data)


def source_of(seed: bytes, piece: Piece) -> int:
    """A source for the pieces of one stream that came under a seed."""
    text = seed + repr((piece.stream, piece.wrapper)).encode(errors="replace")
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big") or 1


@lru_cache(4096)
def _place(stream: Stream, wrapper: str, node: str) -> Place:
    return Place(
        wrapper,
        stream.namespace,
        stream.pod,
        stream.container,
        stream.node or node,
        stream.workload,
        stream.pod_uid,
        0,
        stream.labels,
    )
