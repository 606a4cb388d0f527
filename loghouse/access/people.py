"""People and what they may read, as the access file says; nothing here asks the network or the store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

from loghouse.access.masks import masked_table
from loghouse.access.namespaces import EVERYTHING, namespace_filter
from loghouse.query import Filter
from loghouse.query.ast import all_of

Network = IPv4Network | IPv6Network


class Mode(StrEnum):
    """How somebody says who he is."""

    NONE = "none"
    USERS = "users"
    PROXY = "proxy"
    OIDC = "oidc"


@dataclass(frozen=True, slots=True)
class Grant:
    """What a user, a group or a token adds: namespaces to read, fields not to see."""

    namespaces: tuple[str, ...] = ()
    masks: tuple[str, ...] = ()
    admin: bool = False


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who asks; `namespaces` and `masks` hold for everything he reads."""

    name: str
    groups: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    masks: tuple[str, ...] = ()
    admin: bool = False
    narrowed: tuple[str, ...] = (EVERYTHING,)  # what a token leaves of the namespaces

    @property
    def scope(self) -> Filter | None:
        """The filter that stands outside of every query of this person; None for everything."""
        parts = [namespace_filter(patterns) for patterns in (self.namespaces, self.narrowed)]
        found = [part for part in parts if part is not None]
        return all_of(found) if found else None

    @property
    def table(self) -> str:
        """What his queries select from."""
        return masked_table(self.masks)


ANYBODY = Person("anybody", namespaces=(EVERYTHING,), admin=True)


@dataclass(frozen=True, slots=True)
class User:
    """A line of `[users]`; `password` is a hash, '' where another service checks it."""

    grant: Grant
    groups: tuple[str, ...] = ()
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Token:
    """A line of `[tokens]`: the SHA-256 of a secret, and whose rights it has."""

    digest: str = field(repr=False)
    user: str
    namespaces: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Proxy:
    """The headers of a proxy that has checked who is asking, and where it may come from."""

    user_header: str
    groups_header: str
    trusted: tuple[Network, ...]


@dataclass(frozen=True, slots=True)
class Provider:
    """An OpenID Connect provider."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    redirect_url: str
    user_claim: str = "email"
    groups_claim: str = "groups"
    scopes: str = "openid email profile"


@dataclass(frozen=True, slots=True)
class Access:
    """The whole access file."""

    mode: Mode = Mode.NONE
    users: Mapping[str, User] = field(default_factory=dict)
    groups: Mapping[str, Grant] = field(default_factory=dict)
    tokens: Mapping[str, Token] = field(default_factory=dict)
    proxy: Proxy | None = None
    provider: Provider | None = None
    audit_log: Path | None = None
    trusted_proxies: tuple[Network, ...] = ()  # whose X-Forwarded-For is believed

    def person(self, name: str, groups: Iterable[str] = ()) -> Person:
        """Who that is; `groups` are those that a proxy or a provider names beside the file's.

        Somebody whom the file does not know has no rights but those of his groups. Masks add up: a field that
        is hidden from one of the groups is hidden from all of them.
        """
        user = self.users.get(name)
        named = tuple(dict.fromkeys([*(user.groups if user else ()), *groups]))
        grants = [self.groups[group] for group in named if group in self.groups]
        if user is not None:
            grants.append(user.grant)
        return Person(
            name,
            named,
            tuple(dict.fromkeys(pattern for grant in grants for pattern in grant.namespaces)),
            tuple(dict.fromkeys(mask for grant in grants for mask in grant.masks)),
            any(grant.admin for grant in grants),
        )
