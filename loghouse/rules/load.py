"""Reads rule files; every mistake is told with its place, not only the first."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from loghouse.errors import QueryError, UsageError
from loghouse.query import Query, TimeRange, compile, is_live, parse
from loghouse.query.suggest import did_you_mean
from loghouse.query.timerange import DAY, HOUR, MINUTE, SECOND
from loghouse.rules import rule as defaults
from loghouse.rules.conditions import (
    Bounds,
    Cardinality,
    Condition,
    Frequency,
    NewValue,
    Percentage,
    Silence,
    Spike,
)
from loghouse.rules.document import Mistake, Section, Value, read
from loghouse.rules.labels import label_name
from loghouse.rules.rule import Recording, Rule, RuleSet

SUFFIXES = (".yml", ".yaml")
MAX_SERIES = 10_000
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_RESERVED = ("alertname", "severity", "alertstate")
# Conditions that need no figures.
_PLAIN: Mapping[str, Condition] = {"any": Frequency(Bounds(above=0)), "silence": Silence()}
_EXAMPLE = "Write it like  condition: {frequency: {above: 100}}"


@dataclass(slots=True)
class Loaded:
    """What files hold, and what is wrong in them."""

    rules: list[Rule] = field(default_factory=list)
    recordings: list[Recording] = field(default_factory=list)
    mistakes: list[UsageError] = field(default_factory=list)
    names: set[str] = field(default_factory=set)

    @property
    def rule_set(self) -> RuleSet:
        """All the rules; raises the first mistake."""
        if self.mistakes:
            raise self.mistakes[0]
        return RuleSet(tuple(self.rules), tuple(self.recordings))


def load(paths: Iterable[Path]) -> Loaded:
    """The rules of files, and of the .yml and .yaml files of directories."""
    loaded = Loaded()
    for path in paths:
        files = (
            sorted(file for file in path.iterdir() if file.suffix in SUFFIXES) if path.is_dir() else [path]
        )
        if not files:
            loaded.mistakes.append(UsageError(f"{path} has no rule files", f"They end in {SUFFIXES[0]}"))
        for file in files:
            try:
                top = read(file)
                if top is not None:
                    _read_file(top, loaded)
            except UsageError as mistake:
                loaded.mistakes.append(mistake)
    return loaded


def _read_file(top: Section, loaded: Loaded) -> None:
    rules, recordings = top.get("rules"), top.get("recordings")
    top.finish()
    for entry, read_one in ((rules, _read_rule), (recordings, _read_recording)):
        for item in entry.items() if entry else ():
            try:
                read_one(item, loaded)
            except Mistake as mistake:
                loaded.mistakes.append(mistake)


def _read_rule(value: Value, loaded: Loaded) -> None:
    section = value.section()
    name = _name(section, loaded, _LABEL, "letters, digits and _")
    query = _query(section.need("query"))
    by = _fields(section.get("by"))
    window = _positive(section.need("window"))
    every = _time(section, "every", defaults.EVERY)
    if every < SECOND or every % SECOND:
        raise section.need("every").mistake("every must be whole seconds")
    if window % SECOND:
        raise section.need("window").mistake("window must be whole seconds")
    condition = _condition(section.need("condition"), by)
    names = (*by, condition.field) if isinstance(condition, NewValue) else by
    labels = _labels(section, (*_RESERVED, *map(label_name, names)))
    made = Rule(
        name=name,
        query=query,
        condition=condition,
        window=window,
        by=by,
        every=every,
        hold=_time(section, "for", 0),
        delay=_time(section, "delay", defaults.DELAY),
        late=_late(section, every),
        severity=_severity(section),
        labels=labels,
        annotations=_texts(section.get("annotations"), ()),
        place=str(value.mistake("").where),
    )
    section.finish()
    loaded.rules.append(made)


def _read_recording(value: Value, loaded: Loaded) -> None:
    section = value.section()
    name = _name(section, loaded, _METRIC, "letters, digits, _ and :")
    source = section.need("query")
    query = _parsed(source)
    compiled = compile(query, TimeRange(0, MINUTE), now_ns=MINUTE)
    if compiled.kind != "table" or "number" not in compiled.kinds:
        raise source.mistake(
            "a recording needs a query that ends in figures",
            "Write it like  error | stats count() by namespace",
        )
    if any(kind in ("time", "list") for kind in compiled.kinds):
        raise source.mistake(
            "a recording cannot have times or lists", "Group by fields only, without _time:5m"
        )
    limit = section.get("limit")
    most = defaults.SERIES if limit is None else _whole(limit, MAX_SERIES)
    made = Recording(
        name=name,
        query=query,
        window=_positive(section.need("window")),
        every=_time(section, "every", defaults.EVERY),
        delay=_time(section, "delay", defaults.DELAY),
        limit=most,
        labels=_labels(section, tuple(map(label_name, compiled.columns))),
        place=str(value.mistake("").where),
    )
    section.finish()
    loaded.recordings.append(made)


def _name(section: Section, loaded: Loaded, wanted: re.Pattern[str], allowed: str) -> str:
    value = section.need("name")
    name = value.text()
    if not wanted.fullmatch(name) or len(name) > 100:
        raise value.mistake(f'"{name}" cannot name a rule', f"Take up to 100 {allowed}")
    if name in loaded.names:
        raise value.mistake(f'there are two rules "{name}"')
    loaded.names.add(name)
    return name


def _parsed(value: Value, prefix: str = "") -> Query:
    """The query in a value, tried without a store; the mistake points into its text."""
    text = value.text()
    try:
        query = parse(prefix + text)
        compile(query, TimeRange(0, MINUTE), now_ns=MINUTE)
    except QueryError as error:
        moved = QueryError(
            error.message,
            text,
            max(0, error.start - len(prefix)),
            max(0, error.end - len(prefix)),
            error.hint,
        )
        raise value.inside(moved) from None
    except UsageError as error:
        raise value.mistake(error.message, error.hint) from None
    return query


def _query(value: Value) -> Query:
    query = _parsed(value)
    if not is_live(query):
        stage = next(stage for stage in query.stages if not stage.live)
        raise value.inside(
            stage.span.error(
                "a rule counts records, it cannot make a table of them",
                "Leave this stage out; what to count is said by condition, window and by",
            )
        )
    return query


def _fields(value: Value | None) -> tuple[str, ...]:
    if value is None:
        return ()
    fields = tuple(_field(item) for item in value.items())
    names = [label_name(item) for item in fields]
    for name in names:
        if names.count(name) > 1 or name in _RESERVED:
            raise value.mistake(f'two labels of the alert would be called "{name}"')
    return fields


def _field(value: Value) -> str:
    text = value.text()
    if any(sign in text for sign in "|,:()") and "`" not in text:
        raise value.mistake(f'"{text}" is not the name of one field', "Odd names stand in backticks: `a b`")
    _parsed(value, prefix="| stats count() by ")
    return text


def _condition(value: Value, by: Sequence[str]) -> Condition:
    """`any`, `silence`, or a mapping with one key and what belongs to it."""
    readers: Mapping[str, Callable[[Section], Condition]] = {
        "frequency": lambda section: Frequency(_bounds(section)),
        "percentage": _percentage,
        "spike": _spike,
        "silence": lambda section: Silence(_time(section, "over", DAY)),
        "new_value": lambda section: _new_value(section, by),
        "cardinality": lambda section: Cardinality(_field(section.need("field")), _bounds(section)),
    }
    if value.is_text:
        kind, details = value, None
    else:
        pairs = list(value.section().pairs())
        if len(pairs) != 1:
            raise value.mistake("a condition is one of its kinds", _EXAMPLE)
        kind, details = pairs[0]
    name = kind.text()
    if name not in readers and name not in _PLAIN:
        known = [*_PLAIN, *readers]
        raise kind.mistake(
            f'unknown condition "{name}"{did_you_mean(name, known)}', f"Conditions: {', '.join(known)}"
        )
    if details is None or name not in readers:
        if name not in _PLAIN:
            raise kind.mistake(f"{name} needs to be told how much", _EXAMPLE)
        return _PLAIN[name]
    section = details.section()
    condition = readers[name](section)
    section.finish()
    return condition


def _bounds(section: Section) -> Bounds:
    above, below = section.get("above"), section.get("below")
    if above is None and below is None:
        raise section.value.mistake('"above" or "below" is missing', _EXAMPLE)
    return Bounds(above.number() if above else None, below.number() if below else None)


def _percentage(section: Section) -> Percentage:
    least = section.get("at_least")
    return Percentage(_query(section.need("of")), _bounds(section), least.number() if least else 1)


def _spike(section: Section) -> Spike:
    times, least, direction = section.need("times"), section.get("at_least"), section.get("direction")
    if times.number() <= 1:
        raise times.mistake("times must be more than 1")
    if direction is not None and direction.text() not in ("up", "down"):
        raise direction.mistake("direction is up or down")
    return Spike(
        times.number(),
        _time(section, "over", HOUR),
        least.number() if least else 10,
        down=direction is not None and direction.text() == "down",
    )


def _new_value(section: Section, by: Sequence[str]) -> NewValue:
    name = section.need("field")
    field_ = "pattern" if name.text() == "pattern" else _field(name)
    if field_ == "pattern" and by:
        raise name.mistake("new patterns cannot be grouped", 'Leave out "by", and narrow the query instead')
    return NewValue(field_, _time(section, "memory", 7 * DAY))


def _severity(section: Section) -> str:
    value = section.get("severity")
    if value is None:
        return "warning"
    if not _LABEL.fullmatch(value.text()):
        raise value.mistake("severity is one word, such as warning or critical")
    return value.text()


def _late(section: Section, every: int) -> int:
    """The second look, at a whole number of ticks later; 0 is none."""
    late = _time(section, "late", defaults.LATE)
    return -(-late // every) * every


def _labels(section: Section, taken: tuple[str, ...]) -> dict[str, str]:
    value = section.get("labels")
    if value is None:
        return {}
    for name, _ in value.section().pairs():
        if not _LABEL.fullmatch(name.text()) or name.text().startswith("__"):
            raise name.mistake(f'"{name.text()}" cannot name a label', "Take letters, digits and _")
    return _texts(value, taken)


def _texts(value: Value | None, taken: tuple[str, ...]) -> dict[str, str]:
    if value is None:
        return {}
    texts = {}
    for name, text in value.section().pairs():
        if name.text() in taken:
            raise name.mistake(f'the label "{name.text()}" is set already')
        texts[name.text()] = text.text()
    return texts


def _time(section: Section, name: str, default: int) -> int:
    value = section.get(name)
    return default if value is None else value.duration()


def _positive(value: Value) -> int:
    if value.duration() <= 0:
        raise value.mistake(f"{value.name} must be longer than nothing")
    return value.duration()


def _whole(value: Value, most: int) -> int:
    number = value.number()
    if not 1 <= number <= most or number != int(number):
        raise value.mistake(f"{value.name} must be a whole number from 1 to {most}")
    return int(number)
