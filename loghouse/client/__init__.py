"""Logs of Python programs to `loghouse receive`, each chunk kept until it is acknowledged.

    from loghouse.client import LoghouseHandler

    logging.getLogger().addHandler(LoghouseHandler("shop.web", "logs.example", spool="/var/spool/shop"))

The program never waits for the network: a thread sends. With a spool directory what is not acknowledged
survives the process and is sent by the next one; without, it is only in memory.
"""

from loghouse.client.handler import LoghouseHandler
from loghouse.client.sender import Sender

__all__ = ["LoghouseHandler", "Sender"]
