"""SQL that finds when a record of a plain file was written; the shipper's view knows the runtime's stamps.

A record without a time has that of the record before it, as the lines of a stack trace do.
"""

from __future__ import annotations

from loghouse.formats.view import listed, quoted, view_sql

HEAD = 256  # bytes in which a time stands
TIME_KEYS = ("time", "timestamp", "ts", "@timestamp", "datetime", "date", "asctime", "t")

_MONTH = "(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_CLOCK = r"(\d\d:\d\d:\d\d)"
_FRACTION = r"(?:[.,](\d{1,9})\d*)?"
# How times are written, each with a spelling that ClickHouse reads. The first that is found holds.
_SPELLINGS = (
    # ISO 8601 and its relatives: 2026-08-01T10:00:00.123Z, 2026/08/01 10:00:00, 2026-08-01 10:00:00,123+02:00
    (
        rf"\b(\d{{4}})[-/](\d\d)[-/](\d\d)[T_ ]{_CLOCK}{_FRACTION} ?(Z|[+-]\d\d:?\d\d|UTC\b)?",
        r"\1-\2-\3 \4.\5\6",
    ),
    # Access logs: 01/Aug/2026:10:00:00 +0000
    (rf"\b(\d\d)/{_MONTH}/(\d{{4}}):{_CLOCK} ([+-]\d{{4}})", r"\1 \2 \3 \4 \5"),
    # Redis and php-fpm: 01 Aug 2026 10:00:00.123, 01-Aug-2026 10:00:00
    (rf"\b(\d{{1,2}})[ -]{_MONTH}[ -](\d{{4}}) {_CLOCK}{_FRACTION}", r"\1 \2 \3 \4.\5"),
    # Apache's errors: Sat Aug 01 10:00:00.123456 2026
    (rf"\b{_MONTH} +(\d{{1,2}}) {_CLOCK}{_FRACTION} (\d{{4}})\b", r"\2 \1 \5 \3.\4"),
    # Syslog, which leaves out the year: Aug  1 10:00:00
    (rf"^(?:<\d+>)?{_MONTH} +(\d{{1,2}}) {_CLOCK}", r"\1 \2 \3"),
    # klog, without the year as well: I0801 10:00:00.123456
    (rf"^[IWEF](\d\d)(\d\d) {_CLOCK}{_FRACTION}", r"{year}-\1-\2 \3.\4"),
    # Hadoop and its family: 17/06/09 20:10:40
    (rf"^(\d\d)/(\d\d)/(\d\d) {_CLOCK}", r"20\1-\2-\3 \4"),
)
# Seconds since 1970 with or without a fraction, milliseconds, microseconds, nanoseconds.
_EPOCH = r"^(\d{10}(?:\.\d{1,9})?|\d{13}|\d{16}|\d{19})(?:\s|$)"


def parse_sql(zone: str, year: int) -> str:
    """The SELECT of the view on `ingest` for files read here.

    Times that name no zone are of `zone`, those that name no year of `year`.
    """
    found = listed(pattern for pattern, _ in _SPELLINGS)
    spelled = ", ".join(
        f"kind = {number}, replaceRegexpOne("
        f"extract(if(kind = {number}, head, ''), {quoted(f'({pattern})')}), "
        f"{quoted(pattern)}, {quoted(shape.replace('{year}', str(year)))})"
        for number, (pattern, shape) in enumerate(_SPELLINGS, 1)
    )
    return f"""SELECT * EXCEPT (head, kind, spelled, epoch, own) REPLACE (
    if(stream != '', timestamp, coalesce(
        anyLast(own) OVER (file ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW),
        any(own) OVER (file ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING),
        timestamp)) AS timestamp)
FROM
(
    SELECT *,
        multiIf(stream != '', '', format = 'json', {_json_time()}, substring(raw, 1, {HEAD})) AS head,
        arrayMin(multiMatchAllIndices(head, {found})) AS kind,
        replaceRegexpOne(multiIf({spelled}, ''), '\\\\.([^0-9]|$)', '\\\\1') AS spelled,
        extract(head, {quoted(_EPOCH)}) AS epoch,
        if(kind > 0, parseDateTime64BestEffortOrNull(spelled, 9, {quoted(zone)}), {_of_epoch()}) AS own
    FROM ({view_sql().replace("{ingest}", "ingest")})
)
WINDOW file AS (PARTITION BY source_id ORDER BY offset)"""  # noqa: S608 - all of it is ours; the zone is quoted


def _json_time() -> str:
    """The text of the first key of a JSON record that holds a time."""
    types = ", ".join(f"`{key}` String" for key in TIME_KEYS)
    first = ", ".join(f"t.{place} != '', t.{place}" for place in range(1, len(TIME_KEYS) + 1))
    source = "if(format = 'json', raw, '')"
    return f"arrayMap(t -> multiIf({first}, ''), [JSONExtract({source}, 'Tuple({types})')])[1]"


def _of_epoch() -> str:
    """Nanoseconds since 1970, by the number of digits before the point."""
    digits = "length(splitByChar('.', epoch)[1])"
    nanoseconds = (
        f"toInt64OrNull(substring(concat(replaceOne(epoch, '.', ''), '000000000'), 1, {digits} "
        f"+ transform({digits}, [10, 13, 16, 19], [9, 6, 3, 0], 0)))"
    )
    return f"fromUnixTimestamp64Nano(if(epoch = '', NULL, {nanoseconds}), 'UTC')"
