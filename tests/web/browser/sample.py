"""The shipped captures in a store, as if they had been written just now and shipped from a node."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from loghouse.config import StoreUrl
from loghouse.ship.command import ship

NODE = Path(__file__).parents[2] / "data" / "node" / "var" / "log" / "pods"
# The captures are of one namespace; a page shows its worth with several.
NAMESPACES = {
    "zookeeper": "infra",
    "redis": "infra",
    "rabbitmq": "infra",
    "celery": "staging",
    "pricing": "staging",
}
SPAN = timedelta(minutes=45)
# Microseconds of the nine digits are enough.
_TIME = re.compile(rb"(?m)^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6})\d{3}\+00:00 ")


def load_sample(url: StoreUrl, newest: datetime, scratch: Path) -> None:
    """Ship every line of the captures, the last at `newest`; `scratch` is an empty directory."""
    tree = scratch / "pods"
    for source in sorted(NODE.glob("*/*")):
        pod = source.parent.name
        namespace = next(
            (name for part, name in NAMESPACES.items() if pod.startswith(f"prod_{part}")), "prod"
        )
        target = tree / pod.replace("prod_", f"{namespace}_", 1) / source.name
        target.mkdir(parents=True)
        _stretch(sorted(source.glob("*.log")), target, newest)
    summary = ship([str(tree)], url, str(scratch / "state"), "kube-1", once=True)
    assert summary.complete


def _stretch(files: Sequence[Path], target: Path, newest: datetime) -> None:
    """Copy a container's files, what they took stretched to `SPAN`."""
    texts = [path.read_bytes() for path in files]
    times = [_time(found) for text in texts for found in _TIME.finditer(text)]
    first, took = min(times), max(times) - min(times)
    factor = SPAN / max(took, timedelta(seconds=1))

    def moved(found: re.Match[bytes]) -> bytes:
        at = newest - SPAN + (_time(found) - first) * factor
        return at.strftime("%Y-%m-%dT%H:%M:%S.%f000+00:00 ").encode()

    for path, text in zip(files, texts, strict=True):
        (target / path.name).write_bytes(_TIME.sub(moved, text))


def _time(found: re.Match[bytes]) -> datetime:
    return datetime.fromisoformat(found[1].decode()).replace(tzinfo=UTC)
