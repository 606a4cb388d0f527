"""Namespace, pod, container of a record: of its `kubernetes` object, Docker's fields, tag or labels."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from loghouse.receive.streams import Labels, Part, Stream, labels, name
from loghouse.ship.paths import workload_of

Record = Mapping[str, Any]

# As Fluent Bit and Fluentd make a tag of /var/log/containers/POD_NAMESPACE_CONTAINER-ID.log.
_TAG = re.compile(
    r"(?:.*\.)?containers\.(?P<pod>[a-z0-9.-]+)_(?P<ns>[a-z0-9-]+)_(?P<c>[a-z0-9.-]+)-[0-9a-f]{1,64}\.log"
)

# What shippers put around a container's line. A record of nothing else is stored as that line.
ENVELOPE = frozenset(
    (
        *("log", "stream", "time", "logtag", "_p", "kubernetes", "docker", "source", "container_id"),
        *("container_name", "partial_message", "partial_id", "partial_ordinal", "partial_last"),
    )
)
MAX_PART_KEY = 200
OUTPUTS = {"stderr": b"stderr"}

# Each column by the names that senders of labels give it, best first.
_LABEL_NAMES = {
    "namespace": (
        "namespace",
        "k8s.namespace.name",
        "kubernetes_namespace_name",
        "namespace_name",
        "k8s_namespace_name",
    ),
    "pod": ("pod", "k8s.pod.name", "kubernetes_pod_name", "pod_name", "k8s_pod_name", "instance"),
    "container": (
        "container",
        "k8s.container.name",
        "kubernetes_container_name",
        "container_name",
        "k8s_container_name",
    ),
    "node": (
        "node",
        "node_name",
        "k8s.node.name",
        "kubernetes_host",
        "k8s_node_name",
        "host.name",
        "host",
        "hostname",
    ),
    "pod_uid": ("k8s.pod.uid", "pod_uid", "kubernetes_pod_id"),
    "workload": (
        *(
            "workload",
            "k8s.deployment.name",
            "k8s.statefulset.name",
            "k8s.daemonset.name",
            "k8s.cronjob.name",
        ),
        *("app", "service_name", "service.name", "job", "application"),
    ),
}


def stream_of(tag: str, record: Record) -> Stream:
    """The stream of a record that came with a tag."""
    kubernetes = record.get("kubernetes")
    if isinstance(kubernetes, dict):
        return _of_object(kubernetes)
    container = record.get("container_name")
    if isinstance(container, str) and "container_id" in record:
        return _of_container(container)
    return of_tag(tag)


@lru_cache(4096)
def of_tag(tag: str) -> Stream:
    """The stream that a tag names; one that names no container is the container's name itself."""
    match = _TAG.fullmatch(tag)
    if match:
        return Stream(match["ns"], match["pod"], match["c"], workload_of(match["pod"]))
    return Stream(container=name(tag), workload=name(tag))


@lru_cache(4096)
def _of_container(container: str) -> Stream:
    container = name(container.lstrip("/"))
    return Stream(container=container, workload=container)


def _of_object(kubernetes: Record) -> Stream:
    """As the kubernetes filters of Fluent Bit and Fluentd write it."""
    pod = name(kubernetes.get("pod_name"))
    return Stream(
        namespace=name(kubernetes.get("namespace_name")),
        pod=pod,
        container=name(kubernetes.get("container_name")),
        workload=workload_of(pod) if pod else "",
        node=name(kubernetes.get("host")),
        pod_uid=name(kubernetes.get("pod_id")),
        labels=labels(kubernetes.get("labels")),
    )


def of_labels(pairs: Record) -> Stream:
    """The stream that labels name (Loki, OpenTelemetry, parameters of a request); all others stay labels."""
    rest = dict(pairs)
    columns: dict[str, str] = {}
    for column, known in _LABEL_NAMES.items():
        for key in known:
            if value := name(rest.get(key)):
                columns[column] = value
                rest.pop(key)
                break
    if "workload" not in columns:
        pod, container = columns.get("pod", ""), columns.get("container", "")
        columns["workload"] = workload_of(pod) if pod else container
    columns.setdefault("container", columns["workload"])
    others: Labels = labels(rest)
    return Stream(**columns, labels=others)


def line_of(record: Record) -> str | None:
    """The program's own line when the record is nothing but that line in a shipper's envelope, else None."""
    line = record.get("log")
    if isinstance(line, str) and record.keys() <= ENVELOPE and len(record) > 1:
        return line.removesuffix("\n")
    return None


def part_of(tag: str, record: Record, second: int, nanosecond: int) -> Part | None:
    """The part of a longer line that Docker's fluentd driver sent; None for a whole record."""
    text, ordinal = record.get("log"), str(record.get("partial_ordinal", ""))
    named = isinstance(text, str) and record.get("partial_id") and ordinal.isdecimal() and len(ordinal) < 10
    if not named or record.get("partial_message") != "true":
        return None
    key = f"{record.get('container_id', '')}/{record['partial_id']}"[:MAX_PART_KEY]
    last = record.get("partial_last") == "true"
    output = output_of(record).decode()
    return Part(key, int(ordinal), last, stream_of(tag, record), second, nanosecond, output, str(text))


def output_of(record: Record) -> bytes:
    """`stdout` or `stderr`."""
    return OUTPUTS.get(record.get("stream") or record.get("source") or "", b"stdout")
