"""Cluster: its state, its nodes, and which of them has a key."""

from binascii import crc_hqx
from collections.abc import Iterator
from dataclasses import dataclass

from exporters.catalogue import Page
from exporters.connection import Address
from exporters.redis.client import Client
from exporters.redis.info import parse_info
from exporters.redis.instance import add_field
from exporters.redis.resp import as_text

_SLOTS = 16384


@dataclass(frozen=True, slots=True)
class Node:
    """One line of CLUSTER NODES."""

    address: Address
    hostname: str
    is_master: bool
    is_usable: bool
    slots: tuple[tuple[int, int], ...]

    def has(self, key: bytes) -> bool:
        """Whether the key belongs to one of the node's slots."""
        slot = key_slot(key)
        return any(first <= slot <= last for first, last in self.slots)


def add_cluster_info(page: Page, client: Client) -> None:
    """CLUSTER INFO."""
    info = parse_info("# Cluster\n" + as_text(client.demand("CLUSTER", "INFO")))
    for name, value in info.section("Cluster"):
        add_field(page, name, value)


def cluster_nodes(client: Client) -> list[Node]:
    """All nodes the server knows."""
    return list(_parse_nodes(as_text(client.demand("CLUSTER", "NODES"))))


def key_slot(key: bytes) -> int:
    """The slot of a key: its CRC16, of the part in braces if there is one."""
    start = key.find(b"{")
    if start >= 0:
        end = key.find(b"}", start + 1)
        if end > start + 1:
            key = key[start + 1 : end]
    return crc_hqx(key, 0) % _SLOTS


def _parse_nodes(raw: str) -> Iterator[Node]:
    """`<id> <ip:port@cport[,hostname]> <flags> <master> <ping> <pong> <epoch> <link> <slot> ...`"""
    for line in raw.split("\n"):
        fields = line.split()
        if len(fields) < 8:
            continue
        place, _, hostname = fields[1].partition(",")
        host, _, port = place.partition("@")[0].rpartition(":")
        flags = fields[2].split(",")
        if not port.isdecimal():
            continue
        # Valkey may add more after the host name: shard-id and so on.
        yield Node(
            Address(host, int(port)),
            hostname.partition(",")[0],
            "master" in flags,
            not {"fail", "handshake", "noaddr"} & set(flags) and bool(host),
            tuple(_slot_ranges(fields[8:])),
        )


def _slot_ranges(fields: list[str]) -> Iterator[tuple[int, int]]:
    for field in fields:
        first, _, last = field.partition("-")
        # Slots in migration stand in brackets.
        if first.isdecimal():
            yield int(first), int(last or first)
