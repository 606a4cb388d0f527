"""Reading from the Kubernetes API: lists and watches, with the token that the cluster renews."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from loghouse.errors import UsageError

if TYPE_CHECKING:
    import requests  # takes 12 MB, which a shipper without an API does not need

ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
TOKEN_AGE = 60.0  # seconds after which the token is read again
CONNECT_TIMEOUT = 5.0
READ_TIMEOUT = 30.0
MAX_LIST = 256 << 20  # bytes of an answer
MAX_EVENT = 16 << 20  # bytes of one event of a watch
_BLOCK = 1 << 16


class ApiError(Exception):
    """The API cannot be used now; the message says why."""


class Forbidden(ApiError):
    """The account may not do this."""


class Unauthorized(ApiError):
    """The token is not taken; a new one may be."""


class Gone(ApiError):
    """What was asked for is too long ago: list again."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where the API is, and the files of the account that may ask it."""

    url: str
    token_file: str = ""
    ca_file: str = ""


def in_cluster(environment: Mapping[str, str] = os.environ) -> Server | None:
    """The API as a pod sees it; None outside of a cluster."""
    host = environment.get("KUBERNETES_SERVICE_HOST")
    port = environment.get("KUBERNETES_SERVICE_PORT", "443")
    if not host:
        return None
    host = f"[{host}]" if ":" in host else host
    return Server(f"https://{host}:{port}", f"{ACCOUNT}/token", f"{ACCOUNT}/ca.crt")


def server_of(
    where: str, token_file: str = "", ca_file: str = "", environment: Mapping[str, str] = os.environ
) -> Server | None:
    """The API that a setting names: `off`, `auto` for that of the cluster we are in, or a URL.

    Raises UsageError for anything else.
    """
    inside = in_cluster(environment)
    if where == "off":
        return None
    if where == "auto":
        if inside is None:
            return None
        return Server(inside.url, token_file or inside.token_file, ca_file or inside.ca_file)
    if not where.startswith(("http://", "https://")):
        raise UsageError(f'no address of a Kubernetes API: "{where}"', "Give auto, off or a URL")
    return Server(where.rstrip("/"), token_file, ca_file)


class Api:
    """GET requests; one thread at a time, `close` from any."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._session: requests.Session | None = None
        self._response: requests.Response | None = None
        self._closed = False
        self._token = ""
        self._token_read_at = float("-inf")

    def close(self) -> None:
        """End the running request too; there will be no other."""
        self._closed = True
        self._hang_up()

    def _hang_up(self) -> None:
        session, self._session = self._session, None
        response, self._response = self._response, None
        connection = getattr(response.raw, "connection", None) if response is not None else None
        if connection is not None and connection.sock is not None:
            with suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)  # a read in another thread returns
        if session:
            session.close()

    def get(self, path: str, parameters: Mapping[str, str]) -> dict[str, Any]:
        """The object at `path`. Raises ApiError."""
        body = bytearray()
        with self._open(path, parameters, READ_TIMEOUT) as response:
            for block in _blocks(response):
                body += block
                if len(body) > MAX_LIST:
                    raise ApiError(f"an answer of more than {MAX_LIST >> 20} MiB")
        return _object(bytes(body))

    def watch(self, path: str, parameters: Mapping[str, str], seconds: float) -> Iterator[dict[str, Any]]:
        """The events of a watch, until the server ends it after about so many seconds. Raises ApiError."""
        asked = {**parameters, "watch": "true", "timeoutSeconds": str(int(seconds))}
        rest = b""
        with self._open(path, asked, seconds + READ_TIMEOUT) as response:
            for block in _blocks(response):
                *lines, rest = (rest + block).split(b"\n")
                for line in lines:
                    if line.strip():
                        yield _object(line)
                if len(rest) > MAX_EVENT:
                    raise ApiError(f"an event of more than {MAX_EVENT >> 20} MiB")

    def _open(self, path: str, parameters: Mapping[str, str], timeout: float) -> requests.Response:
        import requests

        if self._session is None:
            self._session = requests.Session()
            self._session.trust_env = False  # no proxy, and no other CA than the cluster's
            self._session.verify = self._server.ca_file or True
        try:
            response = self._session.get(
                self._server.url + path,
                params=dict(parameters),
                headers=self._authorization(),
                timeout=(CONNECT_TIMEOUT, timeout),
                stream=True,
                allow_redirects=False,
            )
        except (requests.RequestException, OSError) as error:
            self._hang_up()  # the next attempt reads the CA again
            raise ApiError(_reason(error)) from None
        if response.status_code == 200:
            self._response = response
            if self._closed:
                self._hang_up()
            return response
        with response:
            raise self._refusal(response)

    def _authorization(self) -> dict[str, str]:
        if not self._server.token_file:
            return {}
        now = time.monotonic()
        if now - self._token_read_at > TOKEN_AGE:
            try:
                with open(self._server.token_file, encoding="ascii") as file:
                    self._token = file.read().strip()
            except (OSError, ValueError) as error:
                raise ApiError(f"cannot read the token {self._server.token_file} ({error})") from None
            self._token_read_at = now
        return {"Authorization": f"Bearer {self._token}"}

    def _refusal(self, response: requests.Response) -> ApiError:
        import requests

        try:
            text = next(response.iter_content(2000), b"")
            message = str(_object(text).get("message", ""))[:300]
        except (ApiError, requests.RequestException):
            message = ""
        said = f"{response.status_code} {message or response.reason}"
        match response.status_code:
            case 401:
                self._token_read_at = float("-inf")
                return Unauthorized(said)
            case 403:
                return Forbidden(said)
            case 410:
                return Gone(said)
        return ApiError(said)


def _blocks(response: requests.Response) -> Iterator[bytes]:
    import requests

    try:
        if response.headers.get("Transfer-Encoding") == "chunked":
            yield from response.iter_content(None)  # as they come: an event must not wait for the next
        else:
            yield from response.iter_content(_BLOCK)
    except (requests.RequestException, OSError, AttributeError) as error:
        # AttributeError: closed by another thread
        raise ApiError(_reason(error)) from None


def _object(text: bytes) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        raise ApiError("an answer that is no JSON") from None
    if not isinstance(value, dict):
        raise ApiError("an answer that is no object")
    return value


def _reason(error: Exception) -> str:
    """The innermost reason; requests wraps it several times."""
    seen: BaseException = error
    while (inner := seen.__cause__ or seen.__context__) is not None:
        seen = inner
    return f"{type(seen).__name__}: {seen}"[:300]
