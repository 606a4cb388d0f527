"""The filter that command line options make: -n, -p, -c, -l, -L."""

from collections.abc import Iterable

from loghouse.errors import UsageError
from loghouse.query.ast import Compare, Filter, Glob, Has, In, Key, Value, all_of, any_of
from loghouse.query.lateregex import late_regex
from loghouse.query.levels import SPELLINGS, level_number
from loghouse.query.suggest import did_you_mean
from loghouse.record import LEVELS

_LABEL = late_regex(r"([A-Za-z0-9_][A-Za-z0-9_./@-]*)\s*(?:(!=|==|=)\s*(.*))?")


def scope_filter(
    namespaces: Iterable[str] = (),
    pods: Iterable[str] = (),
    containers: Iterable[str] = (),
    labels: Iterable[str] = (),
    levels: Iterable[str] = (),
) -> Filter | None:
    """All the options at once, None without any.

    Values of one option are alternatives, different options and different labels narrow each other. Names
    may hold `*`. A label is `app=web`, `app!=web`, `app` (has it) or several with commas. A level means it
    and all above; `=info` means that one only.
    """
    parts: list[Filter] = []
    for column, names in (("namespace", namespaces), ("pod", pods), ("container", containers)):
        wanted = [_named(Key(column), name) for name in names]
        if wanted:
            parts.append(any_of(wanted))
    for label in labels:
        parts.extend(_label(part.strip()) for part in label.split(","))
    wanted = [_level(level) for level in levels]
    if wanted:
        parts.append(any_of(wanted))
    return all_of(parts) if parts else None


def _named(key: Key, name: str) -> Filter:
    if not name:
        raise UsageError(f"the name of the {key} is empty")
    return Glob(key, tuple(name.split("*"))) if "*" in name else Compare(key, "==", Value(name))


def _label(text: str) -> Filter:
    match = _LABEL.fullmatch(text)
    if match is None:
        raise UsageError(f'"{text}" is not a label', "Write it like app=web, app!=web or app")
    key, operator, value = Key(match.group(1), "label"), match.group(2), match.group(3) or ""
    if operator is None:
        return Has(key)
    if operator == "!=":
        return In(key, (Value(value),), negated=True)
    return _named(key, value) if value else Compare(key, "==", Value(""))


def _level(text: str) -> Filter:
    name = text.removeprefix("=").removesuffix("+")
    number = level_number(name)
    if number is None:
        raise UsageError(
            f'"{text}" is not a level{did_you_mean(name, SPELLINGS)}', f"Levels: {', '.join(LEVELS[1:])}"
        )
    return Compare(Key("level"), "==" if text.startswith("=") else ">=", Value(LEVELS[number]))
