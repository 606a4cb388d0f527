"""A handler of Python's logging that sends to `loghouse receive`."""

from __future__ import annotations

import logging
from typing import Any

from loghouse.client.sender import Sender

_OWN_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class LoghouseHandler(logging.Handler):
    """Sends each record: the message, its level, logger and place, and what came as `extra`."""

    def __init__(self, tag: str, host: str = "localhost", port: int = 24224, **options: Any) -> None:
        """`options` are those of `Sender`."""
        super().__init__()
        self.sender = Sender(tag, host, port, **options)

    def emit(self, record: logging.LogRecord) -> None:
        """Take a record; never raises."""
        try:
            self.sender.emit_with_time(None, record.created, self._fields(record))
        except Exception:  # noqa: BLE001 - as logging's own handlers: a log line must not break the program
            self.handleError(record)

    def flush(self) -> None:
        """Nothing to do: the sender's thread sends at once."""

    def close(self) -> None:
        """Send what can be sent within a few seconds."""
        self.sender.close()
        super().close()

    def _fields(self, record: logging.LogRecord) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "message": record.getMessage(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "caller": f"{record.pathname}:{record.lineno}",
            "thread": record.threadName,
        }
        if record.exc_info:
            fields["exception"] = (self.formatter or logging.Formatter()).formatException(record.exc_info)
        extra = {key: value for key, value in vars(record).items() if key not in _OWN_FIELDS}
        return {**extra, **fields}
