"""The files of the page, and the headers that keep a browser from doing more than the page needs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Mount, Route
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


# A file's address changes with its content, so a browser never has to ask for it again.
_FOR_GOOD = "public, max-age=31536000, immutable"


def page_routes() -> Sequence[BaseRoute]:
    """`/` and the files of the page."""
    root = Path(str(files("loghouse.web").joinpath("static")))
    scripts = sorted(path.name for path in (root / "js").glob("*.js"))
    digest = _digest(root)
    base = f"assets/{digest}/"
    # All modules at once, instead of one after the other as they name each other.
    ahead = "".join(f'<link rel="modulepreload" href="{base}js/{name}">\n' for name in scripts)
    text = (root / "index.html").read_text("utf-8").replace('="assets/', f'="{base}')
    text = text.replace("</head>", f"{ahead}</head>")
    return (
        Route("/", lambda request: HTMLResponse(text)),
        Mount("/assets", routes=[Mount(f"/{digest}", _Kept(directory=root))]),
    )


class _Kept(StaticFiles):
    def file_response(self, *args: Any, **more: Any) -> Response:
        response = super().file_response(*args, **more)
        response.headers["cache-control"] = _FOR_GOOD
        return response


def _digest(root: Path) -> str:
    """What the files hold, in short."""
    found = hashlib.sha256()
    for path in sorted(path for path in root.rglob("*") if path.is_file()):
        found.update(f"{path.relative_to(root)}\0".encode())
        found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()[:16]


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
