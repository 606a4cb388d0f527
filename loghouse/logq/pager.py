"""Output through a pager, as `git log` does it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from loghouse.errors import UsageError

USUAL = "less"
# For less, unless it has its own: end if all fits on a screen, show colours, leave the text there, cut lines.
_LESS = "FRX"


@contextmanager
def paged(wanted: bool) -> Iterator[None]:
    """Send what is written to standard output through $PAGER, and wait until the reader leaves it."""
    if not wanted or not sys.stdout.isatty():
        yield
        return
    import shlex
    import subprocess  # takes longer than to find out that nobody wants it

    words = shlex.split(os.environ.get("PAGER") or USUAL)
    try:
        pager = subprocess.Popen(words, stdin=subprocess.PIPE, env={"LESS": _LESS, **os.environ})
    except OSError as error:
        raise UsageError(
            f'cannot start the pager "{" ".join(words)}" ({error.strerror})',
            "Set PAGER, or leave out --pager",
        ) from None
    assert pager.stdin is not None
    screen = os.dup(1)
    os.dup2(pager.stdin.fileno(), 1)
    pager.stdin.close()
    try:
        yield
    finally:
        # The pager reads the keyboard, Ctrl-C as well; it ends when its reader wants it to.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        with suppress(OSError):  # the reader has left already
            sys.stdout.flush()
        os.dup2(screen, 1)
        os.close(screen)
        pager.wait()
        signal.signal(signal.SIGINT, before)
