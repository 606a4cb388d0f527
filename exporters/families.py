"""A metric family and its samples: what collectors yield and encoders write.

Lighter than prometheus_client's `Metric`, and able to say what that cannot: counters whose upstream name
lacks `_total`. `exporters.registry` turns families into prometheus_client metrics for use in applications.
"""

import zlib
from collections.abc import Iterable, Sequence
from typing import Literal

FamilyType = Literal["counter", "gauge", "summary", "histogram", "untyped"]
Value = int | float
# (suffix of the name, label values, value). One label value more than the family has names
# is the quantile of a summary or the le of a histogram.
Sample = tuple[str, Sequence[str], Value]

LABEL_LIMIT = 128


class Family:
    """All samples of one metric name, made anew for every scrape.

    >>> up = Family("redis_up", "gauge", "Whether the server answered.")
    >>> up.add(1)
    >>> keys = Family("redis_db_keys", "gauge", "Keys by database.", ("db",))
    >>> keys.add(407, "db0")
    """

    __slots__ = ("help", "labels", "name", "samples", "type", "written")

    def __init__(self, name: str, type: FamilyType, help: str, labels: tuple[str, ...] = ()) -> None:
        self.name = name
        self.type = type
        self.help = help
        self.labels = labels
        self.samples: list[Sample] = []
        # Samples that came as lines of the text format and are passed on so: one or more lines each.
        self.written: list[str] = []

    def add(self, value: Value, *labels: str) -> None:
        """One sample; label values in the order of the family's label names."""
        self.samples.append(("", _limited(labels), value))

    def add_quantile(self, value: Value, quantile: str, *labels: str) -> None:
        self.samples.append(("", (*_limited(labels), quantile), value))

    def add_bucket(self, count: Value, le: str, *labels: str) -> None:
        self.samples.append(("_bucket", (*_limited(labels), le), count))

    def add_sum_count(self, total: Value, count: Value, *labels: str) -> None:
        """The `_sum` and `_count` samples that close a summary or a histogram."""
        kept = _limited(labels)
        self.samples.append(("_sum", kept, total))
        self.samples.append(("_count", kept, count))

    @property
    def extra_label(self) -> str:
        """Name of the label a sample has beyond the family's own."""
        return "le" if self.type == "histogram" else "quantile"

    def __repr__(self) -> str:
        return f"Family({self.name!r}, {self.type!r}, {len(self.samples)} samples)"


def gauge(name: str, help: str, value: Value) -> Family:
    """A gauge of one sample without labels."""
    family = Family(name, "gauge", help)
    family.add(value)
    return family


def counter(name: str, help: str, value: Value) -> Family:
    """A counter of one sample without labels; the name is used as it is, with or without `_total`."""
    family = Family(name, "counter", help)
    family.add(value)
    return family


def merge(families: Iterable[Family]) -> list[Family]:
    """One family per name, in order of first appearance: the formats allow each name only once a page."""
    merged: dict[str, Family] = {}
    for family in families:
        seen = merged.setdefault(family.name, family)
        if seen is family:
            continue
        if (seen.type, seen.labels) != (family.type, family.labels):
            raise ValueError(f"two different families are called {family.name}")
        seen.samples.extend(family.samples)
        seen.written.extend(family.written)
    return list(merged.values())


def text(raw: bytes) -> str:
    """Bytes of a reply as a label value: invalid UTF-8 becomes `\\xNN`, so different bytes stay different."""
    return raw.decode("utf-8", "backslashreplace")


def _limited(labels: tuple[str, ...]) -> tuple[str, ...]:
    for value in labels:
        if len(value) > LABEL_LIMIT:
            return tuple(shortened(value) for value in labels)
    return labels


def shortened(value: str) -> str:
    """A value cut to the limit; a checksum of the whole keeps two long values from becoming one series."""
    if len(value) <= LABEL_LIMIT:
        return value
    checksum = zlib.crc32(value.encode("utf-8", "surrogatepass"))
    return f"{value[: LABEL_LIMIT - 9]}~{checksum:08x}"
