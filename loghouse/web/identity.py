"""Who is asking: a session's cookie, a token, a proxy's header, or anybody on loopback."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from dataclasses import replace as replaced
from urllib.parse import urlsplit
from zlib import crc32

from loghouse.access.oidc import OpenId
from loghouse.access.people import ANYBODY, Access, Mode, Person
from loghouse.access.secrets import digest_of, is_password, is_same
from loghouse.access.sessions import Session, Sessions
from loghouse.web.answers import Refused
from loghouse.web.clients import client_address, is_in

COOKIE = "loghouse_session"
CSRF_HEADER = "x-csrf-token"
LOOPBACK_NAMES = frozenset(("localhost", "127.0.0.1", "::1"))
NO_CREDENTIALS = "Basic Og=="  # a name and a password that are both empty: what logcli sends unless told
SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))


@dataclass(frozen=True, slots=True)
class Asked:
    """What is known of a request before it is known whose it is. Names of headers are in lower case."""

    method: str
    host: str
    address: str  # of the connection, which may be a proxy's
    headers: Mapping[str, str]
    cookies: Mapping[str, str]
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Doorkeeper:
    """Knows the access file and the sessions; `hosts` are names by which the page may be called."""

    access: Access
    hosts: frozenset[str] = frozenset()
    sessions: Sessions = field(default_factory=Sessions)
    provider: OpenId | None = None

    def check_host(self, asked: Asked) -> None:
        """Without a login only the name of this machine is answered: else any page in the reader's browser
        could point a name of its own at this address, and read.
        """
        if self.access.mode is not Mode.NONE:
            return
        name = _host_name(asked.host)
        if name not in LOOPBACK_NAMES and name not in self.hosts:
            raise Refused(
                421,
                f'this server is not called "{name[:100]}"',
                "Add --allow-host NAME, or set up access control",
            )

    def identify(self, asked: Asked) -> tuple[Person, Session | None]:
        """The person, and the session if that is how he is known; raises `Refused` with 401 or 403."""
        authorization = asked.headers.get("authorization", "")
        if authorization and authorization != NO_CREDENTIALS:
            return self._by_authorization(authorization), None
        match self.access.mode:
            case Mode.NONE:
                self._refuse_other_pages(asked)
                return ANYBODY, None
            case Mode.PROXY:
                self._refuse_other_pages(asked)
                return self._by_proxy(asked), None
        session = self.sessions.find(asked.cookies.get(COOKIE, ""))
        if session is None:
            raise Refused(401, "log in first", "Or send a token: Authorization: Bearer TOKEN")
        if asked.method not in SAFE_METHODS and not is_same(asked.headers.get(CSRF_HEADER, ""), session.csrf):
            raise Refused(403, "the request does not come from the page", "Reload the page")
        self._refuse_other_pages(asked)
        return self.access.person(session.user, session.groups), session

    def client(self, asked: Asked) -> str:
        """The address of whoever asks, in front of all proxies that are trusted."""
        proxy = self.access.proxy
        trusted = (*self.access.trusted_proxies, *(proxy.trusted if proxy else ()))
        return client_address(asked.address, asked.headers.get("x-forwarded-for", ""), trusted)

    def log_in(self, name: str, password: str) -> tuple[str, Session] | None:
        """A new session, None for a wrong name or password, which take the same time."""
        users = self.access.users
        if not users:
            return None
        # For a name that is not there another's hash is compared, always the same one.
        known = name if name in users else sorted(users)[crc32(name.encode("utf-8", "replace")) % len(users)]
        if not is_password(password, users[known].password) or known != name:
            return None
        return self.sessions.begin(name)

    def _by_authorization(self, header: str) -> Person:
        kind, _, given = header.partition(" ")
        if kind.lower() == "basic":
            # Clients of Loki know no other way to send a token: any name, the token as the password.
            given = _password_of_basic(given)
        elif kind.lower() != "bearer":
            raise Refused(401, "this kind of authorization is not known", "Send: Authorization: Bearer TOKEN")
        digest = digest_of(given.strip())
        for token in self.access.tokens.values():
            if is_same(token.digest, digest):
                person = self.access.person(token.user)
                return person if token.namespaces is None else replaced(person, narrowed=token.namespaces)
        raise Refused(401, "this token is not valid", "Make one with: loghouse access token")

    def _by_proxy(self, asked: Asked) -> Person:
        proxy = self.access.proxy
        assert proxy is not None  # the access file was checked
        if not is_in(asked.address, proxy.trusted):
            raise Refused(403, "this server is reached through its proxy only")
        name = asked.headers.get(proxy.user_header.lower(), "")
        if not name:
            raise Refused(401, "the proxy did not say who is asking")
        groups = asked.headers.get(proxy.groups_header.lower(), "")
        return self.access.person(name, tuple(part.strip() for part in groups.split(",") if part.strip()))

    def _refuse_other_pages(self, asked: Asked) -> None:
        """Browsers say where a request comes from; a page of another site may not write or open a socket."""
        site = asked.headers.get("sec-fetch-site", "")
        origin = asked.headers.get("origin", "")
        writes = asked.method not in SAFE_METHODS or asked.headers.get("upgrade", "") != ""
        foreign = site in ("cross-site", "same-site") or (
            origin not in ("", "null") and urlsplit(origin).netloc != asked.host
        )
        if writes and (foreign or origin == "null"):
            raise Refused(403, "the request comes from another site")


def _host_name(host: str) -> str:
    """The name of `name:port` or `[address]:port`."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def _password_of_basic(encoded: str) -> str:
    from base64 import b64decode

    try:
        return b64decode(encoded, validate=True).decode().partition(":")[2]
    except ValueError:
        raise Refused(401, "the authorization cannot be read") from None
