"""`export NAME.parquet`: typed columns, compressed; for whoever goes on with pandas, DuckDB or Spark."""

from __future__ import annotations

import json
import os
from array import array
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from itertools import accumulate
from types import TracebackType
from typing import Any, BinaryIO, Self

from loghouse.errors import UsageError
from loghouse.record import Record
from loghouse.render.fields import written_fields
from loghouse.render.values import VALUES

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


def columns_named(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """The columns that are in `REPEATED`, and the others. Raises `UsageError` for what is none."""
    for name in names:
        if name not in VALUES:
            raise UsageError(
                f'a Parquet file has no column "{name}"',
                f"Fields of records are in the column fields; columns are {', '.join(VALUES)}",
            )
    return [name for name in names if name in REPEATED], [name for name in names if name not in REPEATED]


class ParquetFile:
    """Takes blocks of columns as `typed_columns_sql` selects them; `fields` and `labels` are JSON.

    Packing is done in a thread beside, one group of rows at a time, while the next ones are received.
    """

    def __init__(self, out: BinaryIO, names: Sequence[str]) -> None:
        """`names` are the columns. Raises `UsageError` if pyarrow is not installed."""
        self._names = names
        self._repeated_names, self._single_names = columns_named(names)
        # pyarrow brings in numpy, and that starts threads that wait for work by turning round and round.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
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
        types = {
            "timestamp": pyarrow.timestamp("ns", "UTC"),
            "message": text,
            "fields": text,
            "inserted_at": pyarrow.timestamp("ms", "UTC"),
            "source_id": pyarrow.uint64(),
            "offset": pyarrow.uint64(),
            "length": pyarrow.uint32(),
            "raw": pyarrow.binary(),
            **dict.fromkeys(REPEATED, repeated),
        }
        self._schema = pyarrow.schema([(name, types[name]) for name in names])
        self._writer: Any = parquet.ParquetWriter(
            out,
            self._schema,
            compression="zstd",
            # The rest is rarely the same twice: to look for it costs time, and memory that is not given back.
            use_dictionary=self._repeated_names,
            # Nor does a reader leave out rows by the bounds of what stands in every group, or of a text; and
            # the bounds of all groups are in memory until the end.
            write_statistics=[
                name for name in self._single_names if name not in ("message", "fields", "raw")
            ],
            data_page_size=PAGE_BYTES,
        )
        self._waiting: list[Any] = []
        self._rows = 0
        self._packer = ThreadPoolExecutor(1, "parquet")
        self._packed: Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._pour()
                self._wait()
        finally:
            self._packer.shutdown()
            self._writer.close()

    def write(self, block: Sequence[Sequence[Any]]) -> int:
        """Add the rows of a block and return how many.

        Its first column are those of `REPEATED`, as a JSON array; text is bytes.
        """
        repeated, *others = block
        columns = self._repeated(repeated) if self._repeated_names else {}
        columns |= {
            name: self._array(values, self._schema.field(name).type)
            for values, name in zip(others, self._single_names, strict=True)
        }
        batch = self._arrow.record_batch([columns[name] for name in self._names], schema=self._schema)
        self._waiting.append(batch)
        self._rows += batch.num_rows
        if self._rows >= GROUP_ROWS:
            self._pour()
        return int(batch.num_rows)

    def _repeated(self, texts: Sequence[bytes]) -> dict[str, Any]:
        """The columns of `REPEATED` out of their texts; each different one is taken apart once."""
        arrow = self._arrow
        numbers = {text: number for number, text in enumerate(dict.fromkeys(texts))}
        rows = [_row(text) for text in numbers]
        indices = self._array([numbers[text] for text in texts], arrow.int32())
        found = {}
        for name, values in zip(self._repeated_names, zip(*rows, strict=True), strict=True):
            places = {value: place for place, value in enumerate(dict.fromkeys(values))}
            place_of = self._array([places[value] for value in values], arrow.int32())
            dictionary = self._array([_bytes(value) for value in places], arrow.string())
            found[name] = arrow.DictionaryArray.from_arrays(place_of.take(indices), dictionary)
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
        """Have the rows gathered packed and written, once those before them are."""
        self._wait()
        if self._waiting:
            table = self._arrow.Table.from_batches(self._waiting)
            self._waiting, self._rows = [], 0
            self._packed = self._packer.submit(self._pack, table)

    def _pack(self, table: Any) -> None:
        self._writer.write_table(table.unify_dictionaries(), row_group_size=GROUP_ROWS)

    def _wait(self) -> None:
        if self._packed is not None:
            self._packed.result()
            self._packed = None


def columns_of(page: Sequence[Record], names: Sequence[str]) -> list[list[Any]]:
    """A page of records as such a block."""
    repeated, others = columns_named(names)
    texts = [_json([_value(record, name) for name in repeated]) for record in page]
    columns = ([_value(record, name) for record in page] for name in others)
    return [list(map(_bytes, column)) for column in (texts, *columns)]


def _value(record: Record, name: str) -> Any:
    match name:
        case "labels":
            return _json(dict(record.labels))
        case "fields":
            return _json(written_fields(record))
        case "timestamp":
            return record.timestamp_ns
        case "inserted_at":
            return record.inserted_ms
    return getattr(record, name)


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
