"""The shared-key handshake of Forward: HELO from us, PING from the client, PONG from us."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from loghouse.receive.inflate import Broken

NONCE_BYTES = 16


@dataclass(frozen=True, slots=True)
class Secrets:
    """The key that all senders share, and the users, if any. `host` is our name to them."""

    host: str
    shared_key: bytes = field(repr=False)
    users: Mapping[str, str] = field(default_factory=dict, repr=False)


class Handshake:
    """One connection's handshake."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._nonce = os.urandom(NONCE_BYTES)
        self._auth = os.urandom(NONCE_BYTES) if secrets.users else b""

    def helo(self) -> bytes:
        """The first message, from us."""
        import msgpack

        options = {"nonce": self._nonce, "auth": self._auth, "keepalive": True}
        return bytes(msgpack.packb(["HELO", options]))

    def pong(self, ping: Any) -> tuple[bytes, str]:
        """The answer to PING, and why it refuses ('' when it does not). Raises `Broken` for anything else."""
        import msgpack

        if not isinstance(ping, list) or len(ping) != 6 or ping[0] != b"PING":
            raise Broken("expected PING of the Forward handshake")
        if not all(isinstance(part, bytes) for part in ping[1:]):
            raise Broken("PING of the Forward handshake has wrong types")
        _, host, salt, digest, user, password = ping
        reason = self._refusal(host, salt, digest, user, password)
        ours = self._digest(salt, self._secrets.host.encode()) if not reason else ""
        return bytes(msgpack.packb(["PONG", not reason, reason, self._secrets.host, ours])), reason

    def _refusal(self, host: bytes, salt: bytes, digest: bytes, user: bytes, password: bytes) -> str:
        if not hmac.compare_digest(self._digest(salt, host).encode(), digest):
            return "shared_key mismatch"
        if not self._auth:
            return ""
        known = self._secrets.users.get(user.decode(errors="replace"))
        expected = hashlib.sha512(self._auth + user + (known or "").encode()).hexdigest().encode()
        same = hmac.compare_digest(expected, password)
        return "" if same and known is not None else "username/password mismatch"

    def _digest(self, salt: bytes, host: bytes) -> str:
        return hashlib.sha512(salt + host + self._nonce + self._secrets.shared_key).hexdigest()
