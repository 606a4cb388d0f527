"""Nanoseconds since 1970 as text in one time zone."""

from __future__ import annotations

import time
from collections.abc import Callable

NANOSECONDS = 1_000_000_000
SecondsToText = Callable[[int], tuple[str, str]]


class Clock:
    """Writes times; asks the time zone once a second of log time, because neighbours share their second."""

    def __init__(self, zone: str = "local") -> None:
        """`zone` is `local`, `utc` or a name as `Europe/Berlin`, already checked."""
        self._zone = zone
        self._second = -1
        self._text = ""
        self._offset = ""

    def short(self, ns: int) -> str:
        """For people: `2026-08-01 10:00:00.123`."""
        second, rest = divmod(ns, NANOSECONDS)
        self._seek(second)
        return f"{self._text}.{rest // 1_000_000:03d}"

    def rfc3339(self, ns: int) -> str:
        """For programs: `2026-08-01T10:00:00.123456789Z`."""
        second, rest = divmod(ns, NANOSECONDS)
        self._seek(second)
        return f"{self._text[:10]}T{self._text[11:]}.{rest:09d}{self._offset}"

    def _seek(self, second: int) -> None:
        if second != self._second:
            self._text, self._offset = _text_and_offset(second, self._zone)
            self._second = second


def _text_and_offset(second: int, zone: str) -> tuple[str, str]:
    if zone == "utc":
        return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(second)), "Z"
    if zone == "local":
        local = time.localtime(second)
        return time.strftime("%Y-%m-%d %H:%M:%S", local), _offset(local.tm_gmtoff)
    from datetime import datetime
    from zoneinfo import ZoneInfo

    there = datetime.fromtimestamp(second, ZoneInfo(zone))
    offset = there.utcoffset()
    return there.strftime("%Y-%m-%d %H:%M:%S"), _offset(int(offset.total_seconds()) if offset else 0)


def _offset(seconds: int) -> str:
    if not seconds:
        return "Z"
    hours, minutes = divmod(abs(seconds) // 60, 60)
    return f"{'-' if seconds < 0 else '+'}{hours:02d}:{minutes:02d}"
