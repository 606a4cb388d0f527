"""`export NAME.parquet`: typed columns, compressed; for whoever goes on with pandas, DuckDB or Spark."""

from __future__ import annotations

import json
from array import array
from collections.abc import Sequence
from itertools import accumulate
from types import TracebackType
from typing import Any, BinaryIO, Self

from loghouse.errors import UsageError
from loghouse.record import Record
from loghouse.render.fields import written_fields

GROUP_ROWS = 16_384
PAGE_BYTES = 65_536  # the writer keeps some pages of each column
_CODES = {(64, False): "q", (64, True): "Q", (32, True): "I"}  # of `array`: bits, and whether unsigned


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
        """Add the rows of a block; text is bytes. Returns how many."""
        arrays = [self._array(values, field.type) for values, field in zip(block, self._schema, strict=True)]
        batch = self._arrow.record_batch(arrays, schema=self._schema)
        self._waiting.append(batch)
        self._rows += batch.num_rows
        if self._rows >= GROUP_ROWS:
            self._pour()
        return int(batch.num_rows)

    def _array(self, values: Sequence[Any], kind: Any) -> Any:
        """An array out of its memory: `pyarrow.array` would load pandas where it is installed (50 MB)."""
        arrow, count = self._arrow, len(values)
        if arrow.types.is_dictionary(kind):
            return self._array(values, kind.value_type).dictionary_encode()
        if not (arrow.types.is_string(kind) or arrow.types.is_binary(kind)):
            numbers = array(_CODES[kind.bit_width, arrow.types.is_unsigned_integer(kind)], values)
            return arrow.Array.from_buffers(kind, count, [None, arrow.py_buffer(numbers)])
        data = b"".join(values)
        if arrow.types.is_string(kind) and not data.isascii():
            # One by one: two halves of a character could make a whole one.
            values = [value if value.isascii() else _valid(value) for value in values]
            data = b"".join(values)
        ends = array("i", accumulate(map(len, values), initial=0))
        return arrow.Array.from_buffers(kind, count, [None, arrow.py_buffer(ends), arrow.py_buffer(data)])

    def _pour(self) -> None:
        if self._waiting:
            table = self._arrow.Table.from_batches(self._waiting)
            self._writer.write_table(table.unify_dictionaries(), row_group_size=GROUP_ROWS)
            self._waiting, self._rows = [], 0


def columns_of(page: Sequence[Record]) -> list[list[Any]]:
    """A page of records as such a block."""
    rows = (
        (
            *(record.timestamp_ns, record.level, record.namespace, record.pod, record.container),
            *(record.message, _json(written_fields(record)), _json(dict(record.labels)), record.node),
            *(record.workload, record.stream, record.format, record.parse_error, record.inserted_ms),
            *(record.source_id, record.offset, record.length, record.raw),
        )
        for record in page
    )
    return [list(map(_bytes, column)) for column in zip(*rows, strict=True)]


def _valid(text: bytes) -> bytes:
    return text.decode("utf-8", "replace").encode()


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _bytes(value: Any) -> Any:
    return value.encode("utf-8", "replace") if isinstance(value, str) else value
