"""CLIENT LIST: every client, or how many there are by name and idle time."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator

from exporters.catalogue import Page
from exporters.redis.resp import number

_NUMBERS = {
    "omem": "connected_client_output_buffer_memory_usage_bytes",
    "tot-mem": "connected_client_total_memory_consumed_bytes",
    "sub": "connected_client_channel_subscriptions_count",
    "psub": "connected_client_pattern_matching_subscriptions_count",
    "qbuf": "connected_client_query_buffer_length_bytes",
    "qbuf-free": "connected_client_query_buffer_free_space_bytes",
    "obl": "connected_client_output_buffer_length_bytes",
    "oll": "connected_client_output_list_length",
    "ssub": "connected_client_shard_channel_subscriptions_count",
    "watch": "connected_client_shard_channel_watched_keys",
}
_TIMES = {
    "age": "connected_client_created_at_timestamp",
    "idle": "connected_client_idle_since_timestamp",
}
_THRESHOLDS = (60, 300, 3600, 86400)


def parse_clients(reply: str) -> Iterator[dict[str, str]]:
    """Clients of CLIENT LIST as maps; lines that are none are skipped."""
    for line in reply.split("\n"):
        client = dict(part.split("=", 1) for part in line.split(" ") if "=" in part)
        if "id" in client and "addr" in client:
            yield client


def add_clients(page: Page, clients: Iterable[dict[str, str]], most: int, with_port: bool) -> None:
    """Every client, the oldest connections first; beyond `most` they are left out."""
    now = int(time.time())
    labels = tuple(
        name
        for name in ("id", "name", "flags", "db", "host", "port", "user", "resp")
        if with_port or name != "port"
    )
    for shown, client in enumerate(clients):
        if shown == most:
            page.family("exporter_clients_truncated").samples.clear()
            page.add("exporter_clients_truncated", 1)
            return
        host, _, port = client["addr"].rpartition(":")
        values = {**client, "host": host, "port": port}
        page.family("connected_client_info", labels).add(1, *(values.get(name, "") for name in labels))
        who = (client["id"], client.get("name", ""))
        for field, metric in _NUMBERS.items():
            value = number(client.get(field, ""))
            if value is not None:
                page.add(metric, value, *who)
        for field, metric in _TIMES.items():
            seconds = number(client.get(field, ""))
            if seconds is not None:
                page.add(metric, now - seconds, *who)


def add_client_counts(page: Page, clients: Iterable[dict[str, str]], most: int) -> None:
    """Clients by name, the most frequent names first, and clients idle for at least some time."""
    names: Counter[str] = Counter()
    idle = dict.fromkeys(_THRESHOLDS, 0)
    for client in clients:
        names[client.get("name", "")] += 1
        seconds = number(client.get("idle", "")) or 0
        for threshold in _THRESHOLDS:
            idle[threshold] += seconds >= threshold
    # Ties in the order of names, so that a cap always keeps the same ones.
    kept = sorted(names.items(), key=lambda item: (-item[1], item[0]))[:most]
    for name, count in kept:
        page.add("clients", count, name)
    for threshold, count in idle.items():
        page.add("idle_clients", count, str(threshold))
    if len(names) > most:
        page.family("exporter_clients_truncated").samples.clear()
        page.add("exporter_clients_truncated", 1)
