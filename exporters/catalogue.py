"""The metrics an exporter can emit, declared once: for families, for the documentation and for tests."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from exporters.families import Family, FamilyType, Value


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric: its name without the namespace, type, help and label names."""

    name: str
    type: FamilyType
    help: str
    labels: tuple[str, ...] = ()


class Catalogue:
    """All metrics of an exporter by name."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self.metrics = {metric.name: metric for metric in metrics}

    def page(self, namespace: str) -> "Page":
        """An empty page for one scrape, or for one part of it."""
        return Page(self, namespace)

    def table(self, namespace: str) -> str:
        """The Markdown table of the documentation."""
        rows = ["| Metric | Type | Labels | Meaning |", "| --- | --- | --- | --- |"]
        for metric in self.metrics.values():
            labels = ", ".join(metric.labels)
            meaning = metric.help.replace("|", "\\|")
            rows.append(f"| `{namespace}_{metric.name}` | {metric.type} | {labels} | {meaning} |")
        return "\n".join(rows) + "\n"


class Page:
    """Collects samples by metric name; only names of the catalogue are accepted (KeyError)."""

    __slots__ = ("_catalogue", "_families", "_namespace")

    def __init__(self, catalogue: Catalogue, namespace: str) -> None:
        self._catalogue = catalogue
        self._namespace = namespace
        self._families: dict[str, Family] = {}

    def add(self, name: str, value: Value, *labels: str) -> None:
        """One sample of the metric `name` (without namespace)."""
        family = self._families.get(name) or self.family(name)
        family.add(value, *labels)

    def family(self, name: str, labels: tuple[str, ...] | None = None) -> Family:
        """The family of a metric, for buckets and quantiles; `labels` replaces label names that vary."""
        family = self._families.get(name)
        if family is None:
            metric = self._catalogue.metrics[name]
            own = metric.labels if labels is None else labels
            family = Family(f"{self._namespace}_{name}", metric.type, metric.help, own)
            self._families[name] = family
        return family

    def undeclared(self, name: str, type: FamilyType, help: str) -> Family:
        """The family of a metric whose name comes from the target and can have no entry in the catalogue."""
        return self._families.setdefault(name, Family(f"{self._namespace}_{name}", type, help))

    def __iter__(self) -> Iterator[Family]:
        return iter(self._families.values())
