"""The errors a user can meet, and the exit codes of the commands.

Library code raises a `LoghouseError`; only a command turns it into one message and an exit code.
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """What `logq` and `loghouse` return: 0 and 1 as grep does, so that scripts can ask."""

    OK = 0
    NOTHING_FOUND = 1
    USAGE = 2
    BACKEND = 3
    PARTIAL = 4
    INTERRUPTED = 130


class LoghouseError(Exception):
    """Something a person can act on.

    `message` says what failed and with which value; `hint` says what to do next and may be empty.
    """

    exit_code: ExitCode = ExitCode.BACKEND

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(LoghouseError):
    """The command line, a setting or a file given by the user is wrong."""

    exit_code = ExitCode.USAGE


class QueryError(UsageError):
    """A query that cannot be read; knows the place in the text.

    `start` and `end` are character positions in `text`, end exclusive.
    """

    def __init__(self, message: str, text: str, start: int, end: int, hint: str = "") -> None:
        super().__init__(message, hint)
        self.text = text
        self.start = start
        self.end = end


class StoreError(LoghouseError):
    """ClickHouse refused or broke off; `code` is its error number, 0 if none came."""

    def __init__(self, message: str, hint: str = "", code: int = 0) -> None:
        super().__init__(message, hint)
        self.code = code


class OlderTables(StoreError):
    """The store has the tables of an older version: a column is missing."""


class StoreUnreachable(StoreError):
    """No answer from the store: wrong address, not started, or the connection broke."""
