"""The pages of rabbitmq_prometheus: its sums, and its metrics by queue after the rules and the cap."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from exporters.background import start
from exporters.errors import ScrapeError
from exporters.families import LABEL_LIMIT, Family
from exporters.httpclient import Answer, HttpClient
from exporters.rabbitmq.rules import NameRules, QueueName, largest
from exporters.textformat import (
    LabelTexts,
    corrected,
    labels_of,
    lines_of,
    parse_labels,
    read_families,
    split_blocks,
)

# queue_delivery_metrics came with RabbitMQ 4; an older one ignores what it does not know.
_QUEUE_LENGTHS = "queue_coarse_metrics"
_QUEUE_REST = ("queue_metrics", "queue_delivery_metrics")
_DETAILED = "rabbitmq_detailed_"
# On every page of the plugin; they are taken from the page of sums.
_OTHER_FAMILIES = ("rabbitmq_build_info", "rabbitmq_identity_info")
_CLUSTER = "rabbitmq_cluster_"
# The page of sums is about 85 kB, without regard to the number of queues.
_MOST_SUMS = 16 * 1024 * 1024
# Queues, or series of a further family, beyond which a page is refused: each takes 0.5 kB before the cap.
_MOST_TEXTS = 200_000
_MOST_SERIES = 50_000


_PLAIN = re.compile(r'vhost="([^"\\]*)",queue="([^"\\]*)"')


@dataclass(frozen=True, slots=True)
class QueuePage:
    """Families by queue, and how many queues the cap left out."""

    families: list[Family]
    dropped: int


def sums(client: HttpClient, prefix: str) -> list[Family]:
    """The page `/metrics`."""
    chunks = _bounded(client.get(f"{prefix}/metrics").expect(200).chunks, _MOST_SUMS)
    families = list(read_families(split_blocks(chunks), LabelTexts()))
    if not any(family.name.startswith("rabbitmq_") for family in families):
        raise ScrapeError("protocol", "the page of the plugin holds no metric of RabbitMQ")
    return families


def queues(
    connect: Callable[[], HttpClient], prefix: str, rules: NameRules, limit: int, detailed: bool
) -> QueuePage | None:
    """The page `/metrics/detailed` for queues, under the names of `/metrics/per-object` unless `detailed`.

    The lengths of all queues come first, so that the cap is decided before the rest is read, and while
    RabbitMQ still writes it. None when the plugin is too old for that page.
    """
    page = f"{prefix}/metrics/detailed?family="
    rename = _as_it_is if detailed else _per_object
    choice = _Choice(rules)
    with connect() as first, connect() as second:
        rest = start(lambda: second.get(page + "&family=".join(_QUEUE_REST)))
        answer = first.get(page + _QUEUE_LENGTHS)
        if answer.status == 404:
            rest()
            return None
        families = _of_queues(answer, choice, rename)
        lengths = {
            labels_of(line): _whole(line.rpartition(" ")[2])
            for family in families
            if family.name == rename(f"{_DETAILED}queue_messages")
            for line in lines_of(family)
        }
        dropped = choice.close(lengths, limit)
        if dropped:
            for family in families:
                choice.filter(family)
        families += _of_queues(rest(), choice, rename)
    return QueuePage([family for family in families if family.written], dropped)


def _of_queues(answer: Answer, choice: "_Choice", rename: Callable[[str], str]) -> list[Family]:
    blocks = split_blocks(answer.expect(200).chunks)
    families = read_families(blocks, choice, rename)
    return [
        family
        for family in families
        if family.name.startswith("rabbitmq_") and family.name not in _OTHER_FAMILIES
    ]


def further(
    client: HttpClient, prefix: str, wanted: Iterable[str], rules: NameRules
) -> tuple[list[Family], int]:
    """Families of `/metrics/detailed` as they are, and how many of them were cut to 50,000 series."""
    query = "&".join(f"family={name}" for name in wanted)
    chunks = client.get(f"{prefix}/metrics/detailed?{query}").expect(200).chunks
    families = []
    truncated = 0
    for family in read_families(split_blocks(chunks), _Choice(rules)):
        if family.name.startswith((_DETAILED, _CLUSTER)):
            lines = lines_of(family)
            if len(lines) > _MOST_SERIES:
                truncated += 1
                family.written = lines[:_MOST_SERIES]
            families.append(family)
    return families, truncated


class _Choice(LabelTexts):
    """The labels of allowed queues, in the end only of chosen ones; labels without a queue stay."""

    def __init__(self, rules: NameRules) -> None:
        super().__init__()
        self._rules = rules
        self._queues: dict[str, QueueName] = {}
        self._closed = False

    def decide(self, raw: str) -> str | None:
        if len(self) >= _MOST_TEXTS:
            raise ScrapeError("too_large", f"the plugin shows more than {_MOST_TEXTS} series of a family")
        plain = _PLAIN.fullmatch(raw)
        if plain and len(raw) <= LABEL_LIMIT:
            clean, name = raw, (plain[1], plain[2])
        else:
            clean, labels = corrected(raw), parse_labels(raw)
            if "queue" not in labels:
                return clean
            name = (labels.get("vhost", ""), labels["queue"])
        # A queue that was declared while the page is read comes with the next scrape.
        if self._closed or not self._rules.allow(*name):
            return None
        self._queues[clean] = name
        return clean

    def close(self, lengths: dict[str, int], limit: int) -> int:
        """Keep the queues of `lengths` that the cap allows; the number of those it does not."""
        self._closed = True
        chosen = largest({self._queues[text]: length for text, length in lengths.items()}, limit)
        known = self._queues
        self._queues = {text: known[text] for text in lengths if known[text] in chosen}
        for raw, clean in self.items():
            if clean in known and clean not in self._queues:
                self[raw] = None
        self.settled = all(raw == clean for raw, clean in self.items())
        return len(lengths) - len(self._queues)

    def filter(self, family: Family) -> None:
        """Drop what is not chosen from a family that was read before the choice."""
        family.written = [line for line in lines_of(family) if labels_of(line) in self._queues]


def _whole(raw: str) -> int:
    try:
        return int(float(raw))
    except (ValueError, OverflowError):
        return 0


def _per_object(name: str) -> str:
    """`rabbitmq_detailed_queue_messages` as `rabbitmq_queue_messages`."""
    return name.replace(_DETAILED, "rabbitmq_", 1)


def _as_it_is(name: str) -> str:
    return name


def _bounded(chunks: Iterable[bytes], limit: int) -> Iterator[bytes]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > limit:
            raise ScrapeError("too_large", f"the page is longer than {limit} bytes")
        yield chunk
