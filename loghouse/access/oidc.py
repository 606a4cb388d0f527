"""OpenID Connect: the code flow with PKCE, state and nonce, checked with the provider's keys."""

from __future__ import annotations

import secrets
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

import requests

from loghouse.access.people import Provider
from loghouse.errors import LoghouseError

TIMEOUT = 10  # seconds
LOGIN_SECONDS = 600  # from leaving for the provider to coming back
MOST_LOGINS = 10_000
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"]
LEEWAY = 60  # seconds that clocks may differ


class LoginFailed(LoghouseError):
    """The provider, or who came back from it, did not say what is needed."""


@dataclass(frozen=True, slots=True)
class _Login:
    """What has to fit when somebody comes back."""

    verifier: str
    nonce: str
    target: str
    began: float


@dataclass(frozen=True, slots=True)
class Claimed:
    """Who the provider says it is, and the page that was asked for before the login."""

    user: str
    groups: tuple[str, ...]
    target: str


class OpenId:
    """Logins through one provider; used by many threads."""

    def __init__(self, provider: Provider, clock: Callable[[], float] = time.monotonic) -> None:
        self._provider = provider
        self._clock = clock
        self._lock = threading.Lock()
        self._logins: dict[str, _Login] = {}
        self._endpoints: Mapping[str, str] = {}
        self._keys: Any = None

    def begin(self, target: str) -> tuple[str, str]:
        """Where to send the browser, and the state that a cookie of this browser has to hold."""
        verifier, state, nonce = (secrets.token_urlsafe(32) for _ in range(3))
        now = self._clock()
        with self._lock:
            fresh = {key: login for key, login in self._logins.items() if now - login.began < LOGIN_SECONDS}
            self._logins = dict(list(fresh.items())[-MOST_LOGINS + 1 :])
            self._logins[state] = _Login(verifier, nonce, target, now)
        challenge = urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "response_type": "code",
            "client_id": self._provider.client_id,
            "redirect_uri": self._provider.redirect_url,
            "scope": self._provider.scopes,
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return f"{self._discovered()['authorization_endpoint']}?{urlencode(query)}", state

    def finish(self, state: str, code: str) -> Claimed:
        """Who came back with this code; raises `LoginFailed`."""
        with self._lock:
            login = self._logins.pop(state, None)
        if login is None or self._clock() - login.began > LOGIN_SECONDS:
            raise LoginFailed("this login has expired")
        claims = self._verified(self._exchanged(code, login.verifier), login.nonce)
        user = claims.get(self._provider.user_claim)
        if not isinstance(user, str) or not user:
            raise LoginFailed(f'the provider sent no "{self._provider.user_claim}"', "Check oidc.user_claim")
        if self._provider.user_claim == "email" and claims.get("email_verified") is False:
            raise LoginFailed("the address is not verified by the provider")
        groups = claims.get(self._provider.groups_claim, [])
        named = tuple(group for group in groups if isinstance(group, str)) if isinstance(groups, list) else ()
        return Claimed(user, named, login.target)

    def _exchanged(self, code: str, verifier: str) -> str:
        answer = self._asked(
            lambda: requests.post(
                self._discovered()["token_endpoint"],
                data={
                    "grant_type": "authorization_code",
                    "code": code,
                    "redirect_uri": self._provider.redirect_url,
                    "code_verifier": verifier,
                },
                auth=(self._provider.client_id, self._provider.client_secret),
                timeout=TIMEOUT,
            )
        )
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise LoginFailed("the provider sent no id_token", "Does oidc.scopes have openid in it?")
        return token

    def _verified(self, token: str, nonce: str) -> Mapping[str, Any]:
        import jwt

        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._signing_key(jwt.get_unverified_header(token).get("kid")),
                algorithms=ALGORITHMS,
                audience=self._provider.client_id,
                issuer=self._issuers(),
                leeway=LEEWAY,
                options={"require": ["exp", "iat", "aud", "iss", "sub"]},
            )
        except jwt.PyJWTError as error:
            raise LoginFailed(f"the provider's answer is not valid ({type(error).__name__})") from None
        if not secrets.compare_digest(str(claims.get("nonce", "")), nonce):
            raise LoginFailed("the provider's answer belongs to another login")
        return claims

    def _issuers(self) -> list[str]:
        return [self._provider.issuer, f"{self._provider.issuer}/"]

    def _signing_key(self, identity: str | None) -> Any:
        """The key of this identity; a provider with one key need not name it."""
        for refresh in (False, True):
            keys = self._signing_keys().get_jwk_set(refresh).keys
            usable = [key for key in keys if key.public_key_use in ("sig", None)]
            found = [key for key in usable if identity is None or key.key_id == identity]
            if len(found) == 1:
                return found[0].key
        raise LoginFailed("the provider's answer is signed with a key that it does not publish")

    def _signing_keys(self) -> Any:
        import jwt

        if self._keys is None:
            self._keys = jwt.PyJWKClient(self._discovered()["jwks_uri"], timeout=TIMEOUT)
        return self._keys

    def _discovered(self) -> Mapping[str, str]:
        if not self._endpoints:
            url = f"{self._provider.issuer}/.well-known/openid-configuration"
            found = self._asked(lambda: requests.get(url, timeout=TIMEOUT))
            if str(found.get("issuer", "")).rstrip("/") != self._provider.issuer:
                raise LoginFailed("the provider calls itself by another name", "Check oidc.issuer")
            self._endpoints = found
        return self._endpoints

    def _asked(self, ask: Callable[[], requests.Response]) -> dict[str, Any]:
        try:
            answer = ask()
            answer.raise_for_status()
            found = answer.json()
        except (requests.RequestException, ValueError) as error:
            raise LoginFailed(f"the login provider cannot be asked ({type(error).__name__})") from None
        if not isinstance(found, dict):
            raise LoginFailed("the login provider sent something else than an object")
        return found
