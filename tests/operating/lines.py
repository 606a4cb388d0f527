"""Lines put into the store as a shipper puts them, of any age."""

import zlib
from datetime import UTC, datetime, timedelta

from loghouse.store.client import Store

COLUMNS = ("source_id", "offset", "span", "wrapper", "namespace", "pod", "container", "labels", "data")
LABELS = {"app.kubernetes.io/name": "shop"}


def store_lines(store: Store, namespace: str, texts: list[str], days_ago: float = 0) -> None:
    """One line a text, a second apart, all of one pod."""
    begin = datetime.now(UTC) - timedelta(days=days_ago)
    lines = [
        f"{(begin + timedelta(seconds=number)).isoformat().replace('+00:00', 'Z')} stdout F {text}\n"
        for number, text in enumerate(texts)
    ]
    data = "".join(lines).encode()
    source = zlib.crc32(data)
    texts = [[text.encode()] for text in ("cri", namespace, "web-1", "web")]
    labels = {name.encode(): value.encode() for name, value in LABELS.items()}
    row = [[source], [0], [0], *texts, [labels], [data]]
    store.insert("ingest", COLUMNS, row, {"async_insert": 0})
