"""Records for the tests of renderers."""

import io
from typing import Any

from loghouse.record import Record

TIME = 1_785_578_400_123_456_789  # 2026-08-01T10:00:00.123456789Z


class Out(io.BytesIO):
    """Where a renderer writes."""

    @property
    def text(self) -> str:
        return self.getvalue().decode()


def record(message: str | bytes = "hello", **changes: Any) -> Record:
    """A record with everything filled in; `raw` is the message unless given."""
    values: dict[str, Any] = {
        "timestamp_ns": TIME,
        "inserted_ms": TIME // 1_000_000 + 40,
        "namespace": "prod",
        "pod": "web-1",
        "container": "php",
        "node": "kube-1",
        "workload": "web",
        "stream": "stdout",
        "level": "info",
        "format": "text",
        "message": message,
        "raw": message,
        "numbers": {},
        "strings": {},
        "labels": {"app": "shop"},
        "parse_error": "",
        "source_id": 18_446_744_073_709_551_615,
        "offset": 4096,
        "length": 5,
    }
    return Record(**{**values, **changes})
