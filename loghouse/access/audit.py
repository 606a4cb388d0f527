"""The audit log: who asked what, as JSON lines that only grow."""

from __future__ import annotations

import json
import os
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from loghouse.errors import UsageError

LONGEST = 4000  # characters of a value


class Audit:
    """Appends to a file, which may be rotated at any time, or to standard error; `None` writes nothing."""

    def __init__(self, path: Path | None, enabled: bool = True) -> None:
        self._path = path
        self._enabled = enabled
        self._lock = threading.Lock()
        if path is not None:
            self._append(b"")

    def write(self, event: str, person: str, address: str, **details: Any) -> None:
        """One line; a line that cannot be written is told on standard error, and the request fails."""
        if not self._enabled:
            return
        entry = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event}
        entry |= {"user": person, "address": address}
        entry |= {key: _short(value) for key, value in details.items() if value not in (None, "", ())}
        line = (json.dumps(entry) + "\n").encode("ascii")
        if self._path is None:
            sys.stderr.write(line.decode())
            sys.stderr.flush()
        else:
            with self._lock:
                self._append(line)

    def _append(self, line: bytes) -> None:
        assert self._path is not None
        try:
            handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                if line:
                    os.write(handle, line)
            finally:
                os.close(handle)
        except OSError as error:
            raise UsageError(
                f'cannot write the audit log "{self._path}" ({error.strerror})',
                "Check audit_log in the access file",
            ) from None


def _short(value: Any) -> Any:
    return value[:LONGEST] if isinstance(value, str) else value
