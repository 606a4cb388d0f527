"""SQL that finds when the lines of a file were written: by the runtime's stamp, or a time in the text.

A line without a time has that of the line before it, as the lines of a stack trace do.
"""

from __future__ import annotations

from loghouse.formats.view import listed, quoted

HEAD = 256  # bytes in which a time stands
TIME_KEYS = ("time", "timestamp", "ts", "@timestamp", "datetime", "date", "asctime", "t")

_MONTH = "(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_CLOCK = r"(\d\d:\d\d:\d\d)"
_FRACTION = r"(?:[.,](\d{1,9})\d*)?"
# How times are written, each with a spelling that ClickHouse reads. The first that is found holds, so those
# that stand at the beginning only come before those that may be anywhere.
_SPELLINGS = (
    # Syslog, which leaves out the year: Aug  1 10:00:00
    (rf"^(?:<\d+>)?{_MONTH} +(\d{{1,2}}) {_CLOCK}(?:$|[^ ]| (?:\D|\d{{1,3}}(?:\D|$)))", r"\1 \2 \3"),
    # klog, without the year as well: I0801 10:00:00.123456
    (rf"^[IWEF](\d\d)(\d\d) {_CLOCK}{_FRACTION}", r"{year}-\1-\2 \3.\4"),
    # Hadoop and its family: 17/06/09 20:10:40
    (rf"^(\d\d)/(\d\d)/(\d\d) {_CLOCK}", r"20\1-\2-\3 \4"),
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
)
# Seconds since 1970 with or without a fraction, milliseconds, microseconds, nanoseconds.
_EPOCH = r"^(\d{10}(?:\.\d{1,9})?|\d{13}|\d{16}|\d{19})(?:\s|$)"


def times_sql(zone: str, year: int) -> str:
    """An array with the time of each of `lines`, in nanoseconds since 1970; 0 where there is none at all.

    The lines are those of a piece of a file that was wrapped by `wrapper`. Times that name no zone are of
    `zone`, those that name no year of `year`.
    """
    own = ", ".join((_of_plain(zone, year), _of_cri(), _of_docker()))  # each wrapper pays for itself only
    return f"arrayReverseFill(t -> t != 0, arrayFill(t -> t != 0, arrayConcat({own})))"


def _of_plain(zone: str, year: int) -> str:
    """Wherever in the line a time is looked for; of JSON, what stands in one of the usual keys."""
    types = ", ".join(f"`{key}` String" for key in TIME_KEYS)
    first = ", ".join(f"t.{place} != '', t.{place}" for place in range(1, len(TIME_KEYS) + 1))
    lines = "if(wrapper = 'plain', lines, [])"
    keys = f"arrayMap(l -> JSONExtract(if(startsWith(l, '{{'), l, ''), 'Tuple({types})'), {lines})"
    heads = (
        "arrayMap((l, found) -> multiIf(found != '', found, startsWith(l, '{') AND JSONLength(l) > 0, '', "
        f"substring(l, 1, {HEAD})), {lines}, arrayMap(t -> multiIf({first}, ''), {keys}))"
    )
    found = listed(pattern for pattern, _ in _SPELLINGS)
    kinds = f"arrayMap(head -> arrayMin(multiMatchAllIndices(head, {found})), heads)"
    spelled = ", ".join(
        f"kind = {number}, replaceRegexpOne("
        f"extract(if(kind = {number}, head, ''), {quoted(f'({pattern})')}), "
        f"{quoted(pattern)}, {quoted(shape.replace('{year}', str(year)))})"
        for number, (pattern, shape) in enumerate(_SPELLINGS, 1)
    )
    # A fraction that is not there leaves a point behind.
    text = f"replaceRegexpOne(multiIf({spelled}, ''), '\\\\.([^0-9]|$)', '\\\\1')"
    return (
        f"arrayMap((head, kind) -> if(kind > 0, {_nanoseconds(text, zone)}, "
        f"{_of_epoch(f'extract(head, {quoted(_EPOCH)})')}), {heads} AS heads, {kinds})"
    )


def _of_cri() -> str:
    """The first word; a line that does not begin with a time is none of the runtime's."""
    is_time = "substring(l, 5, 1) = '-' AND substring(l, 11, 1) = 'T'"
    stamp = f"if({is_time}, substring(l, 1, position(l, ' ') - 1), '')"
    return f"arrayMap(l -> {_nanoseconds(stamp, 'UTC')}, if(wrapper = 'cri', lines, []))"


def _of_docker() -> str:
    time = "JSONExtractString(l, 'time')"
    return f"arrayMap(l -> {_nanoseconds(time, 'UTC')}, if(wrapper = 'docker', lines, []))"


def _nanoseconds(text: str, zone: str) -> str:
    return f"ifNull(toUnixTimestamp64Nano(parseDateTime64BestEffortOrNull({text}, 9, {quoted(zone)})), 0)"


def _of_epoch(epoch: str) -> str:
    """Nanoseconds of a number since 1970, by the number of its digits before the point."""
    digits = "length(splitByChar('.', e)[1])"
    nanoseconds = (
        f"toInt64OrZero(substring(concat(replaceOne(e, '.', ''), '000000000'), 1, {digits} "
        f"+ transform({digits}, [10, 13, 16, 19], [9, 6, 3, 0], 0)))"
    )
    return f"arrayMap(e -> if(e = '', 0, {nanoseconds}), [{epoch}])[1]"
