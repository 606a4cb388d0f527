"""The labels of a pod, kept as one JSON text with each of its records.

The records of a pod share the text, so it is a number in a dictionary for each of them, where a map would be two for
each label: to copy, to sort and to write those was a thirtieth of an insert. And ClickHouse computes `JSON_VALUE` and
`JSON_EXISTS` for the dictionary only, whose result it then looks up.
"""

import json
from collections.abc import Callable, Mapping
from functools import lru_cache

Bind = Callable[[object, str], str]

COLUMN = "labels_json"  # '' where there are no labels
MAP = f"JSONExtract({COLUMN}, 'Map(String, String)')"
VALUES = f"arrayMap(p -> p.2, JSONExtractKeysAndValues({COLUMN}, 'String'))"
AS_OBJECT = f"if({COLUMN} = '', '{{}}', {COLUMN})"


def labels_as_json_sql() -> str:
    """SQL for the text of the map `labels`. Of a text that is not UTF-8 no label could be read."""
    # By default, which is what the view sets, every slash has a backslash, so there is no other `\/` in it.
    return "if(empty(labels), '', replaceAll(toValidUTF8(toJSONString(labels)), '\\\\/', '/'))"


def label_text(name: str, bind: Bind) -> str:
    """SQL for the value of a label, '' when it is absent."""
    return f"JSON_VALUE({COLUMN}, {bind(_path(name), 'String')})"


def label_exists(name: str, bind: Bind) -> str:
    """SQL that is true when there is such a label, even an empty one."""
    return f"JSON_EXISTS({COLUMN}, {bind(_path(name), 'String')})"


@lru_cache(1024)
def labels_of(text: str) -> Mapping[str, str]:
    """The labels of a record whose column holds this text. They are shared by all of it: not to be changed."""
    return json.loads(text) if text else {}


def _path(name: str) -> str:
    """A JSONPath to the member of this name."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'$."{escaped}"'
