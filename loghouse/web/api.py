"""One path of the API as an ASGI application: who asks, may he, then the handler in a thread."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs

from starlette.requests import HTTPConnection

from loghouse.errors import LoghouseError, QueryError
from loghouse.web.answers import JSON, TEXT, Answer, Refused, refusal
from loghouse.web.bridge import Receive, Send, answer_in_thread
from loghouse.web.calls import Call
from loghouse.web.endpoints import Endpoint
from loghouse.web.identity import Asked
from loghouse.web.parameters import checked
from loghouse.web.services import Services

LARGEST_BODY = 256 << 10
MOST_PARAMETERS = 200
API_HEADERS = {"cache-control": "no-store"}

Scope = dict[str, Any]


class Path:
    """The endpoints of one path, by method."""

    def __init__(self, endpoints: Sequence[Endpoint], services: Services) -> None:
        self._endpoints = {endpoint.method: endpoint for endpoint in endpoints}
        self._services = services

    @property
    def methods(self) -> Sequence[str]:
        """The methods that are answered; HEAD is GET."""
        return tuple(self._endpoints)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        endpoint = self._endpoints.get(method)
        if endpoint is None:
            allowed = ", ".join(self._endpoints)
            answer = refusal(
                Refused(405, "this method is not known here", f"Use {allowed}", {"Allow": allowed})
            )
            await send_answer(answer, send)
            return
        refused = plain_refusal if endpoint.lenient else refusal
        try:
            asked = asked_of(scope)
            call = await self._call(endpoint, asked, scope, receive)
            with self._services.place_for(call, endpoint.lasts):
                await answer_in_thread(
                    lambda: endpoint.answer(call),
                    call,
                    receive,
                    send,
                    self._services.limiters[endpoint.lasts],
                    API_HEADERS,
                    refused,
                )
        except LoghouseError as error:
            await send_answer(refused(error), send)

    async def _call(self, endpoint: Endpoint, asked: Asked, scope: Scope, receive: Receive) -> Call:
        services = self._services
        services.doorkeeper.check_host(asked)
        person, _ = services.doorkeeper.identify(asked)
        client = services.doorkeeper.client(asked)
        services.check_rate(f"{person.name}\0{client if person.name == 'anybody' else ''}")
        given = parameters_of(scope)
        if not endpoint.lenient:
            checked(endpoint.parameters, given)
        body = await _json_body(receive, asked) if endpoint.body is not None else None
        services.audit.write(
            "asked",
            person.name,
            client,
            method=endpoint.method,
            path=scope["path"],
            **{name: values[-1] if len(values) == 1 else list(values) for name, values in given.items()},
        )
        return Call(
            services.store_url,
            services.parts,
            person,
            given,
            dict(scope.get("path_params", {})),
            body,
            dict(asked.headers),
        )


def asked_of(scope: Scope) -> Asked:
    """The request as the doorkeeper looks at it."""
    connection = HTTPConnection(scope)
    headers = dict(connection.headers.items())
    address = connection.client.host if connection.client else ""
    return Asked(scope.get("method", "GET"), headers.get("host", ""), address, headers, connection.cookies)


def parameters_of(scope: Scope) -> Mapping[str, Sequence[str]]:
    """The parameters of the address; raises `Refused` for those that are not UTF-8."""
    try:
        return parse_qs(
            scope["query_string"].decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MOST_PARAMETERS,
        )
    except ValueError:
        raise Refused(400, "the parameters cannot be read", "Write them in UTF-8, percent-encoded") from None


async def send_answer(answer: Answer, send: Send, extra: Mapping[str, str] = API_HEADERS) -> None:
    """Send a whole answer from the event loop."""
    named = {"content-type": answer.kind, "content-length": str(len(answer.body)), **extra, **answer.headers}
    headers = [(name.lower().encode(), value.encode("latin-1", "replace")) for name, value in named.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body, "more_body": False})


def plain_refusal(error: Exception) -> Answer:
    """An error in the words of a program that wants plain text."""
    answer = refusal(error)
    told = json.loads(answer.body)
    text = told["error"]
    if isinstance(error, QueryError):
        text = f"parse error at line {told['place']['line']}, col {told['place']['column']}: {text}"
    if told["hint"]:
        text += f" ({told['hint']})"
    return Answer(text.encode("utf-8", "replace"), TEXT, answer.status, answer.headers)


async def _json_body(receive: Receive, asked: Asked) -> Any:
    if asked.headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
        raise Refused(415, "the body is not JSON", f"Send it with Content-Type: {JSON}")
    body = await read_body(receive)
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise Refused(400, "the body is not JSON") from None


async def read_body(receive: Receive) -> bytes:
    """The whole body, if it is small."""
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refused(400, "the request broke off")
        body += bytes(message.get("body", b""))
        if len(body) > LARGEST_BODY:
            raise Refused(413, f"the body has more than {LARGEST_BODY} bytes")
        if not message.get("more_body"):
            return body
