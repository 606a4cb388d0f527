"""The files of the page, and the headers that keep a browser from doing more than the page needs."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from starlette.staticfiles import StaticFiles

from loghouse.web.api import Scope
from loghouse.web.bridge import BrokenOff, Receive, Send

_HEADERS = {
    # Nothing inline and nothing from elsewhere: text of logs that became a script would not run.
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; font-src 'self'; manifest-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_ENCODED = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]


def static_files() -> StaticFiles:
    """The page; `/` is its index."""
    return StaticFiles(directory=str(files("loghouse.web").joinpath("static")), html=True)


class Guarded:
    """Adds the headers to every answer; an answer that broke off closes its connection without a word."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Mapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                given = list(message["headers"])
                if not any(name == b"cache-control" for name, _ in given):
                    given.append((b"cache-control", b"no-cache"))
                message = {**message, "headers": [*given, *_ENCODED]}
            await send(message)

        try:
            await self._app(scope, receive, guarded)
        except BrokenOff:
            # The server closes a connection whose answer was not ended.
            return
