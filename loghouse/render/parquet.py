"""`export NAME.parquet`: typed columns, compressed; for whoever goes on with pandas, DuckDB or Spark."""

from __future__ import annotations

import json
from collections.abc import Sequence
from types import TracebackType
from typing import Any, BinaryIO, Self

from loghouse.errors import UsageError
from loghouse.record import Record
from loghouse.render.fields import fields_of

GROUP_ROWS = 16_384


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
        self._writer: Any = parquet.ParquetWriter(out, self._schema, compression="zstd")
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
        arrow = self._arrow
        if arrow.types.is_dictionary(kind):
            return arrow.array(list(map(_text, values)), arrow.string()).dictionary_encode()
        if arrow.types.is_string(kind):
            try:
                # Bytes that are UTF-8 need not be decoded, only looked at.
                return arrow.array(values, arrow.binary()).cast(kind)
            except arrow.ArrowInvalid:
                return arrow.array(list(map(_text, values)), kind)
        return arrow.array(values, kind)

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
            *(record.message, _json(fields_of(record)), _json(dict(record.labels)), record.node),
            *(record.workload, record.stream, record.format, record.parse_error, record.inserted_ms),
            *(record.source_id, record.offset, record.length, _bytes(record.raw)),
        )
        for record in page
    )
    return [list(column) for column in zip(*rows, strict=True)]


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _text(value: Any) -> Any:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode("utf-8", "replace")
