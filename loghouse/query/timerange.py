"""Time as people write it, turned into nanoseconds since 1970. The clock and the zone are arguments."""

import re
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo

from msgspec import Struct

from loghouse.errors import UsageError
from loghouse.query.lateregex import late_regex

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
LAST = 9_214_646_400 * SECOND  # 2262-01-01: the store's stamps and a signed 64-bit number end soon after

_UNITS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "ms": 1_000_000,
    "s": SECOND,
    "sec": SECOND,
    "m": MINUTE,
    "min": MINUTE,
    "h": HOUR,
    "d": DAY,
    "w": 7 * DAY,
}
_PART = late_regex(r"(\d+(?:\.\d+)?)\s*(ns|us|µs|ms|sec|s|min|m|h|d|w)")
_DURATION = late_regex(r"(?:\d+(?:\.\d+)?\s*(?:ns|us|µs|ms|sec|s|min|m|h|d|w)\s*)+")
_NOW = late_regex(r"now\s*(?:([+-])\s*(.+))?")
_EPOCH = late_regex(r"\d{9,19}")
_EPOCH_UNIT = {10: SECOND, 13: 1_000_000, 16: 1_000, 19: 1}
_ZONE = r"(?P<zone>\s*(?:Z|UTC|GMT|[+-]\d\d(?::?\d\d)?))?"
_CLOCK = r"(?P<hour>\d\d?)(?::(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,9}))?)?)?"
_ISO = late_regex(
    r"(?P<year>\d{4})-(?P<month>\d\d)(?:-(?P<day>\d\d))?(?:[T ]\s*" + _CLOCK + ")?" + _ZONE, re.IGNORECASE
)
_DAY_WORD = late_regex(r"(?P<word>today|yesterday)(?:(?:\s+at)?\s+" + _CLOCK + ")?" + _ZONE, re.IGNORECASE)
_TIME_OF_DAY = late_regex(r"(?=\d\d?:)" + _CLOCK + _ZONE, re.IGNORECASE)

_EXAMPLES = "Write it like 15m, 2h ago, now-1d, yesterday, 14:30, 2026-08-01T10:00Z or 1785000000"


class TimeRange(Struct, frozen=True):
    """From `start` up to, not including, `end`, in nanoseconds since 1970."""

    start: int
    end: int

    def intersect(self, other: "TimeRange") -> "TimeRange":
        """What both have in common; empty ranges end where they start."""
        start = max(self.start, other.start)
        return TimeRange(start, max(start, min(self.end, other.end)))

    @property
    def seconds(self) -> float:
        """Its length."""
        return (self.end - self.start) / SECOND


def parse_duration(text: str) -> int:
    """Nanoseconds of `15m`, `1h30m`, `2.5s`; raises `UsageError`."""
    if not _DURATION.fullmatch(text.strip()):
        raise UsageError(f'"{text}" is not a duration', "Write it like 30s, 15m, 2h, 1d, 1w or 1h30m")
    total = sum(round(float(number) * _UNITS[unit]) for number, unit in _PART.findall(text))
    if total > LAST:
        raise UsageError(f'the duration "{text}" is longer than the store holds', _EXAMPLES)
    return total


def is_duration(text: str) -> bool:
    """The text is a duration."""
    return _DURATION.fullmatch(text.strip()) is not None


def parse_instant(text: str, now_ns: int, zone: tzinfo = UTC) -> int:
    """A point in time; of a day, an hour or a minute that is named, its start. Raises `UsageError`.

    A duration alone means that long ago; a time of day means the last time the clock showed it.
    """
    return _instant_and_precision(text, now_ns, zone)[0]


def parse_period(text: str, now_ns: int, zone: tzinfo = UTC) -> TimeRange:
    """The time that `5m` (the last five minutes), `yesterday` or `2026-08-01T10` (that hour) covers."""
    start, end = _instant_and_precision(text, now_ns, zone)
    return TimeRange(start, max(start, end))


def window(
    now_ns: int,
    *,
    since: str | None = None,
    start: str | None = None,
    end: str | None = None,
    default: str = "1h",
    zone: tzinfo = UTC,
) -> TimeRange:
    """The range that --since, --from and --to ask for; without any of them the last `default`."""
    if since is not None and start is not None:
        raise UsageError("--since and --from both say where to start", "Give one of them")
    until = now_ns if end is None else parse_instant(end, now_ns, zone)
    if start is not None:
        begin = parse_instant(start, now_ns, zone)
    elif since is not None:
        begin = parse_instant(since, now_ns, zone)
    else:
        begin = max(0, until - parse_duration(default))
    if begin >= until:
        raise UsageError(f'the time range "{start or since}" to "{end or "now"}" is empty', _EXAMPLES)
    return TimeRange(begin, until)


def _instant_and_precision(text: str, now_ns: int, zone: tzinfo) -> tuple[int, int]:
    """The instant and the end of the period that the same text means."""
    plain = text.strip()
    try:
        found = _relative(plain, now_ns) or _absolute(plain, now_ns, zone)
    except (ValueError, OverflowError):
        found = None
    if found is None:
        raise UsageError(f'"{text}" is not a time', _EXAMPLES)
    if not 0 <= found[0] <= LAST:
        raise UsageError(f'the time "{text}" is outside of 1970 to 2261', _EXAMPLES)
    return found[0], min(found[1], LAST)


def _relative(text: str, now_ns: int) -> tuple[int, int] | None:
    lower = text.lower()
    ago = lower.removesuffix("ago").strip()
    if is_duration(ago):
        return now_ns - parse_duration(ago), now_ns
    shift = _NOW.fullmatch(lower)
    if shift is None:
        return None
    if shift.group(1) is None:
        return now_ns, now_ns
    step = parse_duration(shift.group(2))
    instant = now_ns + step if shift.group(1) == "+" else now_ns - step
    return instant, max(instant, now_ns)


def _absolute(text: str, now_ns: int, zone: tzinfo) -> tuple[int, int] | None:
    if _EPOCH.fullmatch(text):
        unit = _EPOCH_UNIT[min((size for size in _EPOCH_UNIT if size >= len(text)), default=19)]
        return int(text) * unit, int(text) * unit + unit
    today = datetime.fromtimestamp(now_ns // SECOND, UTC)
    if iso := _ISO.fullmatch(text):
        return _calendar(iso, zone)
    if word := _DAY_WORD.fullmatch(text):
        there = _zone_of(word, zone)
        day = today.astimezone(there).date() - timedelta(days=word["word"].lower() == "yesterday")
        return _clock(word, day, there)
    if clock := _TIME_OF_DAY.fullmatch(text):
        there = _zone_of(clock, zone)
        day = today.astimezone(there).date()
        found = _clock(clock, day, there)
        return found if found[0] <= now_ns else _clock(clock, day - timedelta(days=1), there)
    return None


def _calendar(match: re.Match[str], zone: tzinfo) -> tuple[int, int]:
    there = _zone_of(match, zone)
    year, month = int(match["year"]), int(match["month"])
    if match["day"] is None:
        if match["hour"] is not None:
            raise ValueError
        after = date(year + month // 12, month % 12 + 1, 1)
        return _nanoseconds(date(year, month, 1), time(), there), _nanoseconds(after, time(), there)
    return _clock(match, date(year, month, int(match["day"])), there)


def _clock(match: re.Match[str], day: date, zone: tzinfo) -> tuple[int, int]:
    if match["hour"] is None:
        return _nanoseconds(day, time(), zone), _nanoseconds(day + timedelta(days=1), time(), zone)
    clock = time(int(match["hour"]), int(match["minute"] or 0), int(match["second"] or 0))
    fraction = match["fraction"] or ""
    start = _nanoseconds(day, clock, zone) + int(fraction.ljust(9, "0"))
    precision = HOUR if match["minute"] is None else MINUTE if match["second"] is None else SECOND
    return start, start + precision // 10 ** len(fraction)


def _nanoseconds(day: date, clock: time, zone: tzinfo) -> int:
    return int(datetime.combine(day, clock, zone).timestamp()) * SECOND


def _zone_of(match: re.Match[str], zone: tzinfo) -> tzinfo:
    written = (match["zone"] or "").strip().upper()
    if not written:
        return zone
    if written in ("Z", "UTC", "GMT"):
        return UTC
    digits = written[1:].replace(":", "").ljust(4, "0")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(offset if written[0] == "+" else -offset)
