"""The OpenAPI document of the API, made of the list of its endpoints."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from loghouse.web.answers import JSON
from loghouse.web.endpoints import Endpoint

_ERROR = {
    "type": "object",
    "required": ["error", "hint"],
    "properties": {
        "error": {"type": "string"},
        "hint": {"type": "string"},
        "place": {
            "type": "object",
            "properties": {name: {"type": "integer"} for name in ("start", "end", "line", "column")},
        },
    },
}
_BODY_REFUSALS = {
    "413": "The body is too large",
    "415": "The body is not JSON",
}
_REFUSALS = {
    "400": "A parameter or the query is wrong; `place` says where in the query",
    "401": "Nobody is logged in and no token was sent",
    "403": "Not allowed",
    "404": "There is no such thing",
    "421": "This server is not called by this name",
    "422": "The query needs more than is allowed",
    "429": "Asked too often, or too much at once",
    "502": "The store refused the query",
    "503": "The store cannot be reached",
}


def document(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """The whole document."""
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint)
    return {
        "openapi": "3.1.0",
        "info": {"title": "loghouse", "version": "1", "description": "Logs, as docs/web.md tells in words."},
        "paths": paths,
        "components": {
            "schemas": {"Error": _ERROR},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}, {}],
    }


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = [
        {
            "name": parameter.name,
            "in": "query",
            "description": parameter.about,
            "required": parameter.required,
            "schema": parameter.schema,
        }
        for parameter in endpoint.parameters
    ]
    parameters += [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
        }
        for name in re.findall(r"\{(\w+)\}", endpoint.path)
    ]
    done: dict[str, Any] = {"description": endpoint.summary}
    if endpoint.status != 204:
        done["content"] = {kind.partition(";")[0]: _content(kind) for kind in endpoint.kinds}
    refused = {"content": {JSON: {"schema": {"$ref": "#/components/schemas/Error"}}}}
    refusals = _REFUSALS | (_BODY_REFUSALS if endpoint.body is not None else {})
    operation: dict[str, Any] = {
        "summary": endpoint.summary,
        "operationId": f"{endpoint.method.lower()}_{endpoint.path.strip('/').replace('/', '_').strip('{}')}",
        "parameters": parameters,
        "responses": {
            str(endpoint.status): done,
            **{status: {"description": about, **refused} for status, about in refusals.items()},
        },
    }
    if endpoint.body is not None:
        operation["requestBody"] = {"required": True, "content": {JSON: {"schema": endpoint.body}}}
    return operation


def _content(kind: str) -> dict[str, Any]:
    return {"schema": {"type": "object"} if kind == JSON else {"type": "string"}}
