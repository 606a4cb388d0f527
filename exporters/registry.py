"""Use an exporter inside an application: register it in any prometheus_client registry.

>>> registry = CollectorRegistry()
>>> registry.register(RegistryCollector(exporter, timeout=2.0))

The exporters' own pages do not need prometheus_client, which costs a sidecar 7 MB.
"""

from collections.abc import Iterable

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from exporters.deadline import Deadline
from exporters.exporter import Ask, Exporter, gather
from exporters.families import Family
from exporters.outages import Outages
from exporters.textformat import lines_of, parse_sample


class RegistryCollector(Collector):
    """Scrapes the exporter's target whenever the registry is collected, within `timeout` seconds."""

    def __init__(self, exporter: Exporter, timeout: float = 9.5) -> None:
        self._exporter = exporter
        self._timeout = timeout
        self._outages = Outages("exporter")

    def describe(self) -> Iterable[Metric]:
        """Nothing, so that registering does not scrape."""
        return []

    def collect(self) -> Iterable[Metric]:
        ask = Ask(Deadline.after(self._timeout), outages=self._outages)
        for family in gather(self._exporter, ask):
            yield as_metric(family)


def as_metric(family: Family) -> Metric:
    """The family as prometheus_client writes it without changing the name of a sample.

    prometheus_client appends `_total` to the names of counters, so a counter whose name lacks it has to
    be `unknown` there.
    """
    type_ = "unknown" if family.type == "untyped" else family.type
    name = family.name
    if type_ == "counter":
        name, type_ = (name[:-6], type_) if name.endswith("_total") else (name, "unknown")
    metric = Metric(name, family.help, type_)
    longer = (*family.labels, family.extra_label)
    for suffix, values, value in family.samples:
        metric.add_sample(family.name + suffix, dict(zip(longer, values, strict=False)), value)
    for line in lines_of(family):
        sample, labels, amount = parse_sample(line)
        metric.add_sample(sample, labels, amount)
    return metric
