"""Loki's push request in protobuf, of which no package exists: the message's shape, and its labels' text."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

_PAIR = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_.]*)\s*=\s*("(?:[^"\\]|\\.)*")\s*,?')
_FIELDS: dict[str, list[tuple[str, int, str, bool]]] = {
    # name, number, type, repeated
    "PushRequest": [("streams", 1, "Stream", True)],
    "Stream": [("labels", 1, "", False), ("entries", 2, "Entry", True)],
    "Entry": [("timestamp", 1, "google.protobuf.Timestamp", False), ("line", 2, "", False)],
}


@cache
def _request_class() -> Any:
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, timestamp_pb2

    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(timestamp_pb2.DESCRIPTOR.serialized_pb)
    file = descriptor_pb2.FileDescriptorProto(
        name="loghouse/loki.proto",
        package="loki",
        syntax="proto3",
        dependency=[timestamp_pb2.DESCRIPTOR.name],
    )
    for message, fields in _FIELDS.items():
        added = file.message_type.add(name=message)
        for name, number, kind, repeated in fields:
            field = added.field.add(
                name=name, number=number, label=3 if repeated else 1, type=11 if kind else 9
            )
            if kind:
                field.type_name = f".{kind}" if "." in kind else f".loki.{kind}"
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("loki.PushRequest"))


def push_request() -> Any:
    """An empty `PushRequest`."""
    return _request_class()()


def selector(text: str) -> dict[str, Any]:
    """Labels as Loki's clients write them: `{app="shop", namespace="prod"}`."""
    return {
        match[1]: json.loads(match[2], strict=False) for match in _PAIR.finditer(text.strip().strip("{}"))
    }
