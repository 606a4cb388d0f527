"""Who a file is: known by its lineage and first line, so that rename, gzip and restart do not change it."""

from hashlib import blake2b

from loghouse.ship.paths import Origin

HEAD_LIMIT = 1 << 20  # of a longer first line this much counts
TAIL_SIZE = 64


def source_id(node: str, origin: Origin, head: bytes, generation: int = 0) -> int:
    """64 bits that name a file by node, lineage and whole first physical line (`head`, with its line end).

    `generation` tells apart files of one lineage that begin with the same line, as plain logs may.
    """
    digest = blake2b(digest_size=8, person=b"loghouse source")
    for part in (
        node.encode(errors="surrogateescape"),
        origin.lineage.encode(errors="surrogateescape"),
        head,
    ):
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    if generation:
        digest.update(generation.to_bytes(4, "little"))
    return int.from_bytes(digest.digest(), "little")


def tail_hash(tail: bytes) -> int:
    """What an offset is checked with: the bytes just before it."""
    return int.from_bytes(blake2b(tail[-TAIL_SIZE:], digest_size=8).digest(), "little")
