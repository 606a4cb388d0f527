"""Fields of a record at read time, taken out of `raw`: what is not a number is stored once, in the text itself."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from loghouse.formats.catalogue import PACKS
from loghouse.formats.pack import Pack
from loghouse.formats.view import listed, quoted

Bind = Callable[[object, str], str]

DEPTH = 4  # levels of nested JSON objects that become dotted keys

# Where the text a person reads first stands in a JSON record, the most usual first.
MESSAGE_KEYS = ("message", "msg", "log", "body", "text", "@message", "MESSAGE", "Message", "event", "error")

_PLAIN_KEY = re.compile(r"[A-Za-z0-9_@.:-]+")
_WORD = re.compile(r"[a-z0-9]+")


def field_text(key: str, bind: Bind, named: bool = False) -> str:
    """SQL for the text of a field of the record, '' when it is absent.

    `bind(value, type)` registers a query parameter and returns its placeholder: the key never enters the SQL.
    Strings come decoded, arrays and objects as JSON, numbers as they are written in JSON's shortest form. With
    `named` it is for records of which `field_key_present` holds, and faster there.
    """
    of_packs = [pack for pack in PACKS if key in pack.fields]
    texts = [_json_text(key, bind, all_of_them=named and not of_packs)]
    if of_packs:
        groups = ", ".join(
            f"format = '{pack.name}', extractGroups(raw, {quoted(pack.regex)})[{pack.fields.index(key) + 1}]"
            for pack in of_packs
        )
        texts.append(f"multiIf({groups}, '')")
    texts.append(_of_few([*_literal_keys(key, bind), *_monolog_keys(key, bind), _pair(key, bind, of_packs)]))
    # All of them but one are empty. To choose one lazily would make a copy of the records first, which only
    # an expression of a pack is worth.
    return f"concat({', '.join(texts)})"


def field_exists(key: str, bind: Bind) -> str:
    """SQL that is true when the record has the field, whatever its value (JSON null as well)."""
    branches = [f"format = 'json', {_json_has(key, bind)}"]
    branches += [
        f"format = '{pack.name}', {field_text(key, bind)} != ''" for pack in PACKS if key in pack.fields
    ]
    if key.startswith(("context.", "extra.")):
        branches.append(f"format = 'monolog', {field_text(key, bind)} != ''")
    pairs = _pairs(f"if({_pair(key, bind, ()).records}, raw, '')")
    return f"multiIf({', '.join(branches)}, mapContains({pairs}, {bind(key, 'String')}))"


def field_key_present(key: str, bind: Bind) -> str:
    """SQL that is true of all records that have the field, and false of most others, without a look at `raw`.

    '' where the words of a record do not tell: JSON may spell the key with escapes, or it has no word.
    """
    last = key.rpartition(".")[2]
    keys = [word for word in _WORD.findall(last.lower()) if word.isalpha()]
    if not keys or not _PLAIN_KEY.fullmatch(last):
        return ""
    named = " AND ".join(f"hasToken(words, {bind(word, 'String')})" for word in dict.fromkeys(keys))
    of_packs = ", ".join(quoted(pack.name) for pack in PACKS if key in pack.fields)
    return f"(format IN ({of_packs}) OR {named})" if of_packs else named


def field_type(key: str, bind: Bind) -> str:
    """SQL for ClickHouse's name of a JSON field's type: 'Null', 'Bool', 'String', 'Int64', ...; '' when absent."""
    nested, literal = _paths(key, bind)
    if nested == literal:
        return f"if(format = 'json', JSONHas(raw, {literal}) ? toString(JSONType(raw, {literal})) : '', '')"
    return (
        f"multiIf(format != 'json', '', JSONHas(raw, {nested}), toString(JSONType(raw, {nested})), "
        f"JSONHas(raw, {literal}), toString(JSONType(raw, {literal})), '')"
    )


def message_sql() -> str:
    """The alias column `message`: a JSON record's own text where it has one, any other record as it is.

    All keys in one pass, and the tuple as the argument of a lambda: named twice, it would be parsed twice.
    """
    types = ", ".join(f"`{key}` String" for key in MESSAGE_KEYS)
    first = ", ".join(f"t.{place} != '', t.{place}" for place in range(1, len(MESSAGE_KEYS) + 1))
    found = f"arrayMap(t -> multiIf({first}, raw), [JSONExtract(raw, 'Tuple({types})')])[1]"
    # A carriage return before the end of a line is a part of it.
    return f"if(format = 'json', {found}, substring(raw, 1, length(raw) - endsWith(raw, '\\r')))"


def indexed_sql() -> str:
    """What the token index is built on: the record in lower case, escapes of JSON as spaces.

    In `"a\\nError"` the word is Error, not nError; of a pair of backslashes neither begins an escape.
    """
    escapes = quoted(r"\\(?:[bfnrt\\]|u00[0-7][0-9a-fA-F])")
    return f"lower(if(format = 'json', replaceRegexpAll(raw, {escapes}, ' '), raw))"


def words_sql() -> str:
    """The column `words`: the record as it is indexed, without the tokens that have a digit in them.

    Numbers, times and ids are what records of one template differ in, so there are few of these texts.
    """
    return f"replaceRegexpAll({indexed_sql()}, '[a-z]*[0-9][0-9a-z]*', '')"


def json_pairs_sql(source: str = "raw") -> str:
    """All fields of a JSON record as pairs of dotted key and JSON text, objects taken apart, arrays kept whole."""

    def level(text: str, prefix: str, depth: int) -> str:
        pair = f"p{depth}"
        key = f"concat({prefix}{pair}.1)" if not prefix else f"concat({prefix}, {pair}.1)"
        leaf = f"[({key}, {pair}.2)]"
        if depth < DEPTH:
            inside = level(f"{pair}.2", f"concat({key}, '.')", depth + 1)
            leaf = f"if(startsWith({pair}.2, '{{') AND {pair}.2 != '{{}}', {inside}, {leaf})"
        return f"arrayFlatten(arrayMap({pair} -> {leaf}, JSONExtractKeysAndValuesRaw({text})))"

    return level(source, "", 1)


def text_fields_sql() -> str:
    """The fields of a record that is not JSON, as a map: of its pack, and `key=value` pairs in the text."""
    branches = [f"format = '{pack.name}', {_fields_of(pack)}" for pack in PACKS if pack.fields]
    pairs = _pairs(f"if(format IN ({_with_pairs()}) AND position(raw, '=') > 0, raw, '')")
    return f"mapUpdate({pairs}, multiIf({', '.join(branches)}, map()::Map(String, String)))"


def _fields_of(pack: Pack) -> str:
    """The groups of a pack's expression, as a map without what is empty."""
    groups = f"extractGroups(raw, {quoted(pack.regex)})"
    own = "mapFilter((k, v) -> v != '', mapFromArrays({names}, arrayResize({groups}, {count})))"
    if pack.name != "monolog":
        return own.format(names=listed(pack.fields), groups=groups, count=len(pack.fields))
    own = own.format(names=listed(pack.fields), groups="g", count=len(pack.fields))
    return f"arrayMap(g -> mapUpdate({own}, {_monolog_objects('g')}), [{groups}])[1]"


def noted_keys_sql() -> str:
    """The names of all fields of a record, for the catalogue of fields.

    A record of a text format counts as having all of its fields: the expression is planned with every insert.
    """
    of_formats = ", ".join(f"format = '{pack.name}', {listed(pack.fields)}" for pack in PACKS if pack.fields)
    groups = f"extractGroups(raw, {quoted(_monolog())})"
    pairs = _pairs(f"if(format IN ({_with_pairs()}), raw, '')")
    return (
        f"if(format = 'json', arrayMap(p -> p.1, {json_pairs_sql()}), arrayConcat(multiIf({of_formats}, []), "
        f"mapKeys({pairs}), "
        f"if(format = 'monolog', mapKeys({_monolog_objects(groups)}), [])))::Array(LowCardinality(String))"
    )


class _Few(NamedTuple):
    """A text that few records have: those of these formats of which the condition holds.

    `text` makes its SQL of that for the record, which is also called x; of '' it is ''.
    """

    formats: str
    condition: str
    text: Callable[[str], str]

    @property
    def records(self) -> str:
        """A condition that holds of them."""
        return f"format IN ({self.formats}) AND {self.condition}"


def _of_few(kinds: Sequence[_Few]) -> str:
    """SQL for the text of whichever of them has the record, '' where none has.

    An array that is empty for all other records costs them less than a text that is, and one array less than
    one for each.
    """
    if len(kinds) == 1:
        (only,) = kinds
        return f"arrayMap(x -> {only.text('x')}, arrayWithConstant({only.records}, raw))[1]"
    either = " OR ".join(f"({kind.records})" for kind in kinds)
    texts = ", ".join(kind.text(f"if(f IN ({kind.formats}), x, '')") for kind in kinds)
    arrays = f"arrayWithConstant({either}, raw), arrayWithConstant({either}, format)"
    return f"arrayMap((x, f) -> concat({texts}), {arrays})[1]"


def _json_text(key: str, bind: Bind, all_of_them: bool) -> str:
    """The text of a JSON record at the nested path.

    With `all_of_them` nearly every record has it: all are parsed, which is cheaper than to choose those
    first, and what is no JSON record is left out afterwards.
    """
    nested = _paths(key, bind)[0]
    if all_of_them:
        text = f"JSONExtractString(raw, {nested})"
        return f"substring({text}, 1, length({text}) * (format = 'json'))"
    return f"JSONExtractString(if(format = 'json' AND {_may_have(key, bind)}, raw, ''), {nested})"


def _literal_keys(key: str, bind: Bind) -> Iterator[_Few]:
    """JSON records whose key has a dot in its name."""
    if "." in key:
        condition = f"{_may_have(key, bind)} AND {_has_key(key, bind)}"
        yield _Few("'json'", condition, lambda record: _literal_text(key, bind, record))


def _literal_text(key: str, bind: Bind, source: str) -> str:
    """The text below a key with a dot in its name, where there is nothing at the nested path."""
    nested, literal = _paths(key, bind)
    return f"JSONExtractString(if(JSONHas({source}, {nested}), '', {source}), {literal})"


def _monolog_keys(key: str, bind: Bind) -> Iterator[_Few]:
    """Monolog lines, which end in two JSON objects."""
    for prefix, group in (("context.", 5), ("extra.", 6)):
        if key.startswith(prefix):
            inner = key.removeprefix(prefix)

            def text(record: str, inner: str = inner, group: int = group) -> str:
                found = f"extractGroups({record}, {quoted(_monolog())})[{group}]"
                nested = f"JSONExtractString({found}, {_paths(inner, bind)[0]})"
                return f"concat({nested}, {_literal_text(inner, bind, found)})" if "." in inner else nested

            yield _Few("'monolog'", _may_have(inner, bind), text)


def _pair(key: str, bind: Bind, of_packs: Sequence[Pack]) -> _Few:
    """Texts with `key=value`, but not of packs that have the field elsewhere."""
    return _Few(
        _with_pairs(of_packs),
        _mentioned(key, bind),
        lambda record: f"{_pairs(record)}[{bind(key, 'String')}]",
    )


def _json_has(key: str, bind: Bind) -> str:
    nested, literal = _paths(key, bind)
    has = f"({_has_key(key.rpartition('.')[2], bind)} AND JSONHas(raw, {nested}))"
    return has if nested == literal else f"({has} OR ({_has_key(key, bind)} AND JSONHas(raw, {literal})))"


def _has_key(key: str, bind: Bind) -> str:
    """A cheap test that rules out most records; true of all where JSON may spell the key with escapes."""
    return _mentioned(f'"{key}"', bind) if _PLAIN_KEY.fullmatch(key) else "1"


def _may_have(key: str, bind: Bind) -> str:
    """The same for either of the two paths: `"a": {"b": ...}` and `"a.b": ...`."""
    last = key.rpartition(".")[2]
    if last == key or not _PLAIN_KEY.fullmatch(last):
        return _has_key(last, bind)
    return _mentioned(f'{last}"', bind)


def _mentioned(text: str, bind: Bind) -> str:
    """True of all records that have this text between two borders of words, and of few others.

    `words` has it as well, in lower case, unless it has digits; there it is looked for in a dictionary.
    """
    if any(char.isdigit() for char in text) or not text.isascii():
        return f"position(raw, {bind(text, 'String')}) > 0"
    return f"position(words, {bind(text.lower(), 'String')}) > 0"


def _pairs(text: str) -> str:
    """The `key=value` pairs in a text, which is '' where there is nothing to look for: the function is never lazy."""
    return f"extractKeyValuePairs({text}, '=', ' ,;\\t\\r', '\"')"


def _paths(key: str, bind: Bind) -> tuple[str, str]:
    """`a.b` may be b inside a, or a key that has a dot in its name: both as arguments of a JSON function."""
    literal = bind(key, "String")
    parts = key.split(".")
    nested = ", ".join(bind(part, "String") for part in parts) if len(parts) > 1 else literal
    return nested, literal


def _monolog_objects(groups: str) -> str:
    """The two JSON objects that may end a Monolog line, as one map with dotted keys."""
    objects = ", ".join(
        f"arrayMap(p -> (concat('{name}.', p.1), p.2), JSONExtractKeysAndValues({groups}[{group}], 'String'))"
        for name, group in (("context", 5), ("extra", 6))
    )
    return f"CAST(arrayConcat({objects}), 'Map(String, String)')"


def _monolog() -> str:
    return next(pack.regex for pack in PACKS if pack.name == "monolog")


def _with_pairs(without: Sequence[Pack] = ()) -> str:
    names = ("text", *(pack.name for pack in PACKS if pack.pairs and pack not in without))
    return ", ".join(map(quoted, names))
