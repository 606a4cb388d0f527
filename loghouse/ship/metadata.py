"""What the Kubernetes API tells about the writer of a file: labels, workload, and what the pod asks of us."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Protocol

from loghouse.errors import UsageError
from loghouse.filters import conditions as rules
from loghouse.kubernetes.api import Server
from loghouse.kubernetes.pod import Pod
from loghouse.kubernetes.watch import PodWatch
from loghouse.ship.hints import rules_of
from loghouse.ship.paths import Origin

log = logging.getLogger("loghouse.ship")

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


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes a file. `multiline` is None where the pod says nothing about it."""

    origin: Origin
    excluded: bool = False
    multiline: str | None = None

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
    multiline = pod.multiline(origin.container)
    if multiline is not None:
        try:
            rules_of(multiline)
        except UsageError as error:
            log.warning("%s/%s: %s; %s", pod.namespace, pod.name, error.message, error.hint)
            multiline = None
    return Writer(
        replace(origin, workload=pod.workload, labels=tuple(sorted(pod.labels.items()))),
        pod.excluded(origin.container),
        multiline,
    )
