"""The pods of one node, kept up to date by a watch in a thread of its own."""

from __future__ import annotations

import logging
import random
import threading
import time
from typing import Any

from loghouse.kubernetes.api import Api, ApiError, Forbidden, Gone, Server, Unauthorized
from loghouse.kubernetes.pod import Pod, pod_of

log = logging.getLogger("loghouse.kubernetes")

PATH = "/api/v1/pods"
WATCH = 150.0  # seconds until a watch is begun anew; its events come as they happen
RESYNC = 900.0  # seconds until all pods are listed again, should an event have been missed
KEPT = 600.0  # seconds that a deleted pod is remembered: its files may still be read
FIRST_WAIT = 0.5  # seconds; doubled with each failure, and drawn at random below that
LONGEST_WAIT = 30.0
FORBIDDEN_WAIT = 300.0


class PodWatch:
    """Pods by the uid in the paths of their logs. `get` never blocks and never raises."""

    def __init__(self, server: Server, node: str) -> None:
        self._api = Api(server)
        self._node = node
        self._pods: dict[str, Pod] = {}  # replaced or changed only by the thread
        self._deleted: dict[str, float] = {}  # when, by uid
        self._first = threading.Event()  # the first list came, or failed
        self._stop = threading.Event()
        self._version = ""
        self._listed_at = 0.0
        self._failing = ""
        self._failures = 0
        self._errors = 0
        self._thread = threading.Thread(target=self._run, name="kubernetes", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def close(self) -> None:
        """Stop watching."""
        self._stop.set()
        self._api.close()
        if self._thread.is_alive():
            self._thread.join(2)

    def get(self, uid: str) -> Pod | None:
        """The pod with this uid in its paths, if the API has told of it."""
        return self._pods.get(uid)

    def ready(self, timeout: float) -> bool:
        """Wait for the first answer of the API; whether it named the pods."""
        return self._first.wait(timeout) and self.answering

    @property
    def answering(self) -> bool:
        """Whether a pod that is not known yet may become known soon."""
        return not self._failing

    @property
    def errors(self) -> int:
        """How many requests failed."""
        return self._errors

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                if not self._version or time.monotonic() - self._listed_at > RESYNC:
                    self._list()
                self._note_success()
                self._watch()
                continue
            except Gone:
                self._version = ""
                wait = random.uniform(0, FIRST_WAIT)
            except Forbidden as error:
                self._version = ""
                wait = FORBIDDEN_WAIT
                self._tell(error, "may the service account list and watch pods?")
            except ApiError as error:
                wait = self._next_wait()
                if not isinstance(error, Unauthorized) or self._failures > 1:
                    self._tell(error, "")
            if self._failing:
                self._first.set()
            self._stop.wait(wait)

    def _next_wait(self) -> float:
        self._failures += 1
        return random.uniform(0.5, 1.0) * min(LONGEST_WAIT, FIRST_WAIT * (1 << min(self._failures, 16)))

    def _tell(self, error: ApiError, hint: str) -> None:
        """Say once that there is no metadata, until there is again."""
        self._errors += 1
        if self._stop.is_set():
            return
        if not self._failing:
            log.warning(
                "the Kubernetes API does not tell of pods, names come from paths only: %s%s",
                error,
                f" ({hint})" if hint else "",
            )
        self._failing = str(error)

    def _note_success(self) -> None:
        if self._failing:
            log.warning("the Kubernetes API tells of pods again")
        self._failing = ""
        self._failures = 0
        self._first.set()

    def _selection(self) -> dict[str, str]:
        return {"fieldSelector": f"spec.nodeName={self._node}"} if self._node else {}

    def _list(self) -> None:
        """Take all pods anew; those that are no longer there count as deleted."""
        parameters = {**self._selection(), "resourceVersion": "0", "limit": "500"}
        pods: dict[str, Pod] = {}
        while True:
            answer = self._api.get(PATH, parameters)
            for item in answer.get("items") or []:
                if pod := _pod(item):
                    pods.update(dict.fromkeys(pod.uids, pod))
            metadata = answer.get("metadata") or {}
            if not metadata.get("continue"):
                break
            parameters = {**self._selection(), "limit": "500", "continue": metadata["continue"]}
        for uid in self._pods.keys() - pods.keys():
            self._deleted.setdefault(uid, time.monotonic())
        self._deleted = {uid: at for uid, at in self._deleted.items() if uid not in pods}
        self._pods = {**self._pods, **pods}
        self._forget()
        self._version = str(metadata.get("resourceVersion") or "")
        self._listed_at = time.monotonic()

    def _watch(self) -> None:
        parameters = {
            **self._selection(),
            "resourceVersion": self._version,
            "allowWatchBookmarks": "true",
        }
        for event in self._api.watch(PATH, parameters, WATCH * random.uniform(0.8, 1.2)):
            if self._stop.is_set():
                return
            self._take(event)
        self._forget()

    def _take(self, event: dict[str, Any]) -> None:
        kind, item = event.get("type"), event.get("object")
        if not isinstance(item, dict):
            raise ApiError("an event without an object")
        if kind == "ERROR":
            message = str(item.get("message", ""))[:300]
            raise Gone(message) if item.get("code") == 410 else ApiError(f"{item.get('code')} {message}")
        version = (item.get("metadata") or {}).get("resourceVersion")
        if kind != "BOOKMARK" and (pod := _pod(item)):
            for uid in pod.uids:
                self._pods[uid] = pod
                if kind == "DELETED":
                    self._deleted[uid] = time.monotonic()
                else:
                    self._deleted.pop(uid, None)
        if version:
            self._version = str(version)

    def _forget(self) -> None:
        now = time.monotonic()
        for uid, at in list(self._deleted.items()):
            if now - at > KEPT:
                del self._deleted[uid]
                self._pods.pop(uid, None)


def _pod(item: Any) -> Pod | None:
    try:
        return pod_of(item)
    except (KeyError, TypeError, AttributeError):
        log.warning("the Kubernetes API sent a pod that cannot be understood: %.200s", item)
        return None
