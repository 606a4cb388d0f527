"""Where a column of the Native format ends, told from its type.

The protocol does not say how long a column is. A column of numbers is one multiplication; a column of strings
has to be walked row by row, which is why that loop is written for speed.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from loghouse.embedded.wire import ProtocolError, Source, uint64_at, varint_at

Prefix = Callable[[Source, int], int]
Body = Callable[[Source, int, int], int]

MAX_DEPTH = 32  # of types within types

WIDTHS = {
    "Nothing": 1, "Bool": 1, "Int8": 1, "UInt8": 1, "Enum8": 1,
    "Int16": 2, "UInt16": 2, "Date": 2, "Enum16": 2, "BFloat16": 2,
    "Int32": 4, "UInt32": 4, "Float32": 4, "DateTime": 4, "Date32": 4, "Time": 4, "IPv4": 4, "Decimal32": 4,
    "Int64": 8, "UInt64": 8, "Float64": 8, "DateTime64": 8, "Time64": 8, "Decimal64": 8,
    "Int128": 16, "UInt128": 16, "UUID": 16, "IPv6": 16, "Decimal128": 16,
    "Int256": 32, "UInt256": 32, "Decimal256": 32,
}  # fmt: skip
ALIASES = {
    "Point": "Tuple(Float64, Float64)",
    "Ring": "Array(Point)",
    "LineString": "Array(Point)",
    "Polygon": "Array(Ring)",
    "MultiLineString": "Array(LineString)",
    "MultiPolygon": "Array(Polygon)",
}
DECIMAL_WIDTHS = ((9, 4), (18, 8), (38, 16), (76, 32))  # by the number of digits
INDEX_WIDTHS = (1, 2, 4, 8)  # of a LowCardinality column
HAS_KEYS = 1 << 9  # LowCardinality: the block brings its own dictionary


class Layout(NamedTuple):
    """How to step over a column: what stands before all of its data, then the data of `rows` rows."""

    prefix: Prefix
    body: Body


@lru_cache(maxsize=1024)
def layout(type_name: str) -> Layout:
    """The layout of a type such as `Map(LowCardinality(String), Array(Nullable(Float64)))`."""
    try:
        return _layout(type_name, 0)
    except (ValueError, StopIteration):
        raise ProtocolError(f"the column type {type_name[:200]!r} cannot be read") from None


def _layout(type_name: str, depth: int) -> Layout:
    if depth > MAX_DEPTH:
        raise ProtocolError(f"a column type is nested more than {MAX_DEPTH} deep")
    name, arguments = _parts(type_name)

    def inner(text: str) -> Layout:
        return _layout(text, depth + 1)

    match name, arguments:
        case "String", _:
            return Layout(_no_prefix, _strings)
        case "FixedString", [size]:
            return _fixed(int(size))
        case "Decimal", [digits, *_]:
            return _fixed(next(width for most, width in DECIMAL_WIDTHS if int(digits) <= most))
        case "Nullable", [nested]:
            return _nullable(inner(nested))
        case "LowCardinality", [nested]:
            # Its dictionary holds a NULL as the first key, without a map of nulls.
            return _low_cardinality(inner(_parts(nested)[1][0] if nested.startswith("Nullable(") else nested))
        case "Array", [nested]:
            return _array(inner(nested))
        case "Map", [key, value]:
            return _array(_tuple([inner(key), inner(value)]))
        case "Tuple", []:
            return _fixed(1)
        case "Tuple", elements:
            return _tuple([inner(_without_name(element)) for element in elements])
        case "Nested", elements:
            return _array(_tuple([inner(_without_name(element)) for element in elements]))
        case "SimpleAggregateFunction", [_, nested]:
            return inner(nested)
    if name in ALIASES:
        return inner(ALIASES[name])
    if name.startswith("Interval"):
        return _fixed(8)
    width = WIDTHS.get(name)
    if width is None:
        raise ProtocolError(
            f"a column of type {type_name[:200]} cannot be sent through the embedded store",
            "Convert it in the query, for instance with toString() or finalizeAggregation()",
        )
    return _fixed(width)


_NAMED = re.compile(r"(?:`(?:[^`\\]|\\.|``)*`|[A-Za-z_]\w*) +(?=[A-Za-z])", re.DOTALL)
_QUOTED = re.compile(r"'(?:[^'\\]|\\.|'')*'|`(?:[^`\\]|\\.|``)*`", re.DOTALL)


def _without_name(element: str) -> str:
    """`count UInt64` of a Tuple or Nested without the name."""
    named = _NAMED.match(element)
    return element[named.end() :] if named else element


def _parts(type_name: str) -> tuple[str, list[str]]:
    """`Map(String, UInt8)` -> `Map`, [`String`, `UInt8`]."""
    name, bracket, rest = type_name.strip().partition("(")
    if not bracket:
        return name, []
    if not rest.endswith(")"):
        raise ProtocolError(f"the column type {type_name[:200]!r} cannot be read")
    arguments, depth, begin, position = [], 0, 0, 0
    rest = rest[:-1]
    while position < len(rest):
        sign = rest[position]
        if sign in "'`" and (quoted := _QUOTED.match(rest, position)):
            position = quoted.end()
            continue
        if sign == "(":
            depth += 1
        elif sign == ")":
            depth -= 1
        elif sign == "," and not depth:
            arguments.append(rest[begin:position].strip())
            begin = position + 1
        position += 1
    last = rest[begin:].strip()
    return name, [*arguments, last] if last else arguments


def _no_prefix(source: Source, position: int) -> int:
    return position


def _fixed(width: int) -> Layout:
    def body(source: Source, position: int, rows: int) -> int:
        stop = position + width * rows
        source.ensure(stop)
        return stop

    return Layout(_no_prefix, body)


def _strings(source: Source, position: int, rows: int) -> int:
    """Steps over strings; a length needs more than two bytes only from 16 KiB on."""
    data, end = source.data, source.end
    for _ in range(rows):
        if position + 2 > end:
            size, position = varint_at(source, position)
            end = source.end
        else:
            size = data[position]
            position += 1
            if size > 127:
                high = data[position]
                if high < 128:
                    size = size & 127 | high << 7
                    position += 1
                else:
                    size, position = varint_at(source, position - 1)
                    end = source.end
        position += size
        if position > end:
            end = source.ensure(position)
    return position


def _nullable(nested: Layout) -> Layout:
    def body(source: Source, position: int, rows: int) -> int:
        return nested.body(source, position + rows, rows)

    return Layout(nested.prefix, body)


def _low_cardinality(keys: Layout) -> Layout:
    def prefix(source: Source, position: int) -> int:
        return position + 8  # the version of the serialisation

    def body(source: Source, position: int, rows: int) -> int:
        if not rows:
            return position
        flags = uint64_at(source, position)
        position += 8
        if flags & 255 >= len(INDEX_WIDTHS) or not flags & HAS_KEYS:
            raise ProtocolError(f"a LowCardinality column has unknown flags {flags:#x}")
        key_count = uint64_at(source, position)
        position = keys.body(source, position + 8, key_count)
        index_count = uint64_at(source, position)
        stop = position + 8 + INDEX_WIDTHS[flags & 255] * index_count
        source.ensure(stop)
        return stop

    return Layout(prefix, body)


def _array(nested: Layout) -> Layout:
    def body(source: Source, position: int, rows: int) -> int:
        if not rows:
            return position
        position += 8 * rows
        # Offsets are ends: the last one is the number of all elements.
        return nested.body(source, position, uint64_at(source, position - 8))

    return Layout(nested.prefix, body)


def _tuple(elements: list[Layout]) -> Layout:
    def prefix(source: Source, position: int) -> int:
        for element in elements:
            position = element.prefix(source, position)
        return position

    def body(source: Source, position: int, rows: int) -> int:
        for element in elements:
            position = element.body(source, position, rows)
        return position

    return Layout(prefix, body)
