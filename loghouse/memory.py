"""Memory between its uses: what the allocators of a process keep, and for how long.

Who takes megabytes many times a second and gives them back to the system each time pays for each page anew: a
tenth of the work of a shipper, and of the embedded engine, at full speed.
"""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress

# malloc.h of glibc
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8

_LARGEST_KEPT = 8 << 20  # bytes of one block; more than a packet of rows or a block of a spool
_MOST_KEPT = 16 << 20  # bytes, all of what is free at the end of the pool
_ENGINE_KEEPS = 30_000  # milliseconds; a busy store takes an insert every second or two


def share_one_arena() -> None:
    """Let all threads take memory from one pool; call it before they start.

    glibc gives each thread a pool of its own, which keeps what a batch needed for a moment: 10 MB with three
    threads. Other C libraries do not have this, and nothing happens.
    """
    _set(_M_ARENA_MAX, 1)


def reuse_blocks() -> None:
    """Keep blocks of a few megabytes for the next one that asks, where glibc maps and unmaps each."""
    _set(_M_MMAP_THRESHOLD, _LARGEST_KEPT)
    _set(_M_TRIM_THRESHOLD, _MOST_KEPT)


def let_engine_keep_pages() -> None:
    """Let the embedded engine keep freed pages for half a minute, not for 5 s; call it before it is imported.

    Its allocator, jemalloc, reads this variable when it is loaded. Who has set it knows better.
    """
    os.environ.setdefault("JE_MALLOC_CONF", f"dirty_decay_ms:{_ENGINE_KEEPS}")


def _set(parameter: int, value: int) -> None:
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(parameter, value)
