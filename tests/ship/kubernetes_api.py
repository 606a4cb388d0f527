"""The part of the Kubernetes API that a shipper uses, with the semantics of a real one.

Lists carry a resource version, pages continue, watches send what happened after a version (410 Gone when that
is no longer known), bookmarks and errors as events; the token, 403, and answers that hang can be set. Objects
have the fields that a real API server answers with.
"""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


def pod(
    name: str, uid: str, node: str = "node-1", namespace: str = "prod", **metadata: Any
) -> dict[str, Any]:
    """A pod as the API server sends it, less what nobody here reads."""
    return {
        "metadata": {
            "name": name,
            "generateName": f"{name.rsplit('-', 1)[0]}-",
            "namespace": namespace,
            "uid": uid,
            "creationTimestamp": "2026-11-20T08:00:00Z",
            "managedFields": [{"manager": "kube-controller-manager", "operation": "Update"}],
            **metadata,
        },
        "spec": {
            "nodeName": node,
            "serviceAccountName": "default",
            "containers": [{"name": "app", "image": "registry.example/app:1"}],
        },
        "status": {"phase": "Running", "podIP": "10.42.0.7", "qosClass": "Burstable"},
    }


def owned_by(kind: str, name: str) -> list[dict[str, Any]]:
    return [
        {
            "apiVersion": "v1",
            "kind": kind,
            "name": name,
            "uid": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
            "controller": True,
            "blockOwnerDeletion": True,
        }
    ]


class FakeApi:
    """State of the cluster, and how the API behaves; used by the handler's threads."""

    def __init__(self) -> None:
        self.token = "first-token"
        self.forbidden = False
        self.broken = False  # 500
        self.hang = threading.Event()  # set: answers wait until `released`
        self.released = threading.Event()
        self.page = 500
        self.requests: list[dict[str, str]] = []
        self.tokens: list[str] = []
        self._changed = threading.Condition()
        self._version = 1000
        self._oldest = 1000
        self._pods: dict[str, dict[str, Any]] = {}
        self._events: list[tuple[int, dict[str, Any]]] = []
        self._dropped = 0  # watches to be ended
        self._closed = False

    def put(self, item: dict[str, Any]) -> None:
        """Create or change a pod."""
        uid = item["metadata"]["uid"]
        self._record("MODIFIED" if uid in self._pods else "ADDED", item)

    def delete(self, uid: str) -> None:
        self._record("DELETED", self._pods[uid])

    def put_unseen(self, item: dict[str, Any]) -> None:
        """A change whose event gets lost."""
        with self._changed:
            self._pods[item["metadata"]["uid"]] = item

    def bookmark(self) -> None:
        """The version moves on without an event of a pod."""
        with self._changed:
            self._version += 10
            item = {"kind": "Pod", "metadata": {"resourceVersion": str(self._version)}}
            self._events.append((self._version, {"type": "BOOKMARK", "object": item}))
            self._changed.notify_all()

    def compact(self) -> None:
        """Forget the events so far: who asks for them gets 410."""
        with self._changed:
            self._version += 1
            self._oldest = self._version
            self._events.clear()

    def end_watches(self) -> None:
        with self._changed:
            self._dropped += 1
            self._changed.notify_all()

    def close(self) -> None:
        self.released.set()
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def watches(self) -> list[dict[str, str]]:
        return [each for each in self.requests if "watch" in each]

    def lists(self) -> list[dict[str, str]]:
        return [each for each in self.requests if "watch" not in each]

    def _record(self, kind: str, item: dict[str, Any]) -> None:
        with self._changed:
            self._version += 1
            item = {**item, "metadata": {**item["metadata"], "resourceVersion": str(self._version)}}
            uid = item["metadata"]["uid"]
            if kind == "DELETED":
                self._pods.pop(uid, None)
            else:
                self._pods[uid] = item
            full = {"apiVersion": "v1", "kind": "Pod", **item}
            self._events.append((self._version, {"type": kind, "object": full}))
            self._changed.notify_all()

    def answer(self, query: dict[str, str]) -> dict[str, Any]:
        """A list, or a page of it."""
        with self._changed:
            items = [each for each in self._pods.values() if _selected(each, query)]
            start = int(query.get("continue", "0"))
            metadata: dict[str, Any] = {"resourceVersion": str(self._version)}
            if start + self.page < len(items):
                metadata["continue"] = str(start + self.page)
                metadata["remainingItemCount"] = len(items) - start - self.page
            return {
                "kind": "PodList",
                "apiVersion": "v1",
                "metadata": metadata,
                "items": items[start : start + self.page],
            }

    def events(self, query: dict[str, str]) -> Iterator[dict[str, Any]]:
        """What happened after the version asked for, as it happens."""
        version = int(query["resourceVersion"])
        with self._changed:
            dropped = self._dropped
            if version < self._oldest:
                yield {"type": "ERROR", "object": status(410, "too old resource version")}
                return
        while True:
            with self._changed:
                new = [each for each in self._events if each[0] > version]
                if not new:
                    if self._closed or self._dropped != dropped:
                        return
                    self._changed.wait(0.2)
                    continue
            version = new[-1][0]
            for _, event in new:
                if event["type"] == "BOOKMARK" or _selected(event["object"], query):
                    yield event


def status(code: int, message: str) -> dict[str, Any]:
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "code": code,
    }


def _selected(item: dict[str, Any], query: dict[str, str]) -> bool:
    selector = query.get("fieldSelector", "")
    return not selector or item["spec"]["nodeName"] == selector.removeprefix("spec.nodeName=")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    api: FakeApi

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        api = self.api
        url = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        api.tokens.append(token)
        api.requests.append(query)
        if api.hang.is_set():
            api.released.wait(20)
        if token != api.token:
            self._send(401, status(401, "Unauthorized"))
        elif api.forbidden:
            self._send(403, status(403, 'pods is forbidden: User "x" cannot list resource "pods"'))
        elif api.broken:
            self._send(500, status(500, "etcdserver: request timed out"))
        elif url.path != "/api/v1/pods":
            self._send(404, status(404, "the server could not find the requested resource"))
        elif query.get("watch") == "true":
            self._watch(query)
        else:
            self._send(200, api.answer(query))

    def _send(self, code: int, value: dict[str, Any]) -> None:
        body = json.dumps(value).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _watch(self, query: dict[str, str]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            for event in self.api.events(query):
                line = json.dumps(event).encode() + b"\n"
                half = len(line) // 2  # events do not come in whole chunks
                for part in (line[:half], line[half:]):
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
                self.wfile.flush()
            self.wfile.write(b"0\r\n\r\n")
        except OSError:
            self.close_connection = True


@contextmanager
def served(api: FakeApi, certificate: str = "", key: str = "") -> Iterator[str]:
    """The API on a free port of loopback; with a certificate over TLS."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"api": api}))
    server.daemon_threads = True
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_port}"
    finally:
        api.close()
        server.shutdown()
        server.server_close()
        thread.join(5)
