"""`export NAME.parquet`: typed columns, compressed; for whoever goes on with pandas, DuckDB or Spark."""

from __future__ import annotations

import json
import sys
from array import array
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, BinaryIO, NamedTuple, Self

from loghouse.errors import UsageError
from loghouse.native import Coded, Texts, coded, texts_of
from loghouse.record import Record
from loghouse.render.fields import written_fields
from loghouse.render.values import VALUES

# Of one group of rows: what is in memory while it is packed, and each group costs memory until the end.
GROUP_ROWS = 65_536
GROUP_BYTES = 6_000_000
MOST_TEXT = 2**31 - 1  # bytes of the texts of a block, which Arrow counts in 32 bits
PAGE_BYTES = 65_536  # the writer keeps some pages of each column
# Of `array`: bits, and whether unsigned.
_CODES = {(64, False): "q", (64, True): "Q", (32, False): "i", (32, True): "I"}

# Columns of few values.
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
LONG_TEXTS = ("message", "fields", "raw")


class Named(NamedTuple):
    """The names of columns, as they come."""

    numbers: list[str]
    texts: list[str]
    repeated: list[str]


def columns_named(names: Sequence[str]) -> Named:
    """Raises `UsageError` for what is no column."""
    for name in names:
        if name not in VALUES:
            raise UsageError(
                f'a Parquet file has no column "{name}"',
                f"Fields of records are in the column fields; columns are {', '.join(VALUES)}",
            )
    return Named(
        [name for name in names if name not in LONG_TEXTS and name not in REPEATED],
        [name for name in names if name in LONG_TEXTS],
        [name for name in names if name in REPEATED],
    )


class ParquetFile:
    """Takes blocks of columns as `typed_columns_sql` selects them; `fields` and `labels` are JSON.

    Packing is done in a thread beside, one group of rows at a time, while the next ones are received.
    """

    def __init__(self, out: BinaryIO, names: Sequence[str]) -> None:
        """`names` are the columns. Raises `UsageError` if pyarrow is not installed."""
        self._names = names
        self._named = columns_named(names)
        pyarrow, parquet = _pyarrow()
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
            use_dictionary=self._named.repeated,
            # Nor does a reader leave out rows by the bounds of a text; and the bounds of all groups are in
            # memory until the end.
            write_statistics=self._named.numbers,
            data_page_size=PAGE_BYTES,
        )
        self._waiting: list[Any] = []
        self._rows = 0
        self._bytes = 0
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

        Its columns are whole numbers, then those of `REPEATED`, which are `Coded`, then other `Texts`.
        """
        names = (*self._named.numbers, *self._named.repeated, *self._named.texts)
        found = dict(zip(names, block, strict=True))
        columns = {name: self._array(values, self._schema.field(name).type) for name, values in found.items()}
        batch = self._arrow.record_batch([columns[name] for name in self._names], schema=self._schema)
        self._rows += batch.num_rows
        self._bytes += batch.nbytes
        if self._rows > GROUP_ROWS or self._bytes > GROUP_BYTES:
            self._pour()
            self._rows, self._bytes = batch.num_rows, batch.nbytes
        self._waiting.append(batch)
        return int(batch.num_rows)

    def _array(self, values: Sequence[Any], kind: Any) -> Any:
        """An array out of its memory: `pyarrow.array` would load pandas where it is installed (50 MB)."""
        arrow = self._arrow
        if isinstance(values, Coded):
            return self._dictionary(values, kind)
        if not isinstance(values, Texts):
            code = _CODES[kind.bit_width, arrow.types.is_unsigned_integer(kind)]
            return self._numbers(array(code, values), kind)
        if len(values.data) > MOST_TEXT:
            raise UsageError(
                f"{len(values)} records together are too long for Parquet", "Export to a .jsonl file"
            )
        ends = arrow.py_buffer(array("i", values.offsets)[::2])  # the lower half of each
        text = arrow.Array.from_buffers(kind, len(values), [None, ends, arrow.py_buffer(values.data)])
        try:
            text.validate(full=True)  # one by one: two halves of a character make no whole one
        except arrow.ArrowInvalid:
            return self._array(texts_of(map(_valid, values)), kind)
        return text

    def _dictionary(self, values: Coded, kind: Any) -> Any:
        """The same column, its numbers in 32 bits."""
        keys = [_valid(key) for key in values.keys]
        if len(set(keys)) < len(keys):  # Arrow wants each once
            return self._dictionary(coded(map(_valid, values)), kind)
        numbers = bytearray(4 * len(values))
        for place in range(min(values.width, 4)):
            numbers[place::4] = values.numbers[place :: values.width]
        return self._arrow.DictionaryArray.from_arrays(
            self._numbers(array("i", numbers), kind.index_type), self._array(texts_of(keys), kind.value_type)
        )

    def _numbers(self, values: array[int], kind: Any) -> Any:
        arrow = self._arrow
        return arrow.Array.from_buffers(kind, len(values), [None, arrow.py_buffer(values)])

    def _pour(self) -> None:
        """Have the rows gathered packed and written, once those before them are."""
        self._wait()
        if self._waiting:
            table = self._arrow.Table.from_batches(self._waiting)
            self._waiting = []
            self._packed = self._packer.submit(self._pack, table)

    def _pack(self, table: Any) -> None:
        self._writer.write_table(table.unify_dictionaries(), row_group_size=table.num_rows)

    def _wait(self) -> None:
        if self._packed is not None:
            self._packed.result()
            self._packed = None


def _pyarrow() -> tuple[Any, Any]:
    """pyarrow and its Parquet, without numpy unless it is imported: 11 MB, and threads that nothing needs."""
    hidden = "numpy" not in sys.modules
    if hidden:
        sys.modules["numpy"] = None  # type: ignore[assignment]  # makes the import of it fail
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise UsageError(
            "parquet files need a package that is missing", 'Install it with: pip install "logq[parquet]"'
        ) from None
    finally:
        if hidden:
            del sys.modules["numpy"]
    return pyarrow, parquet


def columns_of(page: Sequence[Record], names: Sequence[str]) -> list[Sequence[Any]]:
    """A page of records as such a block."""
    numbers, texts, repeated = columns_named(names)
    columns: list[Sequence[Any]] = [[_value(record, name) for record in page] for name in numbers]
    columns += [coded(_bytes(_value(record, name)) for record in page) for name in repeated]
    return columns + [texts_of(_bytes(_value(record, name)) for record in page) for name in texts]


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


def _valid(text: bytes) -> bytes:
    return text.decode("utf-8", "replace").encode()


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _bytes(value: Any) -> Any:
    return value.encode("utf-8", "replace") if isinstance(value, str) else value
