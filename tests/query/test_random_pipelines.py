"""Random chains of stages that make fields: printed, read again and run, they give what Python computes."""

import json
import re
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from query.records import END, NOW, ROWS, START, Row

from loghouse.query import TimeRange, compile, parse
from loghouse.record import Record
from loghouse.store.client import Store

Fields = dict[str, Any]
Step = Callable[[Row, Fields], bool]  # changes the fields of a record; False: the record is left out

NAMES = ("n1", "n2", "n3")
OPERATIONS: dict[str, Callable[[float, float], float]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
}


def number(row: Row, fields: Fields, name: str) -> float | None:
    """A made number, or the length of the message."""
    return float(len(row.message)) if name == "length(message)" else fields.get(name)


@st.composite
def pipelines(draw: st.DrawFn) -> tuple[str, list[Step]]:
    """A query and what its stages do."""
    stages: list[str] = []
    steps: list[Step] = []
    known: list[str] = []
    for _ in range(draw(st.integers(1, 6))):
        source = draw(st.sampled_from(["length(message)", *known]))
        target, amount = draw(st.sampled_from(NAMES)), draw(st.integers(0, 40))
        kind = draw(
            st.sampled_from(["eval", "if", "regexp", *(("where", "rename", "copy") if known else ())])
        )
        old = draw(st.sampled_from(known)) if known else ""
        match kind:
            case "eval":
                sign = draw(st.sampled_from(sorted(OPERATIONS)))
                stages.append(f"eval {target} = {source} {sign} {amount}")
                steps.append(_eval(target, source, OPERATIONS[sign], amount))
            case "if":
                stages.append(f"eval {target} = if (level >= error) {amount} else {source}")
                steps.append(_choose(target, source, amount))
            case "regexp":
                stages.append("regexp '(?P<word>[a-z]{4,})' | where has(word)")
                steps.append(_word)
            case "where":
                stages.append(f"where {old} > {amount}")
                steps.append(_where(old, amount))
            case _:
                stages.append(f"{kind} {old} as {target}")
                steps.append(_copy(old, target, kind == "rename"))
        if kind in ("eval", "if", "rename", "copy"):
            known = [name for name in known if name != target and not (kind == "rename" and name == old)]
            known.append(target)
    return "* | " + " | ".join(stages), steps


def _eval(target: str, source: str, operation: Callable[[float, float], float], amount: int) -> Step:
    def step(row: Row, fields: Fields) -> bool:
        value = number(row, fields, source)
        fields[target] = None if value is None else operation(value, amount)
        return True

    return step


def _choose(target: str, source: str, amount: int) -> Step:
    def step(row: Row, fields: Fields) -> bool:
        fields[target] = float(amount) if row.severity >= 6 else number(row, fields, source)
        return True

    return step


def _where(name: str, amount: int) -> Step:
    return lambda row, fields: fields[name] is not None and fields[name] > amount


def _copy(old: str, new: str, moved: bool) -> Step:
    def step(row: Row, fields: Fields) -> bool:
        value = fields.pop(old) if moved else fields[old]
        fields[new] = value
        return True

    return step


def _word(row: Row, fields: Fields) -> bool:
    found = re.search("[a-z]{4,}", row.message)
    fields["word"] = found[0] if found else None
    return found is not None


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(pipelines())
def test_made_fields_are_what_python_computes(store: Store, pipeline: tuple[str, list[Step]]) -> None:
    text, steps = pipeline
    query = parse(text)
    assert parse(str(query)) == query
    compiled = compile(parse(str(query)), TimeRange(START, END), limit=None, now_ns=NOW)
    records = (Record(*row) for row in store.rows(compiled.sql, compiled.params, compiled.settings))
    found = {record.source_id: {k: json.loads(v) for k, v in record.made.items()} for record in records}
    expected: dict[int, Fields] = {}
    for row in ROWS:
        fields: Fields = {}
        if all(step(row, fields) for step in steps):
            expected[row.id] = {name: value for name, value in fields.items() if value is not None}
    assert found == expected
