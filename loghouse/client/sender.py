"""A sender with the calls of fluent-logger's, but chunks, acknowledgements and a spool."""

from __future__ import annotations

import atexit
import hashlib
import os
import socket
import ssl
import threading
import time
from typing import Any

import msgpack

from loghouse.client.chunks import Chunks

CHUNK_BYTES = 1 << 20
INTERVAL = 0.1  # seconds between a record and the chunk it goes into
LIMIT = 64 << 20  # bytes that wait, in memory or in the spool; beyond them records are dropped and counted
TIMEOUT = 10.0  # seconds for a connection and for an acknowledgement
LONGEST_WAIT = 15.0  # seconds between two attempts
_STRANGER = "whoever answers there does not speak Forward"
CLOSE_SECONDS = 5.0  # that a program waits at its end for what is not acknowledged yet


class Sender:
    """Sends records under a tag. Thread-safe; a forked child begins anew with an empty one."""

    _changed: threading.Condition
    _entries: dict[str, list[bytes]]
    _store: Chunks
    _thread: threading.Thread
    _connection: socket.socket | None
    _pid: int
    _size: int  # bytes of records that are not acknowledged
    _gathered: int  # of them those that are in no chunk yet
    _hurry: bool
    _closed: bool

    def __init__(
        self,
        tag: str,
        host: str = "localhost",
        port: int = 24224,
        *,
        spool: str = "",
        limit: int = LIMIT,
        shared_key: str = "",
        tls: ssl.SSLContext | None = None,
        timeout: float = TIMEOUT,
    ) -> None:
        self.dropped = 0  # records for which there was no room
        self._tag = tag
        self._address = (host, port)
        self._spool = spool
        self._limit = limit
        self._key = shared_key.encode()
        self._tls = tls
        self._timeout = timeout
        self._begin()
        atexit.register(self.close)

    def emit(self, label: str | None, data: dict[str, Any]) -> bool:
        """Take a record of now; False if there was no room for it."""
        return self.emit_with_time(label, time.time(), data)

    def emit_with_time(self, label: str | None, timestamp: float, data: dict[str, Any]) -> bool:
        """Take a record with its Unix time; False if there was no room for it."""
        if self._pid != os.getpid():
            self._begin()
        tag = f"{self._tag}.{label}" if label else self._tag
        stamp = int(timestamp).to_bytes(4, "big") + int(timestamp % 1 * 1e9).to_bytes(4, "big")
        entry: bytes = msgpack.packb([msgpack.ExtType(0, stamp), data], default=str, unicode_errors="replace")
        with self._changed:
            if self._size + len(entry) > self._limit:
                self.dropped += 1
                return False
            self._entries.setdefault(tag, []).append(entry)
            self._size += len(entry)
            self._gathered += len(entry)
            if self._gathered >= CHUNK_BYTES:
                self._changed.notify_all()
        return True

    def flush(self, seconds: float = CLOSE_SECONDS) -> bool:
        """Wait until everything is acknowledged; False if that took longer."""
        with self._changed:
            self._hurry = True
            self._changed.notify_all()
            return self._changed.wait_for(lambda: not self._size, seconds)

    def close(self, seconds: float = CLOSE_SECONDS) -> None:
        """Send what can be sent in time; with a spool the next process sends the rest."""
        if self._closed or self._pid != os.getpid():
            return
        self.flush(seconds)
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join(self._timeout)
        self._store.close()
        atexit.unregister(self.close)

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._entries = {}
        self._gathered = 0
        self._hurry = self._closed = False
        self._changed = threading.Condition()
        self._store = Chunks(self._spool)
        self._size = self._store.size
        self._connection = None
        self._thread = threading.Thread(target=self._run, name="loghouse-client", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        failures = 0
        while True:
            with self._changed:
                if not (self._closed or self._hurry or self._gathered >= CHUNK_BYTES):
                    self._changed.wait(
                        INTERVAL if not failures else min(LONGEST_WAIT, INTERVAL * 2**failures)
                    )
                gathered, self._entries, self._gathered = self._entries, {}, 0
                closed, self._hurry = self._closed, False
            try:
                for tag, entries in gathered.items():
                    self._store.put(tag, entries)
                self._send_all()
                failures = 0
            except (OSError, EOFError, ValueError, msgpack.UnpackException):
                self._disconnect()
                failures = min(failures + 1, 10)
            if closed:
                self._disconnect()
                return

    def _send_all(self) -> None:
        while oldest := self._store.oldest():
            id, message = oldest
            connection = self._connection or self._connected()
            connection.sendall(message)
            if acknowledged(connection) != id.encode():
                raise ValueError("not the acknowledgement of what was sent")
            size = self._store.remove(id)
            with self._changed:
                self._size -= size
                self._changed.notify_all()

    def _connected(self) -> socket.socket:
        connection = socket.create_connection(self._address, self._timeout)
        try:
            if self._tls:
                connection = self._tls.wrap_socket(connection, server_hostname=self._address[0])
            if self._key:
                shake_hands(connection, self._key)
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        return connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def acknowledged(connection: socket.socket) -> object:
    """The id of the chunk that the receiver acknowledges next."""
    answer = _heard(connection)
    if not isinstance(answer, dict):
        raise ValueError(_STRANGER)
    return answer.get(b"ack")


def shake_hands(connection: socket.socket, key: bytes) -> None:
    """Show that we know the shared key, and see that the receiver does."""
    salt, host = os.urandom(16), socket.gethostname().encode()
    try:
        _, options = _heard(connection)
        nonce: bytes = options[b"nonce"]

        def digest(name: bytes) -> str:
            return hashlib.sha512(salt + name + nonce + key).hexdigest()

        connection.sendall(msgpack.packb(["PING", host, salt, digest(host), "", ""]))
        _, welcome, reason, server, theirs = _heard(connection)
        known = theirs.decode() == digest(server) if welcome else False
    except (TypeError, LookupError, AttributeError):
        raise ValueError(_STRANGER) from None
    if not known:
        raise ValueError(f"the receiver refused the shared key ({reason!r})")


def _heard(connection: socket.socket) -> Any:
    """The next message of the receiver."""
    unpacker = msgpack.Unpacker(raw=True, max_buffer_size=1 << 16)
    while data := connection.recv(4096):
        unpacker.feed(data)
        for message in unpacker:
            return message
    raise EOFError("the receiver closed the connection")
