"""Colours of pods, levels and matches, readable on a black and on a white background (contrast >= 3.6)."""

from __future__ import annotations

from zlib import crc32

RESET = "\x1b[0m"
DIM = "\x1b[2m"
MATCH = "\x1b[1;4m"
MATCH_END = "\x1b[22;24m"
MARK = "\x1b[38;5;166m"

# From the 256-colour cube, no red and no orange: those are levels.
_POD_COLOURS = (64, 28, 29, 30, 31, 32, 67, 26, 61, 63, 99, 98, 134, 133, 163, 100, 94)

LEVEL_COLOURS = {
    "trace": "\x1b[2m",
    "debug": "\x1b[2m",
    "info": "\x1b[38;5;28m",
    "notice": "\x1b[38;5;32m",
    "warning": "\x1b[38;5;166m",
    "error": "\x1b[1;38;5;160m",
    "critical": "\x1b[1;38;5;197m",
    "alert": "\x1b[1;38;5;197m",
    "emergency": "\x1b[1;7;38;5;160m",
}


def pod_colour(pod: str) -> str:
    """The colour of a pod: the same today, tomorrow and on every machine."""
    return f"\x1b[38;5;{_POD_COLOURS[crc32(pod.encode('utf-8', 'surrogateescape')) % len(_POD_COLOURS)]}m"
