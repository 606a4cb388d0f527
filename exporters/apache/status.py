"""mod_status' `?auto` page: its fields, the scoreboard, the TLS session cache and the proxy's balancers."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from exporters.errors import ScrapeError

# Any of these is on every ?auto page since Apache 2.2, with ExtendedStatus or without.
_ALWAYS = ("Scoreboard", "BusyWorkers")
_MOST_FIELDS = 500
_LINE = re.compile(r"[^\r\n]+")
_BALANCER = re.compile(r"ProxyBalancer\[(\d{1,9})\](?:Worker\[\d{1,9}\])?(\w+)")


@dataclass(slots=True)
class BalancerWorker:
    """One member of a proxy balancer; `fields` are Status, Elected, Busy, Sent and Rcvd."""

    balancer: str
    name: str
    fields: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """The page as it was read; `balancers` has one entry for each worker of each balancer."""

    fields: Mapping[str, str]
    balancers: Sequence[BalancerWorker]

    def scoreboard(self) -> Mapping[str, int]:
        """How often each character stands on the scoreboard."""
        return Counter(self.fields.get("Scoreboard", ""))


def parse_status(page: str) -> ServerStatus:
    """The fields of a page; ScrapeError("protocol") when it is not mod_status' `?auto` page."""
    fields: dict[str, str] = {}
    workers: list[BalancerWorker] = []
    balancer = "UNKNOWN"
    # One line at a time: a list of all would take much more memory than a page of garbage itself.
    for line in _LINE.finditer(page):
        name, _, value = (part.strip() for part in line[0].partition(":"))
        found = _BALANCER.fullmatch(name) if name.startswith("ProxyBalancer[") else None
        if found is None:
            if len(fields) < _MOST_FIELDS:
                fields.setdefault(name, value)
        elif "Worker[" not in name:
            balancer = value
        elif found[2] == "Name":
            workers.append(BalancerWorker(balancer, value))
        elif workers:
            workers[-1].fields[found[2]] = value
    if not any(name in fields for name in _ALWAYS):
        raise ScrapeError(
            "protocol", "the answer is not mod_status' page for programs; does --scrape_uri end with ?auto"
        )
    return ServerStatus(fields, workers)
