"""Reads the access file; what it does not say plainly stops the start."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from loghouse.access.masks import check_mask
from loghouse.access.namespaces import check_pattern
from loghouse.access.people import Access, Grant, Mode, Network, Provider, Proxy, Token, User
from loghouse.access.secrets import is_hash
from loghouse.errors import UsageError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@+-]{0,127}")
_GRANT = ("namespaces", "masks", "admin")
_SETTINGS = ("mode", "audit_log", "trusted_proxies", "users", "groups", "tokens", "proxy", "oidc")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def read_access(path: Path) -> Access:
    """The access file; raises `UsageError` that names the entry."""
    try:
        settings = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f'cannot read the access file "{path}" ({error})', "See docs/web.md") from None
    _known(settings, _SETTINGS, str(path))
    try:
        mode = Mode(settings.get("mode", "users"))
    except ValueError:
        raise UsageError(
            f'unknown mode "{settings["mode"]}" in {path}', f"Known: {', '.join(Mode)}"
        ) from None
    access = Access(
        mode,
        {name: _user(f"users.{name}", entry) for name, entry in _named(settings, "users").items()},
        {name: _grant(f"groups.{name}", entry) for name, entry in _named(settings, "groups").items()},
        {name: _token(f"tokens.{name}", entry) for name, entry in _named(settings, "tokens").items()},
        _proxy(settings["proxy"]) if "proxy" in settings else None,
        _provider(settings["oidc"], path.parent) if "oidc" in settings else None,
        Path(_text("audit_log", settings, "audit_log")) if "audit_log" in settings else None,
        _networks("trusted_proxies", settings, "trusted_proxies"),
    )
    _check(access)
    return access


def _check(access: Access) -> None:
    if access.mode is Mode.PROXY and access.proxy is None:
        raise UsageError('mode "proxy" needs a part [proxy] in the access file', "See docs/web.md")
    if access.mode is Mode.OIDC and access.provider is None:
        raise UsageError('mode "oidc" needs a part [oidc] in the access file', "See docs/web.md")
    for name, user in access.users.items():
        if access.mode is Mode.USERS and not user.password:
            raise UsageError(f'the user "{name}" has no password', "Make one with: loghouse access hash")
        for group in user.groups:
            if group not in access.groups:
                raise UsageError(f'the user "{name}" is in the group "{group}", which is not there')
    for name, token in access.tokens.items():
        if token.user not in access.users:
            raise UsageError(f'the token "{name}" is of the user "{token.user}", who is not there')


def _user(where: str, entry: Mapping[str, Any]) -> User:
    _known(entry, ("password", "groups", *_GRANT), where)
    password = _text(where, entry, "password")
    if password and not is_hash(password):
        raise UsageError(
            f"the password of {where} is not an Argon2id or bcrypt hash",
            "Make one with: loghouse access hash",
        )
    own = {key: value for key, value in entry.items() if key in _GRANT}
    return User(_grant(where, own), _texts(where, entry, "groups"), password)


def _grant(where: str, entry: Mapping[str, Any]) -> Grant:
    _known(entry, _GRANT, where)
    admin = entry.get("admin", False)
    if not isinstance(admin, bool):
        raise UsageError(f"admin of {where} is neither true nor false")
    namespaces = tuple(map(check_pattern, _texts(where, entry, "namespaces")))
    return Grant(namespaces, tuple(map(check_mask, _texts(where, entry, "masks"))), admin)


def _token(where: str, entry: Mapping[str, Any]) -> Token:
    _known(entry, ("digest", "user", "namespaces"), where)
    digest = _text(where, entry, "digest")
    if not _DIGEST.fullmatch(digest):
        raise UsageError(f"the digest of {where} is not sha256:...", "Make one with: loghouse access token")
    narrowed = tuple(map(check_pattern, _texts(where, entry, "namespaces")))
    return Token(digest, _text(where, entry, "user"), narrowed if "namespaces" in entry else None)


def _proxy(entry: Mapping[str, Any]) -> Proxy:
    _known(entry, ("user_header", "groups_header", "trusted"), "proxy")
    networks = _networks("proxy", entry, "trusted")
    if not networks:
        raise UsageError("proxy.trusted names no network", "Whoever may set the header could be anybody")
    return Proxy(
        _text("proxy", entry, "user_header") or "X-Forwarded-User",
        _text("proxy", entry, "groups_header") or "X-Forwarded-Groups",
        networks,
    )


def _networks(where: str, entry: Mapping[str, Any], key: str) -> tuple[Network, ...]:
    networks: list[Network] = []
    for text in _texts(where, entry, key):
        try:
            networks.append(ip_network(text))
        except ValueError:
            raise UsageError(f'"{text}" in {key} is not a network', "Write 10.0.0.0/8") from None
    return tuple(networks)


def _provider(entry: Mapping[str, Any], directory: Path) -> Provider:
    required = ("issuer", "client_id", "client_secret_file", "redirect_url")
    optional = ("user_claim", "groups_claim", "scopes")
    _known(entry, (*required, *optional), "oidc")
    for key in required:
        if not _text("oidc", entry, key):
            raise UsageError(f"oidc.{key} is missing in the access file", "See docs/web.md")
    path = directory / _text("oidc", entry, "client_secret_file")
    try:
        secret = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f'cannot read the client secret "{path}" ({error})') from None
    given = {key: _text("oidc", entry, key) for key in optional if key in entry}
    return Provider(
        _text("oidc", entry, "issuer").rstrip("/"),
        _text("oidc", entry, "client_id"),
        secret,
        _text("oidc", entry, "redirect_url"),
        **given,
    )


def _named(settings: Mapping[str, Any], part: str) -> Mapping[str, Mapping[str, Any]]:
    entries = settings.get(part, {})
    if not isinstance(entries, dict):
        raise UsageError(f"[{part}] in the access file is not a table")
    for name, entry in entries.items():
        if not _NAME.fullmatch(name):
            raise UsageError(f'"{name}" in [{part}] is not a name', "Use letters, digits and _ . @ + -")
        if not isinstance(entry, dict):
            raise UsageError(f"{part}.{name} in the access file is not a table")
    return entries


def _known(entry: Any, known: tuple[str, ...], where: str) -> None:
    if not isinstance(entry, dict):
        raise UsageError(f"{where} in the access file is not a table")
    for key in entry:
        if key not in known:
            raise UsageError(f'unknown setting "{key}" in {where}', f"Known: {', '.join(known)}")


def _text(where: str, entry: Mapping[str, Any], key: str) -> str:
    value = entry.get(key, "")
    if not isinstance(value, str):
        raise UsageError(f"{key} of {where} is not a text")
    return value


def _texts(where: str, entry: Mapping[str, Any], key: str) -> tuple[str, ...]:
    values = entry.get(key, [])
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise UsageError(f"{key} of {where} is not a list of texts")
    return tuple(values)
