"""A log record as the store gives it back: the row that search, tail and every renderer share."""

from collections.abc import Mapping

from msgspec import Struct, field

LEVELS = (
    "unknown",
    "trace",
    "debug",
    "info",
    "notice",
    "warning",
    "error",
    "critical",
    "alert",
    "emergency",
)

# A value of queries for words: 1 where the store's index of them knows each record. `Store` fills it in.
TEXT_INDEX = "text_index"
# A value of queries that look at the same records twice: 0 leaves out the second look, when only the cost of
# a query is asked for.
SECOND_LOOK = "second_look"

# Column name -> how it is read. The driver gives DateTime64(9) in microseconds, hence the integers.
COLUMNS: Mapping[str, str] = {
    "timestamp_ns": "toUnixTimestamp64Nano(timestamp)",
    "inserted_ms": "toUnixTimestamp64Milli(inserted_at)",
    "namespace": "namespace",
    "pod": "pod",
    "container": "container",
    "node": "node",
    "workload": "workload",
    "stream": "stream",
    "level": "toString(level)",
    "format": "format",
    "message": "message",
    "raw": "raw",
    "numbers": "numbers",
    "strings": "strings",
    "labels": "labels_json",
    "parse_error": "parse_error",
    "source_id": "source_id",
    "offset": "offset",
    "length": "length",
    "made": "CAST(map(), 'Map(String, String)')",
}


class Record(Struct, frozen=True):
    """One row of `logs`, in the order of `COLUMNS`.

    Text that is not UTF-8 arrives as `bytes`. `numbers` and `strings` hold the fields of a record that is not
    JSON; those of a JSON record stand in `raw` with their types. `made` holds what the stages of a query
    added, each as JSON text.
    """

    timestamp_ns: int
    inserted_ms: int
    namespace: str
    pod: str
    container: str
    node: str
    workload: str
    stream: str
    level: str
    format: str
    message: str | bytes
    raw: str | bytes
    numbers: Mapping[str, float]
    strings: Mapping[str, str]
    labels: Mapping[str, str]
    parse_error: str
    source_id: int
    offset: int
    length: int
    made: Mapping[str, str] = field(default_factory=dict)
