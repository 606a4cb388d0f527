"""Which queues and exchanges are exported: include and skip first, then the cap."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from exporters.rabbitmq.api import Item, string, whole
from exporters.rabbitmq.settings import RabbitSettings
from exporters.settings import SettingsError

QueueName = tuple[str, str]
_NOTHING = "(?!)"


@dataclass(frozen=True, slots=True)
class NameRules:
    """Regular expressions that are searched in a name: it must match `include` and not match `skip`."""

    include_vhost: re.Pattern[str]
    skip_vhost: re.Pattern[str]
    include: re.Pattern[str]
    skip: re.Pattern[str]

    def allow_vhost(self, vhost: str) -> bool:
        return self.include_vhost.search(vhost) is not None and self.skip_vhost.search(vhost) is None

    def allow(self, vhost: str, name: str) -> bool:
        return (
            self.allow_vhost(vhost)
            and self.include.search(name) is not None
            and self.skip.search(name) is None
        )


def queue_rules(settings: RabbitSettings) -> NameRules:
    """The rules for queues; SettingsError for a bad expression."""
    return _rules(settings, "queues", settings.include_queues, settings.skip_queues)


def exchange_rules(settings: RabbitSettings) -> NameRules:
    """The rules for exchanges; the name of the default exchange is empty."""
    return _rules(settings, "exchanges", settings.include_exchanges, settings.skip_exchanges)


def largest(messages: Mapping[QueueName, int], limit: int) -> Collection[QueueName]:
    """The `limit` queues with most messages; 0 means all.

    Queues are compared by the number of digits and then by name, so a queue whose length goes up and down
    a little does not enter and leave the page with every scrape.
    """
    if not limit or len(messages) <= limit:
        return messages
    return set(sorted(messages, key=lambda name: (-len(str(messages[name])), name))[:limit])


def _rules(settings: RabbitSettings, kind: str, include: str, skip: str) -> NameRules:
    patterns = (
        ("include-vhost", settings.include_vhost),
        ("skip-vhost", settings.skip_vhost or _NOTHING),
        (f"include-{kind}", include),
        (f"skip-{kind}", skip or _NOTHING),
    )
    return NameRules(*_compiled(patterns))


def queues(
    items: Iterable[Item], rules: NameRules, limit: int, keep: Callable[[Item], bool]
) -> tuple[Collection[Item], int]:
    """The queues of the API to export, and how many the cap left out.

    Never more than twice the limit are held, however many there are.
    """
    kept: dict[QueueName, Item] = {}
    found = 0
    for item in items:
        name = (string(item, "vhost"), string(item, "name"))
        # A page may repeat a queue of the page before when others were declared in between.
        if name in kept or not rules.allow(*name) or not keep(item):
            continue
        found += 1
        kept[name] = item
        if limit and len(kept) >= 2 * limit:
            kept = _largest_items(kept, limit)
    kept = _largest_items(kept, limit)
    return kept.values(), found - len(kept)


def _largest_items(items: Mapping[QueueName, Item], limit: int) -> dict[QueueName, Item]:
    chosen = largest({name: whole(item, "messages") for name, item in items.items()}, limit)
    return {name: item for name, item in items.items() if name in chosen}


def _compiled(patterns: Iterable[tuple[str, str]]) -> Iterable[re.Pattern[str]]:
    for flag, pattern in patterns:
        try:
            yield re.compile(pattern)
        except re.error as error:
            raise SettingsError(f"--{flag}: {pattern!r} is no regular expression: {error}") from None
