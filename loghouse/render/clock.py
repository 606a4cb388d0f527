"""Nanoseconds since 1970 as text in one time zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

NANOSECONDS = 1_000_000_000


class Clock:
    """Writes times; asks the time zone once a second of log time, because neighbours share their second."""

    def __init__(self, zone: tzinfo = UTC) -> None:
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
        if second == self._second:
            return
        there = datetime.fromtimestamp(second, self._zone)
        self._text = there.strftime("%Y-%m-%d %H:%M:%S").rjust(19, "0")
        self._offset = _offset(there.utcoffset() or timedelta())
        self._second = second


def _offset(offset: timedelta) -> str:
    if not offset:
        return "Z"
    sign, minutes = ("-", -offset) if offset < timedelta() else ("+", offset)
    hours, minutes_left = divmod(int(minutes.total_seconds()) // 60, 60)
    return f"{sign}{hours:02d}:{minutes_left:02d}"
