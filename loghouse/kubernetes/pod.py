"""A pod as the API describes it: who it is, what it belongs to, how its logs are to be read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from sys import intern
from typing import Any, TypeVar

_HASH_LABELS = ("pod-template-hash", "rollouts-pod-template-hash")
_SCHEDULED = re.compile(r"(.+)-(\d{8,10})")
_SCHEDULED_WITHIN = 7 * 24 * 3600  # seconds between the time that a CronJob's job is named by, and its pod
T = TypeVar("T")
_CONFIG_HASH = "kubernetes.io/config.hash"  # the uid in the path of a static pod

_TRUE = frozenset(("true", "1", "yes", "on"))
_FALSE = frozenset(("false", "0", "no", "off"))
_EXCLUDE = "logq.io/exclude"
_MULTILINE = "logq.io/multiline"
_SAMPLE = "logq.io/sample"
_FLUENT_BIT = "fluentbit.io/exclude"
_ELASTIC = "co.elastic.logs/enabled"
_VECTOR = "vector.dev/exclude"  # a label

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Pod:
    """What is kept of a pod. `uids` are the names it has in paths: its own, and of a static pod its hash.

    There may be thousands: labels are sorted pairs, which pods share; annotations only those that are heeded.
    """

    uid: str
    uids: tuple[str, ...]
    namespace: str
    name: str
    node: str
    workload: str
    kind: str
    labels: Pairs
    annotations: Pairs

    def excluded(self, container: str) -> bool:
        """Whether the pod asks that this container's logs are not read, in our words or another shipper's."""
        own = self._own(_EXCLUDE, container)
        if own is not None:
            return own.lower() in _TRUE
        return (
            _value(self.annotations, _FLUENT_BIT, "").lower() in _TRUE
            or _value(self.annotations, _ELASTIC, "").lower() in _FALSE
            or _value(self.labels, _VECTOR, "").lower() in _TRUE
        )

    def multiline(self, container: str) -> str | None:
        """How lines of this container make up events, if the pod says so; in its words."""
        return self._own(_MULTILINE, container)

    def sample(self, container: str) -> str | None:
        """Which share of this container's records is kept, if the pod says so; in its words."""
        return self._own(_SAMPLE, container)

    def _own(self, name: str, container: str) -> str | None:
        """An annotation, of which `NAME.CONTAINER` counts more than `NAME`."""
        value = _value(self.annotations, f"{name}.{container}", _value(self.annotations, name, None))
        return value.strip() if value is not None else None


def _value(pairs: Pairs, wanted: str, otherwise: T) -> str | T:
    return next((value for name, value in pairs if name == wanted), otherwise)


def pod_of(item: Mapping[str, Any]) -> Pod:
    """The pod of an API object. Raises KeyError, TypeError or AttributeError for what is none."""
    metadata = item["metadata"]
    labels = _texts(metadata.get("labels"))
    annotations = _texts(metadata.get("annotations"))
    uid, config_hash = metadata["uid"], annotations.get(_CONFIG_HASH)
    node = (item.get("spec") or {}).get("nodeName") or ""
    kind, workload = _owner(metadata, labels, node)
    return Pod(
        uid=uid,
        uids=(uid, config_hash) if config_hash else (uid,),
        namespace=intern(metadata["namespace"]),
        name=metadata["name"],
        node=intern(node),
        workload=intern(workload),
        kind=intern(kind),
        labels=_pairs(labels),
        annotations=_pairs({name: text for name, text in annotations.items() if _is_heeded(name)}),
    )


def _is_heeded(annotation: str) -> bool:
    return annotation.startswith("logq.io/") or annotation in (_FLUENT_BIT, _ELASTIC)


def _pairs(texts: Mapping[str, str]) -> Pairs:
    return tuple(_shared(name, texts[name]) for name in sorted(texts))


@lru_cache(maxsize=10_000)
def _shared(name: str, value: str) -> tuple[str, str]:
    """The pair, one object for all pods."""
    return intern(name), value


def _texts(value: Any) -> dict[str, str]:
    if value is None:
        return {}
    return {str(key): str(text) for key, text in value.items()}


def _owner(metadata: Mapping[str, Any], labels: Mapping[str, str], node: str) -> tuple[str, str]:
    """Kind and name of what the pod belongs to in the end, the pod itself if to nothing."""
    references = metadata.get("ownerReferences") or []
    owner = next((each for each in references if each.get("controller")), None)
    if owner is None:
        return "Pod", metadata["name"]
    kind, name = owner["kind"], owner["name"]
    match kind:
        case "ReplicaSet":
            for label in _HASH_LABELS:
                template = labels.get(label)
                if template and name.endswith(f"-{template}"):
                    return "Deployment", name.removesuffix(f"-{template}")
        case "Job":
            cron_job = _cron_job(name, metadata.get("creationTimestamp") or "")
            if cron_job:
                return "CronJob", cron_job
        case "Node":  # a static pod carries the name of its node
            return "Pod", metadata["name"].removesuffix(f"-{node}")
    return kind, name


def _cron_job(job: str, created: str) -> str | None:
    """The CronJob of a job that is named by the time it was scheduled for, in minutes (once: seconds)."""
    match = _SCHEDULED.fullmatch(job)
    if match is None:
        return None
    number = int(match[2])
    scheduled = number if len(match[2]) == 10 else number * 60
    try:
        at = datetime.fromisoformat(created).timestamp()
    except ValueError:
        return None
    return match[1] if abs(at - scheduled) < _SCHEDULED_WITHIN else None
