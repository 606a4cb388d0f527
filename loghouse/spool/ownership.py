"""Directories that one process owns, and changes to them that survive a power loss."""

import fcntl
import os

from loghouse.errors import UsageError


def own(directory: str) -> int:
    """Make the directory if it is missing and lock it for this process; close the result to give it free.

    Raises `UsageError` when it cannot be used or belongs to another process.
    """
    try:
        os.makedirs(directory, mode=0o700, exist_ok=True)
        lock = os.open(os.path.join(directory, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise UsageError(
            f'cannot use the state directory "{directory}" ({error.strerror})',
            "Name one that can be written with --state-dir",
        ) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise UsageError(
            f'another loghouse process uses the state directory "{directory}"',
            "Stop it, or name another directory with --state-dir",
        ) from None
    return lock


def sync_directory(path: str) -> None:
    """Make new, renamed and removed names in a directory durable."""
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
