"""Passwords and tokens: how they are made and compared."""

from __future__ import annotations

import hmac
import secrets
from hashlib import sha256

import bcrypt

ROUNDS = 12
PREFIX = "lh_"
MOST_BYTES = 72  # of a password; bcrypt reads no more

# Compared when there is no such user, so that an answer takes as long as for a wrong password.
_NOBODY = bcrypt.hashpw(secrets.token_bytes(16), bcrypt.gensalt(ROUNDS))


def hashed(password: str) -> str:
    """The bcrypt hash of a password; raises ValueError if it is too long for bcrypt."""
    plain = password.encode()
    if len(plain) > MOST_BYTES:
        raise ValueError(f"a password has at most {MOST_BYTES} bytes")
    return bcrypt.hashpw(plain, bcrypt.gensalt(ROUNDS)).decode()


def is_password(password: str, stored: str) -> bool:
    """Whether that is the password of the hash; '' is nobody's hash and takes as long."""
    plain = password.encode("utf-8", "surrogatepass")
    if len(plain) > MOST_BYTES or b"\0" in plain:
        plain = b""
        stored = ""
    return bcrypt.checkpw(plain, stored.encode() if stored else _NOBODY) and bool(stored)


def new_token() -> tuple[str, str]:
    """A token and the digest that the access file keeps of it."""
    token = PREFIX + secrets.token_urlsafe(32)
    return token, digest_of(token)


def digest_of(token: str) -> str:
    """A long random secret needs no slow hash."""
    return f"sha256:{sha256(token.encode('utf-8', 'surrogatepass')).hexdigest()}"


def is_same(one: str, other: str) -> bool:
    """Compared in a time that tells nothing."""
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode("utf-8", "replace"))
