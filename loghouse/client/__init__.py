"""Logs of Python programs to `loghouse receive`, each chunk kept until it is acknowledged.

    from loghouse.client import LoghouseHandler

    logging.getLogger().addHandler(LoghouseHandler("shop.web", "logs.example", spool="/var/spool/shop"))

The program never waits for the network: a thread sends. With a spool directory what is not acknowledged
survives the process and is sent by the next one; without, it is only in memory.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from loghouse.client.handler import LoghouseHandler
    from loghouse.client.sender import Sender

__all__ = ["LoghouseHandler", "Sender"]


def __getattr__(name: str) -> Any:
    """The classes, imported when they are asked for: a command of this package needs neither at its start."""
    match name:
        case "LoghouseHandler":
            from loghouse.client.handler import LoghouseHandler

            return LoghouseHandler
        case "Sender":
            from loghouse.client.sender import Sender

            return Sender
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
