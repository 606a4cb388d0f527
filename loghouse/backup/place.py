"""Where a backup is: a name below the server's directory for backups, one of its disks, or a bucket."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from loghouse.errors import UsageError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,199}")
_EXAMPLES = "Write a name, disk:NAME/BACKUP, or https://HOST/BUCKET/PATH of an S3 store"


@dataclass(frozen=True, slots=True)
class Place:
    """A destination of BACKUP; `sql` holds what only the server may see, `str` is safe to show."""

    shown: str
    sql: str = field(repr=False)

    def __str__(self) -> str:
        return self.shown


def place_of(text: str, s3_credentials: Path | None) -> Place:
    """Read a destination; raises `UsageError`. The credentials are a file with the key's name and the key."""
    if text.startswith(("http://", "https://", "s3://")):
        return _bucket(text, s3_credentials)
    kind, colon, rest = text.partition(":")
    if colon and kind == "disk":
        disk, slash, name = rest.partition("/")
        if not slash or not all(map(_NAME.fullmatch, (disk, *name.split("/")))):
            raise UsageError(f'"{text}" does not name a backup on a disk', _EXAMPLES)
        return Place(text, f"Disk({_quoted(disk)}, {_quoted(name)})")
    if not _NAME.fullmatch(text):
        raise UsageError(f'"{text}" cannot be the name of a backup', _EXAMPLES)
    return Place(text, f"File({_quoted(text)})")


def _bucket(text: str, credentials: Path | None) -> Place:
    url = urlsplit(text)
    if url.scheme == "s3":
        raise UsageError(
            f'"{text}" does not say which S3 store',
            "Write its address: https://s3.REGION.amazonaws.com/BUCKET/PATH for Amazon's",
        )
    if not url.hostname or url.username or len(url.path.strip("/")) == 0:
        raise UsageError(f'"{text}" is no place in a bucket', _EXAMPLES)
    if credentials is None:
        return Place(text, f"S3({_quoted(text)})")
    try:
        name, secret = credentials.read_text("utf-8").split()
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise UsageError(
            f'cannot read the credentials in "{credentials}" ({error})',
            "The file holds the name of the access key and the key, each on a line",
        ) from None
    return Place(text, f"S3({_quoted(text)}, {_quoted(name)}, {_quoted(secret)})")


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
