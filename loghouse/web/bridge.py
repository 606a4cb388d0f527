"""From the event loop to threads and back: handlers are plain functions, ended when the client leaves."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import anyio
import anyio.from_thread
import anyio.to_thread

from loghouse.errors import LoghouseError
from loghouse.web.answers import Answer, Headers, Stream
from loghouse.web.calls import Call, Gone

Receive = Callable[[], Any]
Send = Callable[[Mapping[str, Any]], Any]

SLOW_CLIENT_SECONDS = 60  # how long a client may take nothing of an answer
PIECE = 64 << 10  # bytes that are sent at once
CANCEL_AGAIN_SECONDS = 0.5


class BrokenOff(Exception):
    """An answer that had begun cannot be finished; the connection is closed so that the client sees it."""


async def answer_in_thread(
    work: Callable[[], Answer | Stream],
    call: Call,
    receive: Receive,
    send: Send,
    limiter: anyio.CapacityLimiter,
    extra: Headers,
    refusal: Callable[[Exception], Answer],
) -> int:
    """Run a handler in a thread and send what it gives; the status that was sent, 499 if nobody was there."""
    sender = _Sender(send, call, extra, refusal)
    async with anyio.create_task_group() as group:
        group.start_soon(_watch, receive, call)
        try:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(_run, work, sender, limiter=limiter)
        finally:
            call.cancel()
            group.cancel_scope.cancel()
    if sender.broken:
        raise BrokenOff
    return sender.status


async def _watch(receive: Receive, call: Call) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    while True:
        # Again until the handler has ended: the first time it may just have been connecting to the store.
        # In a thread: it may wait for a lock that the handler holds.
        await anyio.to_thread.run_sync(call.cancel)
        await anyio.sleep(CANCEL_AGAIN_SECONDS)


def _run(work: Callable[[], Answer | Stream], sender: _Sender) -> None:
    try:
        answer = work()
        if isinstance(answer, Answer):
            sender.whole(answer)
            return
        sender.begin(answer)
        answer.write(sender)
        sender.end()
    except Exception as error:  # noqa: BLE001 - whatever it is, the client gets an answer and no traceback
        sender.failed(error)


class _Sender:
    """Sends from the handler's thread; as a `Writer` it collects small pieces."""

    def __init__(
        self, send: Send, call: Call, extra: Headers, refusal: Callable[[Exception], Answer]
    ) -> None:
        self._send = send
        self._call = call
        self._extra = extra
        self._refusal = refusal
        self._waiting = bytearray()
        self.status = 499
        self.broken = False

    def whole(self, answer: Answer) -> None:
        headers = {"content-length": str(len(answer.body)), **answer.headers}
        self._start(answer.status, answer.kind, headers)
        self._body(answer.body, more=False)

    def begin(self, answer: Stream) -> None:
        self._pending = answer

    def write(self, data: bytes, /) -> None:
        self._waiting += data
        if len(self._waiting) >= PIECE:
            self.flush()

    def flush(self) -> None:
        """Send what was written; the first time the head of the answer before it. Raises `Gone`."""
        # What is sent to nobody vanishes without an error, and the rest of the answer would be made for it.
        if self._call.stopped.is_set():
            raise Gone("the client left")
        if self._waiting:
            self._begun()
            data = bytes(self._waiting)
            self._waiting.clear()
            self._body(data, more=True)

    def end(self) -> None:
        self._begun()
        self._body(bytes(self._waiting), more=False)

    def failed(self, error: Exception) -> None:
        """Tell an error that came before anything was sent; after that only breaking off is left."""
        if self.status == 499:
            self.whole(self._refusal(error))
        else:
            self.broken = True

    def _begun(self) -> None:
        if self.status == 499:
            self._start(200, self._pending.kind, self._pending.headers)

    def _start(self, status: int, kind: str, headers: Headers) -> None:
        self.status = status
        named = {"content-type": kind, **self._extra, **headers}
        encoded = [
            (name.lower().encode(), value.encode("latin-1", "replace")) for name, value in named.items()
        ]
        self._in_loop({"type": "http.response.start", "status": status, "headers": encoded})

    def _body(self, data: bytes, more: bool) -> None:
        self._in_loop({"type": "http.response.body", "body": data, "more_body": more})

    def _in_loop(self, message: Mapping[str, Any]) -> None:
        anyio.from_thread.run(self._in_time, message)

    async def _in_time(self, message: Mapping[str, Any]) -> None:
        with anyio.move_on_after(SLOW_CLIENT_SECONDS) as waiting:
            await self._send(message)
        if waiting.cancelled_caught:
            raise TooSlow("the client takes nothing")


class TooSlow(LoghouseError):
    """A client that takes nothing of its answer keeps a connection to the store busy."""


def retry_after(seconds: float) -> Headers:
    """The header that says when to come back."""
    return {"Retry-After": str(max(1, math.ceil(seconds)))}
