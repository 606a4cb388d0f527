"""Logging in and out, and `/api/v1/me`: who the page talks for."""

from __future__ import annotations

import json
from html import escape
from typing import Any
from urllib.parse import urlsplit

import anyio.to_thread

from loghouse.access.oidc import LoginFailed
from loghouse.access.people import Mode
from loghouse.errors import LoghouseError
from loghouse.web.answers import Answer, Refused, json_answer, refusal
from loghouse.web.api import Scope, asked_of, parameters_of, read_body, send_answer
from loghouse.web.bridge import Receive, Send, retry_after
from loghouse.web.clients import counted_as
from loghouse.web.identity import COOKIE, Asked
from loghouse.web.services import Services

LOGIN_COOKIE = "loghouse_login"


class Logins:
    """`/login`, `/logout`, `/login/oidc`, `/login/callback` and `/api/v1/me` as one ASGI application."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._actions = {
            ("GET", "/api/v1/me"): self._me,
            ("POST", "/login"): self._log_in,
            ("POST", "/logout"): self._log_out,
            ("GET", "/login/oidc"): self._leave,
            ("GET", "/login/callback"): self._come_back,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            asked = asked_of(scope)
            self._services.doorkeeper.check_host(asked)
            action = self._actions.get((scope["method"], scope["path"]))
            if action is None:
                raise Refused(405, "this method is not known here")
            answer = await action(asked, scope, receive)
        except LoginFailed as error:
            answer = _told_in_words(error)
        except LoghouseError as error:
            answer = refusal(error)
        await send_answer(answer, send)

    async def _me(self, asked: Asked, scope: Scope, receive: Receive) -> Answer:
        doorkeeper = self._services.doorkeeper
        try:
            person, session = doorkeeper.identify(asked)
        except Refused as error:
            answer = refusal(error)
            told = {**json.loads(answer.body), "mode": str(self._services.mode)}
            return json_answer(told, error.status)
        return json_answer(
            {
                "user": person.name,
                "mode": str(self._services.mode),
                "groups": person.groups,
                "namespaces": person.namespaces,
                "masks": person.masks,
                "admin": person.admin,
                "csrf": session.csrf if session else "",
            }
        )

    async def _log_in(self, asked: Asked, scope: Scope, receive: Receive) -> Answer:
        services = self._services
        if services.mode is not Mode.USERS:
            raise Refused(404, "nobody logs in with a password here")
        _refuse_foreign(asked)
        client = services.doorkeeper.client(asked)
        wait = services.logins.take(counted_as(client))
        if wait:
            raise Refused(429, "too many attempts", "Try again later", retry_after(wait))
        user, password = _credentials(await read_body(receive))
        found = await anyio.to_thread.run_sync(
            services.doorkeeper.log_in, user, password, limiter=services.slow_checks
        )
        services.audit.write("login" if found else "login failed", user, client)
        if found is None:
            raise Refused(401, "wrong name or password")
        key, session = found
        return json_answer(
            {"user": user, "csrf": session.csrf}, headers={"Set-Cookie": _cookie(COOKIE, key, asked, scope)}
        )

    async def _log_out(self, asked: Asked, scope: Scope, receive: Receive) -> Answer:
        person, session = self._services.doorkeeper.identify(asked)
        if session is not None:
            self._services.doorkeeper.sessions.end(asked.cookies.get(COOKIE, ""))
        self._services.audit.write("logout", person.name, self._services.doorkeeper.client(asked))
        return Answer(status=204, headers={"Set-Cookie": _cookie(COOKIE, "", asked, scope)})

    async def _leave(self, asked: Asked, scope: Scope, receive: Receive) -> Answer:
        provider = self._provider()
        target = _own_path((parameters_of(scope).get("next") or ["/"])[-1])
        wait = self._services.logins.take(counted_as(self._services.doorkeeper.client(asked)))
        if wait:
            raise Refused(429, "too many attempts", "Try again later", retry_after(wait))
        url, state = await anyio.to_thread.run_sync(
            provider.begin, target, limiter=self._services.slow_checks
        )
        cookie = _cookie(LOGIN_COOKIE, state, asked, scope)
        return Answer(status=303, headers={"Location": url, "Set-Cookie": cookie})

    async def _come_back(self, asked: Asked, scope: Scope, receive: Receive) -> Answer:
        provider = self._provider()
        given = {name: values[-1] for name, values in parameters_of(scope).items()}
        state, code = given.get("state", ""), given.get("code", "")
        if not code:
            raise LoginFailed(f"the provider refused the login ({given.get('error', 'no reason')[:100]})")
        if not state or state != asked.cookies.get(LOGIN_COOKIE):
            raise LoginFailed("this login was begun in another browser")
        claimed = await anyio.to_thread.run_sync(
            provider.finish, state, code, limiter=self._services.slow_checks
        )
        key, _ = self._services.doorkeeper.sessions.begin(claimed.user, claimed.groups)
        client = self._services.doorkeeper.client(asked)
        self._services.audit.write("login", claimed.user, client, groups=list(claimed.groups))
        cookie = _cookie(COOKIE, key, asked, scope)
        return Answer(status=303, headers={"Location": _own_path(claimed.target), "Set-Cookie": cookie})

    def _provider(self) -> Any:
        provider = self._services.doorkeeper.provider
        if provider is None:
            raise Refused(404, "there is no login provider")
        return provider


def _told_in_words(error: LoginFailed) -> Answer:
    """A page, because a person is sent here by the provider and no script reads it."""
    said = escape(f"{error.message}. {error.hint}".rstrip(" ."))
    page = (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Not logged in</title>'
        f'<h1>Not logged in</h1><p>{said}.</p><p><a href="/">Try again</a></p></html>'
    )
    return Answer(page.encode("utf-8", "replace"), "text/html; charset=utf-8", 403)


def _refuse_foreign(asked: Asked) -> None:
    origin = asked.headers.get("origin", "")
    site = asked.headers.get("sec-fetch-site", "same-origin")
    if (origin and urlsplit(origin).netloc != asked.host) or site not in ("same-origin", "none"):
        raise Refused(403, "the request comes from another site")


def _credentials(body: bytes) -> tuple[str, str]:
    try:
        given = json.loads(body)
        user, password = given["user"], given["password"]
    except (ValueError, RecursionError, KeyError, TypeError):
        raise Refused(
            400, "a name and a password are needed", 'Write {"user": ..., "password": ...}'
        ) from None
    if not isinstance(user, str) or not isinstance(password, str):
        raise Refused(400, "a name and a password are needed")
    return user, password


def _cookie(name: str, value: str, asked: Asked, scope: Scope) -> str:
    """A cookie for this site only, out of reach of scripts; an empty value removes it."""
    secure = scope["scheme"] == "https" or asked.headers.get("x-forwarded-proto", "") == "https"
    parts = [f"{name}={value}", "Path=/", "HttpOnly", "SameSite=Lax"]
    if secure:
        parts.append("Secure")
    if not value:
        parts.append("Max-Age=0")
    return "; ".join(parts)


def _own_path(target: str) -> str:
    """A path of this site; anything that a browser could take for another site becomes the front page."""
    parts = urlsplit(target)
    plain = target.isascii() and target.isprintable() and "\\" not in target and not target.startswith("//")
    return target if plain and target.startswith("/") and not parts.netloc and not parts.scheme else "/"
