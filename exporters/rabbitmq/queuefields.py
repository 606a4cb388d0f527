"""Fields of a queue that need more than a look-up."""

from datetime import UTC, datetime

from exporters.families import Value
from exporters.rabbitmq.api import Item, field, number, string


def limit(queue: Item, name: str) -> Value | None:
    """The limit that holds: the lower of the queue's argument and of its effective policy; None if none."""
    arguments = field(queue, "arguments")
    policy = field(queue, "effective_policy_definition")
    found = [
        number(arguments if isinstance(arguments, dict) else {}, f"x-{name}"),
        number(policy if isinstance(policy, dict) else {}, name),
    ]
    return min((value for value in found if value is not None), default=None)


def idle_since(queue: Item) -> float | None:
    """Since when nothing happened, since the epoch; None for a queue in use.

    The API says `2026-11-21T00:06:45.576+00:00`, old versions `2019-04-30 9:19:56`.
    """
    raw = string(queue, "idle_since")
    if not raw:
        return None
    try:
        parsed = datetime.fromisoformat(raw)
    except ValueError:
        try:
            parsed = datetime.strptime(raw, "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007 - always UTC
        except ValueError:
            return None
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
