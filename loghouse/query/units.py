"""Sizes and durations with their unit, and which fields hold plain numbers of which unit."""

import re
from typing import Literal, TypeAlias

from loghouse.query.lateregex import late_regex

Dimension: TypeAlias = Literal["time", "size"]

# In seconds and bytes. KB is 1000 bytes and KiB 1024, as ClickHouse and Kubernetes read them.
SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
BYTES = {
    "B": 1.0,
    "KB": 1e3,
    "kB": 1e3,
    "MB": 1e6,
    "GB": 1e9,
    "TB": 1e12,
    "KiB": 1024.0,
    "MiB": 1024.0**2,
    "GiB": 1024.0**3,
    "TiB": 1024.0**4,
}
_PART = r"\d+(?:\.\d+)?\s?(?:{units})"
_TIME_PART = _PART.format(units="ns|us|µs|ms|s|m|h|d")
_SIZE_PART = _PART.format(units="B|[KkMGT]B|[KMGT]iB")
_TIME = late_regex(f"(?:{_TIME_PART})+")
_SIZE = late_regex(_SIZE_PART)
_NUMBER_AND_UNIT = late_regex(r"(\d+(?:\.\d+)?)\s?([A-Za-zµ]+)")

# The name's ending tells the unit of its plain numbers.
_ENDINGS: tuple[tuple[re.Pattern[str], Dimension, float], ...] = (
    (late_regex(r".*(?:[_.-](?:ns|nanos|nanoseconds)|[a-z]Ns)"), "time", 1e-9),
    (late_regex(r".*(?:[_.-](?:us|micros|microseconds)|[a-z]Us)"), "time", 1e-6),
    (late_regex(r".*(?:[_.-](?:ms|msec|millis|milliseconds)|[a-z]Ms|[a-z]Millis)"), "time", 1e-3),
    (late_regex(r".*(?:[_.-](?:s|sec|secs|seconds)|[a-z]Seconds)"), "time", 1.0),
    (late_regex(r"(?:.*[_.-])?bytes|.*[a-z]Bytes"), "size", 1.0),
)
# Fields whose unit is fixed by the program that writes them (nginx, HAProxy and the servers that copy them).
_KNOWN: dict[str, tuple[Dimension, float]] = {
    "request_time": ("time", 1.0),
    "upstream_response_time": ("time", 1.0),
    "upstream_connect_time": ("time", 1.0),
    "upstream_header_time": ("time", 1.0),
    "body_bytes_sent": ("size", 1.0),
    "bytes_sent": ("size", 1.0),
    "request_length": ("size", 1.0),
    "content_length": ("size", 1.0),
}


def quantity(text: str) -> tuple[Dimension, float] | None:
    """Seconds or bytes of `500ms`, `1m20s`, `20KB`; None if it is neither."""
    dimension: Dimension
    if _TIME.fullmatch(text):
        dimension, table = "time", SECONDS
    elif _SIZE.fullmatch(text):
        dimension, table = "size", BYTES
    else:
        return None
    return dimension, sum(float(number) * table[unit] for number, unit in _NUMBER_AND_UNIT.findall(text))


def unit_of_field(name: str) -> tuple[Dimension, float] | None:
    """What one stands for in a plain number of this field, if its name says it."""
    if name in _KNOWN:
        return _KNOWN[name]
    for ending, dimension, factor in _ENDINGS:
        if ending.fullmatch(name):
            return dimension, factor
    return None


def text_quantity_sql(text: str, dimension: Dimension) -> str:
    """SQL: seconds or bytes that a text such as `0.51s` or `20KB` stands for, NULL for any other text."""
    part, table = (_TIME_PART, SECONDS) if dimension == "time" else (_SIZE_PART, BYTES)
    many = "+" if dimension == "time" else ""
    whole = _sql_string(f"^(?:{part}){many}$")
    names = ", ".join(_sql_string(unit) for unit in table)
    factors = ", ".join(repr(factor) for factor in table.values())
    pieces = _sql_string(_NUMBER_AND_UNIT.pattern)
    total = (
        f"arraySum(q -> toFloat64OrZero(q[1]) * transform(q[2], [{names}], [{factors}], 0.), "
        f"extractAllGroupsVertical({text}, {pieces}))"
    )
    return f"if(match({text}, {whole}), {total}, NULL)"


def _sql_string(constant: str) -> str:
    """A constant of this module as an SQL string."""
    return "'" + constant.replace("\\", "\\\\") + "'"
