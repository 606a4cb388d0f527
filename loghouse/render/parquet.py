"""`export NAME.parquet`: typed columns, compressed; for whoever goes on with pandas, DuckDB or Spark."""

from __future__ import annotations

import json
from array import array
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate
from types import TracebackType
from typing import Any, BinaryIO, Self

from loghouse.errors import UsageError
from loghouse.record import Record
from loghouse.render.fields import written_fields

GROUP_ROWS = 8_192
PAGE_BYTES = 65_536  # the writer keeps some pages of each column
# Of `array`: bits, and whether unsigned.
_CODES = {(64, False): "q", (64, True): "Q", (32, False): "i", (32, True): "I"}

# Columns of few values, the same ones together again and again. They come as one text, a JSON array: to
# receive ten objects of each row would be dearer.
REPEATED = (
    "level",
    "namespace",
    "pod",
    "container",
    "labels",
    "node",
    "workload",
    "stream",
    "format",
    "parse_error",
)


class ParquetFile:
    """Takes blocks of columns as `typed_columns_sql` selects them; `fields` and `labels` are JSON."""

    def __init__(self, out: BinaryIO) -> None:
        """Raises `UsageError` if pyarrow is not installed."""
        try:
            import pyarrow
            from pyarrow import parquet
        except ImportError:
            raise UsageError(
                "parquet files need a package that is missing", 'Install it with: pip install "logq[parquet]"'
            ) from None
        pyarrow.set_memory_pool(pyarrow.system_memory_pool())  # which gives back what it does not need
        self._arrow: Any = pyarrow
        text, repeated = pyarrow.string(), pyarrow.dictionary(pyarrow.int32(), pyarrow.string())
        self._schema = pyarrow.schema(
            [
                ("timestamp", pyarrow.timestamp("ns", "UTC")),
                ("level", repeated),
                ("namespace", repeated),
                ("pod", repeated),
                ("container", repeated),
                ("message", text),
                ("fields", text),
                ("labels", repeated),
                ("node", repeated),
                ("workload", repeated),
                ("stream", repeated),
                ("format", repeated),
                ("parse_error", repeated),
                ("inserted_at", pyarrow.timestamp("ms", "UTC")),
                ("source_id", pyarrow.uint64()),
                ("offset", pyarrow.uint64()),
                ("length", pyarrow.uint32()),
                ("raw", pyarrow.binary()),
            ]
        )
        # The rest is rarely the same twice: to look for it costs time, and memory that is not given back.
        repeating = [field.name for field in self._schema if pyarrow.types.is_dictionary(field.type)]
        self._writer: Any = parquet.ParquetWriter(
            out, self._schema, compression="zstd", use_dictionary=repeating, data_page_size=PAGE_BYTES
        )
        self._waiting: list[Any] = []
        self._rows = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._pour()
        self._writer.close()

    def write(self, block: Sequence[Sequence[Any]]) -> int:
        """Add the rows of a block and return how many; `REPEATED` are its first column, text is bytes."""
        repeated, *others = block
        columns = self._repeated(repeated)
        single = [field for field in self._schema if field.name not in REPEATED]
        columns |= {
            field.name: self._array(values, field.type) for values, field in zip(others, single, strict=True)
        }
        batch = self._arrow.record_batch([columns[name] for name in self._schema.names], schema=self._schema)
        self._waiting.append(batch)
        self._rows += batch.num_rows
        if self._rows >= GROUP_ROWS:
            self._pour()
        return int(batch.num_rows)

    def _repeated(self, texts: Sequence[bytes]) -> dict[str, Any]:
        """The columns `REPEATED` out of their texts, of which each different one is taken apart once."""
        arrow = self._arrow
        encoded = self._array(texts, arrow.binary()).dictionary_encode()
        rows = [_row(text.as_py()) for text in encoded.dictionary]
        found = {}
        for name, values in zip(REPEATED, zip(*rows, strict=True), strict=True):
            places = {value: place for place, value in enumerate(dict.fromkeys(values))}
            place_of = self._array([places[value] for value in values], arrow.int32())
            dictionary = self._array([_bytes(value) for value in places], arrow.string())
            found[name] = arrow.DictionaryArray.from_arrays(place_of.take(encoded.indices), dictionary)
        return found

    def _array(self, values: Sequence[Any], kind: Any) -> Any:
        """An array out of its memory: `pyarrow.array` would load pandas where it is installed (50 MB)."""
        arrow, count = self._arrow, len(values)
        if not (arrow.types.is_string(kind) or arrow.types.is_binary(kind)):
            numbers = array(_CODES[kind.bit_width, arrow.types.is_unsigned_integer(kind)], values)
            return arrow.Array.from_buffers(kind, count, [None, arrow.py_buffer(numbers)])
        data = arrow.py_buffer(b"".join(values))
        ends = arrow.py_buffer(array("i", accumulate(map(len, values), initial=0)))
        text = arrow.Array.from_buffers(kind, count, [None, ends, data])
        try:
            text.validate(full=True)  # one by one: two halves of a character make no whole one
        except arrow.ArrowInvalid:
            return self._array(list(map(_valid, values)), kind)
        return text

    def _pour(self) -> None:
        if self._waiting:
            table = self._arrow.Table.from_batches(self._waiting)
            self._writer.write_table(table.unify_dictionaries(), row_group_size=GROUP_ROWS)
            self._waiting, self._rows = [], 0


def columns_of(page: Sequence[Record]) -> list[list[Any]]:
    """A page of records as such a block."""
    rows = (
        (
            _json(
                [
                    _json(dict(record.labels)) if name == "labels" else getattr(record, name)
                    for name in REPEATED
                ]
            ),
            *(record.timestamp_ns, record.message, _json(written_fields(record)), record.inserted_ms),
            *(record.source_id, record.offset, record.length, record.raw),
        )
        for record in page
    )
    return [list(map(_bytes, column)) for column in zip(*rows, strict=True)]


@lru_cache(4096)
def _row(text: bytes) -> list[str]:
    values: list[str] = json.loads(text.decode("utf-8", "replace"))
    return values


def _valid(text: bytes) -> bytes:
    return text.decode("utf-8", "replace").encode()


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _bytes(value: Any) -> Any:
    return value.encode("utf-8", "replace") if isinstance(value, str) else value
