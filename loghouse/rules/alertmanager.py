"""Alertmanager's API v2: post alerts, list what fires."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from loghouse.errors import LoghouseError, UsageError
from loghouse.query.timerange import SECOND

TIMEOUT = 10  # seconds for a whole answer
DEFAULT_URL = "http://127.0.0.1:9093"
_MOST = 50_000_000  # bytes of an answer


class AlertmanagerError(LoghouseError):
    """Alertmanager does not answer, or refuses."""


@dataclass(frozen=True, slots=True)
class Listed:
    """An alert as Alertmanager knows it; times are nanoseconds."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts: int
    ends: int
    state: str  # active, suppressed or unprocessed
    link: str


@dataclass(frozen=True, slots=True)
class Alertmanager:
    """One Alertmanager; `token` is sent as a bearer token when there is one."""

    url: str = DEFAULT_URL
    token: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if not self.url.startswith(("http://", "https://")):
            raise UsageError(f'"{self.url}" is no address of an Alertmanager', f"Write it like {DEFAULT_URL}")

    def post(self, alerts: Sequence[Mapping[str, Any]]) -> None:
        """Hand alerts over; returns when they are accepted, raises `AlertmanagerError` otherwise."""
        self._ask("POST", "/api/v2/alerts", json=list(alerts))

    def alerts(self, matchers: Sequence[str] = (), suppressed: bool = False) -> list[Listed]:
        """What fires, the newest first; `matchers` are written like namespace="prod"."""
        hidden = "true" if suppressed else "false"
        params: list[tuple[str, str]] = [("active", "true"), ("silenced", hidden), ("inhibited", hidden)]
        found = self._ask("GET", "/api/v2/alerts", params=[*params, *(("filter", each) for each in matchers)])
        try:
            listed = [_listed(item) for item in found]
        except (KeyError, TypeError, ValueError):
            raise AlertmanagerError(f"{self.url} does not answer as Alertmanager does") from None
        return sorted(listed, key=lambda alert: alert.starts, reverse=True)

    def _ask(self, method: str, path: str, **more: Any) -> Any:
        import requests

        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        try:
            with requests.request(
                method, self.url.rstrip("/") + path, timeout=TIMEOUT, headers=headers, stream=True, **more
            ) as answer:
                body = answer.raw.read(_MOST, decode_content=True)
                if answer.status_code >= 300:
                    text = " ".join(body[:300].decode("utf-8", "replace").split())
                    raise AlertmanagerError(
                        f"Alertmanager at {self.url} refused: {answer.status_code} {text}"
                    )
                if not body:
                    return None
                import json

                return json.loads(body)
        except ValueError:
            raise AlertmanagerError(f"{self.url} does not answer as Alertmanager does") from None
        except (requests.RequestException, OSError) as error:
            raise AlertmanagerError(
                f"cannot reach Alertmanager at {self.url} ({_reason(error)})",
                "Set --alertmanager or LOGQ_ALERTMANAGER",
            ) from None


def rfc3339(nanoseconds: int) -> str:
    """A time as the API takes it."""
    whole, rest = divmod(nanoseconds, SECOND)
    return f"{datetime.fromtimestamp(whole, UTC):%Y-%m-%dT%H:%M:%S}.{rest // 1_000_000:03d}Z"


def _listed(item: Any) -> Listed:
    return Listed(
        labels=dict(item["labels"]),
        annotations=dict(item["annotations"]),
        starts=_nanoseconds(item["startsAt"]),
        ends=_nanoseconds(item["endsAt"]),
        state=str(item["status"]["state"]),
        link=str(item.get("generatorURL", "")),
    )


def _nanoseconds(text: str) -> int:
    return int(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000) * 1_000_000


def _reason(error: Exception) -> str:
    text = str(error)
    for sign, reason in (
        ("refused", "connection refused"),
        ("timed out", "timed out"),
        ("resolve", "unknown host"),
    ):
        if sign in text:
            return reason
    return type(error).__name__
