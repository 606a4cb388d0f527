"""What an alert says of its records: three of them, their most frequent pattern, how to see all."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from urllib.parse import quote

from loghouse.errors import LoghouseError, QueryError
from loghouse.query import Query, TimeRange, parse
from loghouse.query.spelling import quoted
from loghouse.query.timerange import SECOND
from loghouse.render.escapes import decoded, one_line
from loghouse.rules.conditions import NewValue, Silence
from loghouse.rules.counting import Counting, Group, slice_of
from loghouse.rules.evaluate import Change
from loghouse.rules.labels import label_name, label_text
from loghouse.rules.rule import Rule
from loghouse.store.client import Store

SAMPLES = 3
_LONGEST = 300  # characters of a sample
_LOOKED_AT = 1000  # records among which the most frequent pattern is looked for

_PLACE = re.compile(r"\{([\w.~`-]+)\}")


def labels_of(rule: Rule, group: Group) -> dict[str, str]:
    """The labels of the alert of a group; together they are its identity."""
    names = (*rule.by, rule.condition.field) if isinstance(rule.condition, NewValue) else rule.by
    grouped = {label_name(name): label_text(text) for name, text in zip(names, group, strict=True)}
    return {"alertname": rule.name, "severity": rule.severity, **rule.labels, **grouped}


def narrowed(rule: Rule, group: Group) -> Query:
    """The rule's query with what its group is."""
    names, texts = rule.by, group
    if isinstance(rule.condition, NewValue) and rule.condition.field != "pattern":
        names = (*rule.by, rule.condition.field)
    wheres = [
        f"| where {name} == {quoted(text)}" if text else f"| where missing({name})"
        for name, text in zip(names, texts, strict=False)
    ]
    return parse(" ".join([str(rule.query), *wheres]))


def annotations_of(store: Store, rule: Rule, change: Change, link: str) -> dict[str, str]:
    """The texts of an alert that fires. What the store does not answer is left out and said so."""
    try:
        query = narrowed(rule, change.group)
    except QueryError:  # a group whose text makes the query too long
        query = rule.query
    range_ = TimeRange(change.tick - rule.window, change.tick)
    start, end = (_iso(edge) for edge in (range_.start - rule.window, range_.end + rule.window))
    said = {
        "value": figure(change.value),
        "query": str(query),
        "logq": f"logq search --from {start} --to {end} {shlex.quote(str(query))}",
    }
    if link:
        facts = {"query": str(query), "from": start, "to": end}
        said["link"] = _filled(link, lambda name: quote(facts[name], safe="") if name in facts else None)
    try:
        said |= _samples(store, rule, change, query, range_)
    except LoghouseError as error:
        said["samples"] = f"(the records could not be read: {error.message})"
    facts = {**said, **labels_of(rule, change.group)}
    said |= {name: _filled(text, facts.get) for name, text in rule.annotations.items()}
    said.setdefault(
        "summary", f"{rule.name}: {said['value']} in {round((range_.end - range_.start) / SECOND)} s"
    )
    return said


def figure(value: float) -> str:
    """A number as people read it."""
    return f"{value:.0f}" if value == int(value) else f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


def _samples(store: Store, rule: Rule, change: Change, query: Query, range_: TimeRange) -> Mapping[str, str]:
    if isinstance(rule.condition, Silence):
        return {}
    counting = Counting(store)
    if isinstance(rule.condition, NewValue) and rule.condition.field == "pattern":
        pattern = change.group[-1]
        stages = f"| patterns | where pattern == {quoted(pattern)} | fields sample"
        samples = [_line(row[0]) for row in counting.rows(query, stages, range_, 1)]
        return {"pattern": one_line(pattern), "samples": "\n".join(samples)}
    # Of millions of records only the newest are sorted; if those come unevenly, all of them.
    part = slice_of(range_, change.value, 20 * _LOOKED_AT)
    rows = counting.rows(query, "", part, SAMPLES) or counting.rows(query, "", range_, SAMPLES)
    if not rows:
        return {}
    newest = [_record(row) for row in reversed(rows)]
    found = counting.rows(query, f"| limit {_LOOKED_AT} | patterns | limit 1", part)
    top = one_line(decoded(found[0][0]))[:_LONGEST] if found else ""
    return {"samples": "\n".join(newest), **({"pattern": top} if top else {})}


def _record(row: tuple[object, ...]) -> str:
    time, _, namespace, pod, *_ = row
    return f"{_iso(int(str(time)))} {namespace}/{pod} {_line(row[10])}"


def _line(message: object) -> str:
    text = one_line(decoded(message if isinstance(message, bytes) else str(message)))
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _iso(nanoseconds: int) -> str:
    return datetime.fromtimestamp(nanoseconds // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _filled(template: str, value: Callable[[str], str | None]) -> str:
    """The text with `{name}` replaced; names that nothing stands for stay as they are."""

    def put(found: re.Match[str]) -> str:
        text = value(found[1])
        return found[0] if text is None else text

    return _PLACE.sub(put, template)
