"""The fields that stages added to records: columns of their own, and texts whose fields are unpacked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from loghouse.formats.fields import json_pairs_sql
from loghouse.query.ast import Key
from loghouse.query.columns import column_of
from loghouse.query.levels import level_number_sql
from loghouse.query.params import Params
from loghouse.query.relation import Column, Expression
from loghouse.query.subjects import reading
from loghouse.query.subjects.reading import Reading
from loghouse.record import LEVELS

# Columns of a record that show the value a stage gave to a field of that name.
_REPLACEABLE = ("namespace", "pod", "container", "node", "workload", "stream", "message")
_NUMBER = "'^-?(0|[1-9][0-9]{0,14})([.][0-9]{1,9})?$'"


class Unpacked(Struct, frozen=True):
    """A text of JSON or `key=value` pairs whose fields stand beside the record's own."""

    text: str
    form: Literal["json", "logfmt"]
    prefix: str = ""

    def json_of(self, name: str, params: Params) -> str:
        """SQL: the JSON text of a field, '' where there is none."""
        inner = name.removeprefix(self.prefix)
        if self.form == "logfmt":
            pairs, key = pairs_sql(self.text), params.text(inner)
            return f"if(mapContains({pairs}, {key}), toJSONString({pairs}[{key}]), '')"
        literal = f"JSONExtractRaw({self.text}, {params.text(inner)})"
        parts = inner.split(".")
        if len(parts) == 1:
            return literal
        nested = f"JSONExtractRaw({self.text}, {', '.join(map(params.text, parts))})"
        return f"if({nested} != '', {nested}, {literal})"

    def all_fields(self, params: Params) -> str:
        """SQL: a map of all of them to their JSON text."""
        prefix = params.text(self.prefix)
        if self.form == "logfmt":
            pairs = pairs_sql(self.text)
            return f"mapApply((k, v) -> (concat({prefix}, k), {_json_text('v')}), {pairs})"
        pairs = json_pairs_sql(self.text)
        return f"CAST(arrayMap(p -> (concat({prefix}, p.1), p.2), {pairs}), 'Map(String, String)')"


class Layers(Struct, frozen=True):
    """Columns and unpacked texts, the oldest first. A column hides an unpacked field, whoever came first."""

    columns: tuple[Column, ...] = ()
    unpacked: tuple[Unpacked, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()

    def column(self, key: Key) -> Column | None:
        """The column that a key means; an error if the field got another name."""
        if key.kind == "literal" and column_of(Key(key.name)) is not None:
            return None
        names = (key.name if key.kind == "literal" else str(key), shown_name(key))
        for name in dict.fromkeys(names):
            for old, new in reversed(self.renamed):
                if old == name:
                    raise key.span.error(f'"{old}" is called "{new}" since the stage before', f"Write: {new}")
            for column in reversed(self.columns):
                if column.name == name:
                    return column
        return None

    def reading(self, name: str, params: Params) -> Reading:
        """How a field that no column hides is read."""
        found = reading.own(name, params)
        for unpacked in self.unpacked:
            if name.startswith(unpacked.prefix) and name != unpacked.prefix:
                found = reading.unpacked(unpacked.json_of(name, params), found)
        return found

    def with_column(self, column: Column) -> Layers:
        """One more column, in place of what had its name."""
        renamed = tuple(pair for pair in self.renamed if pair[0] != column.name)
        return replace(self, columns=(*self.columns, column), renamed=renamed)

    def with_unpacked(self, unpacked: Unpacked) -> Layers:
        """One more text."""
        return replace(self, unpacked=(*self.unpacked, unpacked))

    def without(self, old: str, new: str) -> Layers:
        """The field `old` is called `new` from now on."""
        return replace(self, renamed=(*self.renamed, (old, new)))

    def sql_names(self) -> Iterator[str]:
        """The names in SQL of everything that subqueries have to hand on."""
        yield from (column.sql for column in self.columns)
        yield from (unpacked.text for unpacked in self.unpacked)

    def names(self) -> tuple[str, ...]:
        """The names of the columns people see."""
        hidden = {old for old, _ in self.renamed}
        return tuple(dict.fromkeys(column.name for column in self.columns if column.name not in hidden))

    def output(self, params: Params) -> Mapping[str, str]:
        """SQL for those columns of a `Record` that show something that stages made."""
        visible = {column.name: column for column in self.columns if column.name in self.names()}
        found = {name: as_text(visible.pop(name)) for name in _REPLACEABLE if name in visible}
        if "level" in visible:
            found["level"] = _level_name(visible.pop("level"))
        maps = [unpacked.all_fields(params) for unpacked in self.unpacked]
        if visible:
            pairs = ", ".join(f"{params.text(name)}, {_as_json(column)}" for name, column in visible.items())
            maps.append(f"map({pairs})")
        if maps:
            merged = maps[0]
            for more in maps[1:]:
                merged = f"mapUpdate({merged}, {more})"
            found["made"] = f"mapFilter((k, v) -> v != '', {merged})"
        return found


def shown_name(key: Key) -> str:
    """The name a renderer knows a field by: columns by their own name, labels as `~label`."""
    return column_of(key) or key.shown


def pairs_sql(text: str) -> str:
    """SQL: the `key=value` pairs of a text, as a map."""
    return f"extractKeyValuePairs({text}, '=', ' ,;\\t', '\"')"


def as_text(value: Column | Expression) -> str:
    """SQL: the value as it stands in a text, '' where there is none."""
    match value.kind:
        case "text":
            return value.sql
        case "time":
            stamp = f"toString(fromUnixTimestamp64Nano({value.sql}, 'UTC'))"
            return f"ifNull(concat(replaceOne({stamp}, ' ', 'T'), 'Z'), '')"
    return f"ifNull(toString({value.sql}), '')"


def _as_json(column: Column) -> str:
    """SQL: the JSON text of the value, '' where there is none."""
    match column.kind:
        case "text":
            return _json_text(column.sql)
        case "number":
            return f"ifNull(toJSONString({column.sql}), '')"
    return f"if({as_text(column)} = '', '', toJSONString({as_text(column)}))"


def _json_text(text: str) -> str:
    """SQL: a text as JSON; a plain number stays one, as in the record's own fields."""
    return f"multiIf({text} = '', '', match({text}, {_NUMBER}), {text}, toJSONString({text}))"


def _level_name(column: Column) -> str:
    if column.kind == "level":
        return f"toString({column.sql})"
    names = ", ".join(f"'{name}'" for name in LEVELS)
    return f"[{names}][{level_number_sql(as_text(column))} + 1]"
