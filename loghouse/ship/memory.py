"""Memory that is given back: what the C library keeps for itself."""

from __future__ import annotations

import ctypes
from contextlib import suppress

_M_ARENA_MAX = -8  # malloc.h of glibc


def share_one_arena() -> None:
    """Let all threads take memory from one pool; call it before they start.

    glibc gives each thread a pool of its own, which keeps what a batch needed for a moment: 10 MB with three
    threads. Other C libraries do not have this, and nothing happens.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)
