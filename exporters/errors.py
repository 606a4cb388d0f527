"""Why a scrape failed, in a closed set of words that is safe as a label value."""

import errno
import socket
from typing import Literal, get_args

Reason = Literal[
    "refused",  # nothing listens there
    "timeout",  # the deadline passed: connecting, waiting or half an answer
    "resolve",  # the name is unknown
    "permission",  # the operating system forbids the socket or file
    "missing",  # the socket or file does not exist
    "backlog",  # the listener's queue is full
    "connect",  # any other failure to connect
    "closed",  # the other side hung up
    "tls",  # handshake or certificate
    "auth",  # wrong or missing credentials
    "denied",  # known user without the right for this command or page
    "http",  # an HTTP status other than success
    "protocol",  # the answer is not what the protocol says
    "too_large",  # the answer is longer than the limit
    "loading",  # the target answers that it is not ready
    "config",  # the exporter's own settings or files are wrong
    "internal",  # a fault of the exporter itself
]
REASONS: tuple[str, ...] = get_args(Reason)

_BY_ERRNO: dict[int, Reason] = {
    errno.ECONNREFUSED: "refused",
    errno.ETIMEDOUT: "timeout",
    errno.EACCES: "permission",
    errno.EPERM: "permission",
    errno.ENOENT: "missing",
    errno.EAGAIN: "backlog",
    errno.ECONNRESET: "closed",
    errno.EPIPE: "closed",
}


class ScrapeError(Exception):
    """The target, or one part of it, could not be read.

    `reason` is bounded and goes into labels. `detail` is for the log only: it may name addresses,
    and must never hold a password.
    """

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason: Reason = reason
        self.detail = detail
        # Whether a line of the log tells of it: what fails for the same reason needs none.
        self.logged = False


def from_os_error(error: OSError, what: str) -> ScrapeError:
    """The ScrapeError for a failed system call, e.g. `from_os_error(e, "connect to 10.0.0.5:6379")`."""
    return ScrapeError(_os_reason(error), f"{what}: {error.strerror or error}")


def _os_reason(error: OSError) -> Reason:
    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, socket.gaierror):
        return "resolve"
    # ssl.SSLError is recognised by name, so that plain TCP scrapes never load the ssl module (5 MB).
    if any(base.__name__ == "SSLError" for base in type(error).__mro__):
        return "tls"
    return _BY_ERRNO.get(error.errno or 0, "connect")
