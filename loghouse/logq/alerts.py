"""`logq alerts`: what fires, as Alertmanager knows it."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer

from loghouse.errors import ExitCode, UsageError
from loghouse.logq.options import Common, option
from loghouse.query.timerange import MINUTE, SECOND, TimeRange

if TYPE_CHECKING:
    from loghouse.logq.selection import Selected
    from loghouse.rules.alertmanager import Listed

AROUND = 15 * MINUTE  # before and after the start of an alert
_PLACES = ("namespace", "pod", "container")


@dataclass(frozen=True, kw_only=True)
class Options(Common):
    """Options of `logq alerts`."""

    matchers: Annotated[
        tuple[str, ...],
        typer.Argument(metavar="[MATCHER]...", help="Only these: a name, or label=value, label=~regex."),
    ] = ()
    alertmanager: Annotated[
        str | None,
        option("--alertmanager", help="Its address. [default: http://127.0.0.1:9093]", env="ALERTMANAGER"),
    ] = None
    silenced: Annotated[
        bool, option("--all", help="Also those that are silenced or inhibited.", env="ALERTS_ALL")
    ] = False
    as_json: Annotated[bool, option("--json", help="One JSON object a line.", env="ALERTS_JSON")] = False


def alerts(options: Options) -> ExitCode:
    """List the alerts that fire, the newest first, each with a command that shows its logs.

    Example: logq alerts namespace=prod severity=critical
    """
    from loghouse.rules.alertmanager import DEFAULT_URL, Alertmanager

    found = Alertmanager(options.alertmanager or DEFAULT_URL).alerts(
        [matcher(text) for text in options.matchers], options.silenced
    )
    for alert in found:
        for line in _as_json(alert) if options.as_json else _told(alert, time.time_ns()):
            typer.echo(line)
    return ExitCode.OK if found else ExitCode.NOTHING_FOUND


def matcher(text: str) -> str:
    """A matcher of Alertmanager: a bare word is the name of an alert, values need no quotes."""
    for sign in ("!=", "=~", "!~", "="):
        label, found, value = text.partition(sign)
        if found and label:
            return f"{label}{sign}{json.dumps(value)}" if not value.startswith('"') else text
    if not text or text != text.strip():
        raise UsageError(f'"{text}" is no matcher', "Write it like namespace=prod, or the name of an alert")
    return f"alertname={json.dumps(text)}"


def around_alert(selected: Selected, name: str, address: str | None, keep_window: bool) -> Selected:
    """The search narrowed to the logs of the newest alert of this name, around its start.

    An alert on logs knows its query. Of any other the labels namespace, pod and container say where to look.
    `keep_window` leaves the time as it is.
    """
    from loghouse.query import parse
    from loghouse.query.ast import Compare, Key, Value, all_of
    from loghouse.rules.alertmanager import DEFAULT_URL, Alertmanager

    found = Alertmanager(address or DEFAULT_URL).alerts([f"alertname={json.dumps(name)}"], suppressed=True)
    if not found:
        raise UsageError(f'no alert "{name}" fires', "See what does with: logq alerts")
    alert, query = found[0], selected.query
    of_alert = parse(alert.annotations.get("query", ""))
    filters = [each for each in (of_alert.filter, query.filter) if each is not None]
    if "query" not in alert.annotations:
        filters += [
            Compare(Key(place), "==", Value(alert.labels[place]))
            for place in _PLACES
            if alert.labels.get(place)
        ]
    window = TimeRange(alert.starts - AROUND, min(selected.now_ns, alert.starts + AROUND))
    return replace(
        selected,
        query=replace(
            query,
            filter=all_of(filters) if filters else None,
            stages=(*of_alert.stages, *query.stages),
        ),
        window=selected.window if keep_window else window,
    )


def _told(alert: Listed, now_ns: int) -> Iterator[str]:
    from loghouse.render.escapes import one_line

    labels = {name: text for name, text in alert.labels.items() if name not in ("alertname", "severity")}
    state = "" if alert.state == "active" else f" ({alert.state})"
    yield (
        f"{_age(now_ns - alert.starts):>6}  {alert.labels.get('severity', '-'):<8}  "
        f"{one_line(alert.labels.get('alertname', '-'))}{state}  {_labels(labels)}".rstrip()
    )
    summary = alert.annotations.get("summary")
    if summary:
        yield f"        {one_line(summary)}"
    for sample in alert.annotations.get("samples", "").splitlines():
        yield f"        | {one_line(sample)}"
    name = alert.labels.get("alertname", "")
    yield f"        {one_line(alert.annotations.get('logq') or f'logq search --alert {shlex.quote(name)}')}"


def _labels(labels: dict[str, str]) -> str:
    from loghouse.render.escapes import one_line

    return " ".join(f"{name}={one_line(text)}" for name, text in sorted(labels.items()))


def _as_json(alert: Listed) -> Sequence[str]:
    from loghouse.rules.alertmanager import rfc3339

    whole = {
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "starts": rfc3339(alert.starts),
        "state": alert.state,
        "link": alert.link,
    }
    return [json.dumps(whole)]


def _age(nanoseconds: int) -> str:
    seconds = max(0, nanoseconds // SECOND)
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
