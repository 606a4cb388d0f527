"""The time zone in which times are read and written."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, tzinfo

from loghouse.errors import UsageError


def zone(utc: bool, name: str | None) -> tzinfo:
    """What `--utc` and `--tz` ask for, else the zone of this machine."""
    if utc and name:
        raise UsageError("--utc and --tz both name a time zone", "Give one of them")
    if utc or (name or "").lower() in ("utc", "z"):
        return UTC
    if not name or name.lower() == "local":
        return LocalZone()
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise UsageError(f'unknown time zone "{name}"', "Write it like Europe/Berlin, UTC or local") from None


class LocalZone(tzinfo):
    """The zone of this machine with its changes over the year, as the C library knows them."""

    def utcoffset(self, moment: datetime | None) -> timedelta:
        """The distance to UTC of a local time, or now."""
        seconds = time.time() if moment is None else moment.replace(tzinfo=None).timestamp()
        return timedelta(seconds=time.localtime(seconds).tm_gmtoff)

    def dst(self, moment: datetime | None) -> timedelta | None:
        """Not known."""
        return None

    def tzname(self, moment: datetime | None) -> str:
        """`CEST`, for instance."""
        seconds = time.time() if moment is None else moment.replace(tzinfo=None).timestamp()
        return time.localtime(seconds).tm_zone

    def fromutc(self, moment: datetime) -> datetime:
        """The local time of a moment given in UTC."""
        local = time.localtime(moment.replace(tzinfo=UTC).timestamp())
        return moment + timedelta(seconds=local.tm_gmtoff)
