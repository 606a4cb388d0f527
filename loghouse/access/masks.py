"""Fields that somebody may not see: taken out of the records before his query looks at them.

A mask on the way out would not do: whoever may ask `card=4111*` and count the answers can read the field. So
the query gets, in place of the table, a subquery in which the values are not there any more.
"""

# ruff: noqa: S608 - names of masked fields are checked where they are read, and quoted here

from __future__ import annotations

import re
from collections.abc import Sequence

from loghouse.errors import UsageError
from loghouse.formats.fields import field_text, message_sql, text_fields_sql, words_sql
from loghouse.formats.labels import COLUMN as LABELS
from loghouse.formats.labels import MAP as LABELS_MAP
from loghouse.formats.view import quoted

HIDDEN = "***"
TABLE = "logs"
PLACE = "_part, _partition_id, _block_number"  # what a tail asks for besides

_FIELD = re.compile(r"~?[A-Za-z0-9_@][A-Za-z0-9_.@/-]{0,199}")
# Keys that JSON spells with escapes could be any key; such records are hidden as a whole.
_ESCAPED_KEY = r'"[^"\\]*\\[^"]*"\s*:'


def check_mask(name: str) -> str:
    """The name itself: a field, or a label as `~name`. Raises `UsageError`."""
    if not _FIELD.fullmatch(name):
        raise UsageError(f'"{name}" is not the name of a field', "Write it like user.email or ~owner")
    return name


def masked_table(masks: Sequence[str]) -> str:
    """What to select from: the table, or a subquery with its columns in which the fields are hidden."""
    if not masks:
        return TABLE
    fields = [name for name in masks if not name.startswith("~")]
    labels = [name[1:] for name in masks if name.startswith("~")]
    hidden = f"SELECT * EXCEPT (raw, words, numbers, {LABELS}), {PLACE}, {_raw(fields)} AS raw, "
    hidden += f"{_without('numbers', fields)} AS numbers, {_labels(labels)} AS {LABELS} FROM {TABLE}"
    computed = f"{message_sql()} AS message, {text_fields_sql()} AS strings, {words_sql()} AS words"
    return f"(SELECT *, {computed}, toUInt32(overhead + length(raw)) AS length FROM ({hidden}))"


def _without(column: str, names: Sequence[str]) -> str:
    """A map without these keys, and without longer ones that begin with them and a dot."""
    if not names:
        return column
    listed = ", ".join(map(quoted, names))
    inside = " OR ".join(f"startsWith(k, {quoted(name + '.')})" for name in names)
    ends = " OR ".join(f"endsWith(k, {quoted('.' + name)})" for name in names)
    return f"mapFilter((k, v) -> NOT (k IN ({listed}) OR {inside} OR {ends}), {column})"


def _labels(names: Sequence[str]) -> str:
    return f"toJSONString({_without(LABELS_MAP, names)})" if names else LABELS


def _raw(fields: Sequence[str]) -> str:
    if not fields:
        return "raw"
    json = "raw"
    for name in fields:
        json = _hidden_in_json(json, name)
    text = json  # lines of text may end with objects
    for name in fields:
        text = _hidden_in_pairs(text, name)
    for name in fields:
        value = field_text(name, lambda constant, _: quoted(str(constant)))
        text = f"replaceAll({text}, {value}, {quoted(HIDDEN)})"  # nothing is replaced where there is no value
    escaped = f"match(raw, {quoted(_ESCAPED_KEY)})"
    return f"multiIf({escaped}, {quoted(HIDDEN)}, format = 'json', {json}, {text})"


def _hidden_in_json(sql: str, name: str) -> str:
    """The value behind the key, wherever it is nested; an object or a list hides what follows as well.

    Of a dotted name the last part is hidden, and keys that end with a dot and the name.
    """
    keys = "|".join(re.escape(key) for key in dict.fromkeys((name, name.rpartition(".")[2])))
    key = rf'("(?:[^"\\]*\.)?(?:{keys})"\s*:\s*)'
    scalar = rf'{key}(?:"(?:[^"\\]|\\.)*"|[^\s"{{\[,}}\]]+)'
    nested = rf"(?s){key}[{{\[].*"
    simple = (
        f"replaceRegexpAll({sql}, {quoted(scalar)}, {quoted(chr(92) + '1' + chr(34) + HIDDEN + chr(34))})"
    )
    return (
        f"replaceRegexpAll({simple}, {quoted(nested)}, {quoted(chr(92) + '1' + chr(34) + HIDDEN + chr(34))})"
    )


def _hidden_in_pairs(sql: str, name: str) -> str:
    pair = rf'(\b{re.escape(name)}"?\s*=\s*)("(?:[^"\\]|\\.)*"?|[^\s,;]+)'
    return f"replaceRegexpAll({sql}, {quoted(pair)}, {quoted(chr(92) + '1' + HIDDEN)})"
