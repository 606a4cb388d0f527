"""Passwords and tokens: how they are made and compared."""

from __future__ import annotations

import hmac
import re
import secrets
from hashlib import sha256

import argon2
import bcrypt

ROUNDS = 12
PREFIX = "lh_"
MOST_BYTES = 72  # of a password for bcrypt, which reads no more

_ARGON2 = argon2.PasswordHasher()
_BCRYPT = re.compile(r"\$2[aby]\$\d\d\$.{53}")
_ARGON2ID = re.compile(r"\$argon2id\$v=\d+\$m=\d+,t=\d+,p=\d+\$[\w+/]{11,}\$[\w+/]{16,}", re.ASCII)


def hashed(password: str) -> str:
    """The Argon2id hash of a password."""
    return _ARGON2.hash(password)


def hashed_for_clickhouse(password: str) -> str:
    """A bcrypt hash, which ClickHouse checks too; raises ValueError if the password is too long for it."""
    plain = password.encode()
    if len(plain) > MOST_BYTES:
        raise ValueError(f"a password for bcrypt has at most {MOST_BYTES} bytes")
    return bcrypt.hashpw(plain, bcrypt.gensalt(ROUNDS)).decode()


def is_hash(text: str) -> bool:
    """Whether that is a hash that `is_password` reads."""
    return bool(_BCRYPT.fullmatch(text) or _ARGON2ID.fullmatch(text))


def is_bcrypt(stored: str) -> bool:
    """Whether ClickHouse can check it as well."""
    return stored.startswith("$2")


def is_password(password: str, stored: str) -> bool:
    """Whether that is the password of a hash of either kind."""
    plain = password.encode("utf-8", "surrogatepass")
    if not is_bcrypt(stored):
        try:
            return _ARGON2.verify(stored, plain)
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False
    fits = len(plain) <= MOST_BYTES and b"\0" not in plain
    return bcrypt.checkpw(plain if fits else b"", stored.encode()) and fits


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
