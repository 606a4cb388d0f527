"""The whole application: the API, the Loki API, logins and the page."""

from __future__ import annotations

from collections import defaultdict

from starlette.applications import Starlette
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Route, WebSocketRoute

from loghouse.web.answers import Answer, Stream, json_answer
from loghouse.web.api import Path
from loghouse.web.calls import Call
from loghouse.web.endpoints import ENDPOINTS, V1, Endpoint
from loghouse.web.login import Logins
from loghouse.web.loki.endpoints import LOKI_ENDPOINTS
from loghouse.web.loki.socket import LokiTail
from loghouse.web.openapi import document
from loghouse.web.pages import Guarded, page_routes
from loghouse.web.services import Services


def application(services: Services) -> Guarded:
    """What the server runs."""
    found = Starlette(routes=routes(services))
    # Not the events of a tail: they go out as they come.
    return Guarded(GZipMiddleware(found, compresslevel=4))


def routes(services: Services) -> list[BaseRoute]:
    """All there is to ask for."""
    described = document(ENDPOINTS)

    def openapi(call: Call) -> Answer | Stream:
        return json_answer(described)

    paths: dict[str, list[Endpoint]] = defaultdict(list)
    for endpoint in (*ENDPOINTS, *LOKI_ENDPOINTS, Endpoint(f"{V1}/openapi.json", openapi, "This document")):
        paths[endpoint.path].append(endpoint)
    found: list[BaseRoute] = [Route(path, Path(listed, services)) for path, listed in paths.items()]
    logins = Logins(services)
    for path in (f"{V1}/me", "/login", "/logout", "/login/oidc", "/login/callback"):
        found.append(Route(path, logins))
    found.append(WebSocketRoute("/loki/api/v1/tail", LokiTail(services)))
    found.append(Route("/healthz", lambda request: PlainTextResponse("ok\n")))
    found.extend(page_routes())
    return found
