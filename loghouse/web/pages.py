"""The files of the page, and the headers that keep a browser from doing more than the page needs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route

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
_KINDS = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


def page_routes() -> Sequence[BaseRoute]:
    """`/` and the files of the page, which are kept in memory."""
    root = Path(str(files("loghouse.web").joinpath("static")))
    kept = {path.relative_to(root).as_posix(): path.read_bytes() for path in _files(root)}
    index = kept.pop("index.html").decode()
    digest = _digest(root)
    base = f"assets/{digest}/"

    def asset(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in kept:
            return PlainTextResponse("there is no such file\n", 404)
        kind = _KINDS[Path(name).suffix]
        return Response(kept[name], media_type=kind, headers={"cache-control": _FOR_GOOD})

    text = index.replace('="assets/', f'="{base}')
    # All modules at once, not one after the other as they name each other; the first question goes before.
    scripts = sorted(f"{base}{name}" for name in kept if name.startswith("js/"))
    ahead = "".join(
        f'<link rel="modulepreload" href="{name}" fetchpriority="low">\n'
        for name in scripts
        if f'"{name}"' not in text
    )
    text = text.replace("</head>", f"{ahead}</head>")
    tag = f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'

    def front(request: Request) -> Response:
        known = request.headers.get("if-none-match", "")
        headers = {"etag": tag}
        # Compressed it has the same text; a proxy marks the tag as weak then.
        if tag in (each.strip().removeprefix("W/") for each in known.split(",")):
            return Response(status_code=304, headers=headers)
        return HTMLResponse(text, headers=headers)

    return Route("/", front), Mount("/assets", routes=[Route(f"/{digest}/{{name:path}}", asset)])


def _digest(root: Path) -> str:
    """What the files hold, in short."""
    found = hashlib.sha256()
    for path in _files(root):
        found.update(f"{path.relative_to(root)}\0".encode())
        found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()[:16]


def _files(root: Path) -> Sequence[Path]:
    return sorted(path for path in root.rglob("*") if path.suffix in (*_KINDS, ".html"))


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
