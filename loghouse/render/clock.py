"""Nanoseconds since 1970 as text in one time zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

NANOSECONDS = 1_000_000_000
SECONDS_KEPT = 1000


class Clock:
    """Writes times; asks the time zone once for each second of log time, because neighbours share theirs."""

    def __init__(self, zone: tzinfo = UTC) -> None:
        self._zone = zone
        self._known: dict[int, tuple[str, str]] = {}

    def short(self, ns: int) -> str:
        """For people: `2026-08-01 10:00:00.123`."""
        second, rest = divmod(ns, NANOSECONDS)
        return f"{self._text_and_offset(second)[0]}.{rest // 1_000_000:03d}"

    def rfc3339(self, ns: int) -> str:
        """For programs: `2026-08-01T10:00:00.123456789Z`."""
        second, rest = divmod(ns, NANOSECONDS)
        text, offset = self._text_and_offset(second)
        return f"{text[:10]}T{text[11:]}.{rest:09d}{offset}"

    def _text_and_offset(self, second: int) -> tuple[str, str]:
        known = self._known.get(second)
        if known is None:
            there = datetime.fromtimestamp(second, self._zone)
            text = there.strftime("%Y-%m-%d %H:%M:%S").rjust(19, "0")
            known = text, _offset(there.utcoffset() or timedelta())
            if len(self._known) >= SECONDS_KEPT:
                self._known.clear()
            self._known[second] = known
        return known


def _offset(offset: timedelta) -> str:
    if not offset:
        return "Z"
    sign, minutes = ("-", -offset) if offset < timedelta() else ("+", offset)
    hours, minutes_left = divmod(int(minutes.total_seconds()) // 60, 60)
    return f"{sign}{hours:02d}:{minutes_left:02d}"
