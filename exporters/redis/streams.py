"""Streams: their length and ids, their groups and consumers."""

from collections.abc import Sequence

from exporters.catalogue import Page
from exporters.families import text
from exporters.redis.client import Client
from exporters.redis.resp import ErrorReply, Reply, as_list, as_map, as_number, as_text, number

_STREAM_NUMBERS = (
    ("length", "stream_length"),
    ("groups", "stream_groups"),
    ("radix-tree-keys", "stream_radix_tree_keys"),
    ("radix-tree-nodes", "stream_radix_tree_nodes"),
    ("entries-added", "stream_entries_added_total"),
)
_STREAM_IDS = (
    ("last-generated-id", "stream_last_generated_id"),
    ("max-deleted-entry-id", "stream_max_deleted_entry_id"),
)
_GROUP_NUMBERS = (
    ("consumers", "stream_group_consumers"),
    ("pending", "stream_group_messages_pending"),
    ("entries-read", "stream_group_entries_read"),
    ("lag", "stream_group_lag"),
)


def add_streams(
    page: Page, client: Client, database: int, keys: Sequence[bytes], with_consumers: bool
) -> None:
    """Streams of the selected database; keys that are none are left out."""
    label = f"db{database}"
    streams = client.pipeline([("XINFO", "STREAM", key) for key in keys])
    known = [(key, reply) for key, reply in zip(keys, streams, strict=True) if isinstance(reply, list)]
    groups = client.pipeline([("XINFO", "GROUPS", key) for key, _ in known])
    members: list[tuple[bytes, bytes]] = []
    for (key, stream), reply in zip(known, groups, strict=True):
        _add_stream(page, label, text(key), as_map(stream))
        for group in as_list(reply):
            fields = as_map(group)
            _add_group(page, label, text(key), fields)
            name = fields.get("name")
            if isinstance(name, bytes):
                members.append((key, name))
    if with_consumers:
        _add_consumers(page, client, label, members)


def milliseconds(reply: Reply) -> int | float | None:
    """The time in an id `1526919030474-55`."""
    return number(as_text(reply).partition("-")[0])


def _add_stream(page: Page, label: str, name: str, fields: dict[str, Reply]) -> None:
    for field, metric in _STREAM_NUMBERS:
        value = as_number(fields.get(field))
        if value is not None:
            page.add(metric, value, label, name)
    for field, metric in _STREAM_IDS:
        if field in fields:
            _add_id(page, metric, fields[field], label, name)
    for field in ("first-entry", "last-entry"):
        entry = as_list(fields.get(field))
        # An empty stream has no entries: 0, as upstream says.
        newest: Reply = entry[0] if entry else b"0"
        _add_id(page, f"stream_{field.replace('-', '_')}_id", newest, label, name)


def _add_group(page: Page, label: str, stream: str, fields: dict[str, Reply]) -> None:
    name = as_text(fields.get("name"))
    for field, metric in _GROUP_NUMBERS:
        value = as_number(fields.get(field))
        if value is not None:
            page.add(metric, value, label, stream, name)
    _add_id(page, "stream_group_last_delivered_id", fields.get("last-delivered-id"), label, stream, name)


def _add_consumers(page: Page, client: Client, label: str, members: list[tuple[bytes, bytes]]) -> None:
    replies = client.pipeline([("XINFO", "CONSUMERS", key, group) for key, group in members])
    for (key, group), reply in zip(members, replies, strict=True):
        if isinstance(reply, ErrorReply):
            continue
        for consumer in as_list(reply):
            fields = as_map(consumer)
            labels = (label, text(key), text(group), as_text(fields.get("name")))
            pending, idle = as_number(fields.get("pending")), as_number(fields.get("idle"))
            if pending is not None:
                page.add("stream_group_consumer_messages_pending", pending, *labels)
            if idle is not None:
                page.add("stream_group_consumer_idle_seconds", idle / 1000, *labels)


def _add_id(page: Page, metric: str, reply: Reply, *labels: str) -> None:
    value = milliseconds(reply)
    if value is not None:
        page.add(metric, value, *labels)
