"""`/loki/api/v1/tail`: new lines over a WebSocket, as `logcli query --tail` and Grafana read them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC
from typing import Any

import anyio
import anyio.from_thread
import anyio.to_thread
from starlette.websockets import WebSocket, WebSocketDisconnect

from loghouse.errors import LoghouseError
from loghouse.query import Live, Query, TimeRange
from loghouse.query.timerange import HOUR, LAST
from loghouse.web.answers import Refused, encoded
from loghouse.web.api import asked_of, parameters_of, plain_refusal
from loghouse.web.bridge import SLOW_CLIENT_SECONDS
from loghouse.web.calls import Call, Gone
from loghouse.web.live import news
from loghouse.web.loki.handlers import limit_of, names_of, written
from loghouse.web.loki.logql import Lines, read
from loghouse.web.paging import fetch
from loghouse.web.parameters import Selected
from loghouse.web.services import Services

PATH = "/loki/api/v1/tail"
POLICY_VIOLATION = 1008


class LokiTail:
    """The WebSocket; a Starlette endpoint."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        socket = WebSocket(scope, receive, send)
        try:
            call = self._call(scope)
        except LoghouseError as error:
            await _refuse(socket, error)
            return
        with self._services.place_for(call, lasts=True):
            await socket.accept()
            await self._serve(socket, call)

    def _call(self, scope: Any) -> Call:
        services = self._services
        asked = asked_of(scope)
        services.doorkeeper.check_host(asked)
        person, _ = services.doorkeeper.identify(asked)
        services.check_rate(person.name)
        given = parameters_of(scope)
        call = Call(services.store_url, services.parts, person, given)
        client = services.doorkeeper.client(asked)
        services.audit.write("asked", person.name, client, path=PATH, query=call.text("query"))
        return call

    async def _serve(self, socket: WebSocket, call: Call) -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(_watch, socket, call)
            try:
                with anyio.CancelScope(shield=True):
                    await anyio.to_thread.run_sync(
                        _follow, socket, call, limiter=self._services.limiters[True]
                    )
            finally:
                call.cancel()
                group.cancel_scope.cancel()


async def _watch(socket: WebSocket, call: Call) -> None:
    with suppress(WebSocketDisconnect):
        while True:
            if (await socket.receive())["type"] == "websocket.disconnect":
                break
    await anyio.to_thread.run_sync(call.cancel)


def _follow(socket: WebSocket, call: Call) -> None:
    try:
        with call.store() as store:
            lines = read(call.text("query"), names_of(call, store))
            if not isinstance(lines, Lines):
                raise Refused(400, "only lines can be followed")
            window = TimeRange(call.now_ns - HOUR, LAST)
            query = Query(lines.filter)
            wanted = Selected(query, window, call.person.scope, call.person.table, call.now_ns, UTC)
            backlog = fetch(store, wanted, limit_of(call), "newest").records
            _send(socket, {"streams": written(reversed(backlog)), "dropped_entries": []})
            for kind, what in news(call, store, Live(query, call.now_ns, call.person.scope), None):
                if kind == "records" and not isinstance(what, str):
                    _send(socket, {"streams": written(what), "dropped_entries": []})
    except Gone:
        return
    except Exception as error:  # noqa: BLE001 - the client gets the reason, and no traceback
        if not call.stopped.is_set():
            reason = plain_refusal(error).body.decode()[:100]
            with suppress(RuntimeError, WebSocketDisconnect):
                anyio.from_thread.run(socket.close, POLICY_VIOLATION, reason)


def _send(socket: WebSocket, message: Mapping[str, Any]) -> None:
    anyio.from_thread.run(_in_time, socket, encoded(message).decode())


async def _in_time(socket: WebSocket, text: str) -> None:
    with anyio.fail_after(SLOW_CLIENT_SECONDS):
        await socket.send_text(text)


async def _refuse(socket: WebSocket, error: LoghouseError) -> None:
    """Before it is accepted a WebSocket is a request, and gets the answer of one."""
    answer = plain_refusal(error)
    if "websocket.http.response" in socket.scope.get("extensions", {}):
        headers = [(b"content-type", answer.kind.encode())]
        await socket.send(
            {"type": "websocket.http.response.start", "status": answer.status, "headers": headers}
        )
        await socket.send({"type": "websocket.http.response.body", "body": answer.body})
    else:
        await socket.close(POLICY_VIOLATION)
