"""What rules remember, in one file that is replaced as a whole; one evaluator at a time may hold it."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from loghouse.errors import UsageError

_VERSION = 1


class StateFile:
    """The directory of the state, locked while this exists."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / "rules.json"
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise UsageError(f"cannot keep state in {directory} ({error})", "Set --state-dir") from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock)
            raise UsageError(
                f"another `loghouse rules run` uses {directory}", "Stop it, or set --state-dir"
            ) from None

    def load(self) -> Mapping[str, Any]:
        """What was saved last; nothing at the first start. Raises `UsageError` for a file that is broken."""
        try:
            data = json.loads(self._path.read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise UsageError(
                f"cannot read {self._path} ({error})", "Move it away to start without what it remembers"
            ) from None
        if not isinstance(data, dict) or data.get("version") != _VERSION:
            raise UsageError(f"{self._path} was written by another version", "Move it away to start anew")
        return data

    def save(self, data: Mapping[str, Any]) -> None:
        """Replace what was saved; after this it survives a crash."""
        new = self._path.with_suffix(".new")
        with open(new, "w", encoding="utf-8") as file:
            json.dump({"version": _VERSION, **data}, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def close(self) -> None:
        """Let others have it."""
        os.close(self._lock)
