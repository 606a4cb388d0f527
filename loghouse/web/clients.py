"""Where a request comes from: its connection, or what the proxies in front say that are trusted."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv6Address, ip_address, ip_network

from loghouse.access.people import Network

HOUSEHOLD = 64  # bits of an IPv6 address that one subscriber has not chosen himself


def is_in(address: str, networks: Sequence[Network]) -> bool:
    """Whether an address lies in one of the networks; what is no address lies in none."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    return any(found in network for network in networks)


def client_address(peer: str, forwarded: str, trusted: Sequence[Network]) -> str:
    """The last address of the way here that no trusted proxy has.

    `forwarded` is X-Forwarded-For: each proxy appends whom it was asked by, so what stands before the first
    address that is not trusted may be anything.
    """
    address = peer
    for hop in reversed(forwarded.split(",")):
        if not is_in(address, trusted):
            break
        try:
            address = str(ip_address(hop.strip()))
        except ValueError:
            break
    return address


def counted_as(address: str) -> str:
    """What attempts are counted for: of IPv6 a network, as its owner has addresses without end."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    return str(ip_network((found, HOUSEHOLD), strict=False)) if isinstance(found, IPv6Address) else address
