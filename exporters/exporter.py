"""What an exporter is, and how one scrape of it is run so that no failure escapes."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from exporters.connection import Address
from exporters.deadline import Deadline
from exporters.errors import Reason, ScrapeError
from exporters.families import Family, gauge, merge
from exporters.outages import Outages


@dataclass(frozen=True, slots=True)
class Ask:
    """One scrape as asked for by a client."""

    deadline: Deadline
    # The address of /probe and /scrape, already allowed; None means the exporter's own target.
    target: Address | None = None
    # The module of /probe: a named set of setting overrides; "" means none.
    module: str = ""
    # `collect[]=`: the parts wanted; empty means all that are switched on.
    collect: frozenset[str] = frozenset()
    # Every query parameter, for exporters that have more of them.
    params: Mapping[str, Sequence[str]] = field(default_factory=dict)
    # What is broken, remembered from one scrape of the same exporter to the next.
    outages: Outages = field(default_factory=lambda: Outages("exporter"))

    def named(self, name: str) -> str:
        """A name for the log: what fails at one target may work at another."""
        return name if self.target is None else f"{name} of {self.target}"

    def wants(self, part: str) -> bool:
        return not self.collect or part in self.collect


class Exporter(Protocol):
    """Reads a target and yields families.

    Called from several threads at once, so nothing may be kept between scrapes except counters of the
    exporter itself (behind a lock). `scrape` must yield `<namespace>_up` also when the target is down:
    catch ScrapeError, yield up 0. Anything else that escapes is caught by `gather`.
    """

    @property
    def namespace(self) -> str:
        """The prefix of the metric names, e.g. `redis`."""

    @property
    def parts(self) -> Sequence[str]:
        """Names that `collect[]=` accepts."""

    def scrape(self, ask: Ask) -> Iterable[Family]:
        """Fresh families for one scrape."""


def gather(exporter: Exporter, ask: Ask) -> list[Family]:
    """All families of one scrape; never raises, and always holds `<namespace>_up`.

    After an unexpected fault of the exporter the families it had already yielded are kept.
    """
    families: list[Family] = []
    name = ask.named(exporter.namespace)
    try:
        families.extend(exporter.scrape(ask))
    except ScrapeError as error:
        ask.outages.failed(name, error)
        families.extend(_fault_families(exporter.namespace, families, error.reason))
    except Exception:  # noqa: BLE001 - the page must be served whatever happens
        ask.outages.fault(name)
        families.extend(_fault_families(exporter.namespace, families, "internal"))
    else:
        ask.outages.worked(name)
    return merge(families)


def _fault_families(namespace: str, families: Sequence[Family], reason: Reason) -> Iterator[Family]:
    name = f"{namespace}_up"
    if all(family.name != name for family in families):
        yield gauge(name, "Whether the target answered.", 0)
    error = Family(f"{namespace}_scrape_error", "gauge", "Why the scrape failed.", ("reason",))
    error.add(1, reason)
    yield error


def run_parts(
    namespace: str, ask: Ask, parts: Iterable[tuple[str, Callable[[], Iterable[Family]]]]
) -> Iterator[Family]:
    """The families of each wanted part; a part that fails lowers its own success and leaves the others.

    Yields `<namespace>_exporter_collector_success{collector}` for every part that ran, and
    `<namespace>_exporter_collector_error{collector,reason}` for those that failed.
    """
    success = Family(
        f"{namespace}_exporter_collector_success",
        "gauge",
        "Whether this part of the scrape worked.",
        ("collector",),
    )
    errors = Family(
        f"{namespace}_exporter_collector_error",
        "gauge",
        "Why this part of the scrape failed.",
        ("collector", "reason"),
    )
    for name, part in parts:
        if not ask.wants(name):
            continue
        logged = ask.named(f"{namespace}/{name}")
        try:
            yield from part()
        except ScrapeError as error:
            ask.outages.failed(logged, error)
            errors.add(1, name, error.reason)
        except Exception:  # noqa: BLE001 - one part must not take the others with it
            ask.outages.fault(logged)
            errors.add(1, name, "internal")
        else:
            ask.outages.worked(logged)
            success.add(1, name)
            continue
        success.add(0, name)
    yield success
    yield errors
