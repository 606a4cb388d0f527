"""What the Kubernetes API tells about the writer of a file: labels, workload, and what the pod asks of us."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Protocol, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from loghouse.errors import UsageError
from loghouse.filters import conditions as rules
from loghouse.kubernetes.api import Server
from loghouse.kubernetes.pod import Pairs, Pod
from loghouse.kubernetes.watch import PodWatch
from loghouse.ship.hints import rules_of, share_of
from loghouse.ship.paths import Origin

log = logging.getLogger("loghouse.ship")
T = TypeVar("T")

KIND = "workload_kind"  # a label of ours: Deployment, StatefulSet, DaemonSet, CronJob
HOLD = 2.0  # seconds that the lines of a pod wait for the API to tell of it


class Pods(Protocol):
    """What is needed of `PodWatch`."""

    def get(self, uid: str) -> Pod | None:
        """The pod whose paths have this uid."""

    @property
    def answering(self) -> bool:
        """Whether a pod that is not known yet may become known soon."""

    @property
    def errors(self) -> int:
        """How many requests failed."""


class Writer(Struct, frozen=True, gc=False):
    """Who writes a file. `multiline` is None where the pod says nothing; `sample` is the share kept."""

    origin: Origin
    excluded: bool = False
    multiline: str | None = None
    sample: float = 1.0

    def seen_by_rules(self, node: str) -> rules.Writer:
        """The same for the conditions of filters."""
        origin = self.origin
        columns = {
            "namespace": origin.namespace,
            "pod": origin.pod,
            "container": origin.container,
            "workload": origin.workload,
            "node": node,
        }
        return rules.Writer(columns, dict(origin.labels))


@contextmanager
def watching(server: Server | None, node: str) -> Iterator[Pods | None]:
    """The pods of this node while the block runs, None without an API; waits a moment for its answer."""
    if server is None:
        yield None
        return
    watch = PodWatch(server, node)
    watch.start()
    try:
        watch.ready(HOLD)
        yield watch
    finally:
        watch.close()


def written_by(pod: Pod, origin: Origin) -> Writer:
    """The writer of a file that is at this place, as its pod describes it."""
    multiline, sample = pod.multiline(origin.container), pod.sample(origin.container)
    if multiline is not None and not _understood(pod, _is_multiline, multiline, False):
        multiline = None
    return Writer(
        replace(origin, workload=pod.workload, labels=_labels(pod)),
        pod.excluded(origin.container),
        multiline,
        _understood(pod, share_of, sample, 1.0) if sample is not None else 1.0,
    )


def _labels(pod: Pod) -> Pairs:
    """The pod's, and ours; what its containers have is one object as long as they are asked for together."""
    if pod.kind == "Pod" or any(name == KIND for name, _ in pod.labels):
        return pod.labels
    return _with_kind(pod.labels, pod.kind)


@lru_cache(maxsize=10_000)
def _with_kind(labels: Pairs, kind: str) -> Pairs:
    return tuple(sorted((*labels, (KIND, kind))))


def _is_multiline(hint: str) -> bool:
    rules_of(hint)
    return True


def _understood(pod: Pod, meaning: Callable[[str], T], hint: str, otherwise: T) -> T:
    """What a hint means; one that is wrong is told and passed over."""
    try:
        return meaning(hint)
    except UsageError as error:
        log.warning("%s/%s: %s; %s", pod.namespace, pod.name, error.message, error.hint)
        return otherwise
