"""A web server for tests: the real one, in this process, at a free port."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from loghouse.config import StoreUrl
from loghouse.web.server import Serving, WebServer

LIMIT = 30  # seconds an answer may take on a busy machine


@contextmanager
def served(store: StoreUrl, access_file: Path | None = None, **more: Any) -> Iterator[WebServer]:
    """The web server of a store."""
    server = WebServer(Serving("127.0.0.1", 0, access_file, **more), store)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def client_of(server: WebServer, token: str = "", **more: Any) -> httpx.Client:
    """A client whose addresses are relative to the server."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    # Without certificates, whose loading takes longer than most answers.
    return httpx.Client(
        base_url=server.url, headers=headers, timeout=LIMIT, trust_env=False, verify=False, **more
    )


def answered(client: httpx.Client, path: str, **parameters: Any) -> Any:
    """The JSON of an answer that has to be good; parameters as in `from_="..."`."""
    answer = client.get(f"/api/v1/{path}", params=_named(parameters))
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(client: httpx.Client, path: str, status: int, **parameters: Any) -> Any:
    """The JSON of an answer that has to be an error."""
    answer = client.get(f"/api/v1/{path}", params=_named(parameters))
    assert answer.status_code == status, answer.text
    return answer.json()


def events(answer: httpx.Response) -> Iterator[tuple[str, Any, str]]:
    """Server-sent events as they come: kind, decoded data, id. A comment is ("", None, "")."""
    kind, data, number = "", None, ""
    for line in answer.iter_lines():
        name, _, value = line.partition(": ")
        if line.startswith(":"):
            yield "", None, ""
        elif not line:
            if kind:
                yield kind, data, number
            kind, data, number = "", None, ""
        elif name == "event":
            kind = value
        elif name == "data":
            data = json.loads(value)
        elif name == "id":
            number = value


def _named(parameters: dict[str, Any]) -> dict[str, Any]:
    return {name.rstrip("_"): value for name, value in parameters.items()}
