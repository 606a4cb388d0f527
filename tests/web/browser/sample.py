"""The shipped captures in a store, as if they had been written just now."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from logq.stores import INGEST

from loghouse.config import StoreUrl
from loghouse.store.client import Store

NODE = Path(__file__).parents[2] / "data" / "node" / "var" / "log" / "pods"
# The captures are of one namespace; a page shows its worth with several.
NAMESPACES = {
    "zookeeper": "infra",
    "redis": "infra",
    "rabbitmq": "infra",
    "celery": "staging",
    "pricing": "staging",
}
_TIME = re.compile(rb"(?m)^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d{9})\+00:00 ")


def load_sample(url: StoreUrl, newest: datetime) -> int:
    """Insert every line of the captures, the last at `newest`; how many chunks that were."""
    files = sorted(NODE.glob("*/*/*.log"))
    shift = newest - max(stamp for path in files for stamp in _times(path.read_bytes()))
    with Store(url) as store:
        for number, path in enumerate(files, start=1):
            values = _chunk(path, 1000 + number, _moved(path.read_bytes(), shift))
            store.insert("ingest", INGEST, [[value] for value in values], {"insert_deduplicate": 0})
    return len(files)


def _chunk(path: Path, source_id: int, data: bytes) -> list[object]:
    _, pod, uid = path.parent.parent.name.split("_")
    container = path.parent.name
    workload = re.sub(r"-\d+$", "", pod)
    namespace = next((name for part, name in NAMESPACES.items() if pod.startswith(part)), "prod")
    labels = {b"app": workload.encode(), b"app.kubernetes.io/part-of": b"shop"}
    texts = [text.encode() for text in (namespace, pod, container, "kube-1", workload, uid)]
    return [source_id, 0, 0, b"cri", *texts, int(path.stem), labels, data]


def _times(data: bytes) -> Iterator[datetime]:
    for found in _TIME.finditer(data):
        yield datetime.fromisoformat(found[1].decode()).replace(tzinfo=UTC)


def _moved(data: bytes, shift: timedelta) -> bytes:
    def moved(found: re.Match[bytes]) -> bytes:
        at = datetime.fromisoformat(found[1].decode()) + shift
        return at.strftime("%Y-%m-%dT%H:%M:%S").encode() + b"." + found[2] + b"+00:00 "

    return _TIME.sub(moved, data)
