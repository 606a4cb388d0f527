"""How the value of a field is read in SQL: the record's own, one a stage made, one unpacked from a text."""

from __future__ import annotations

from msgspec import Struct

from loghouse.formats import field_exists, field_key_present, field_text, field_type
from loghouse.formats.catalogue import PACKS
from loghouse.query.params import Params


class Reading(Struct, frozen=True):
    """SQL of one field.

    `text` is '' when there is none; `number` means something only where `has_number` holds. `null` says that
    it is JSON's null, `boolean` that a text of true or false is a truth value. `indexed` says that the text
    stands in the record, so that its token index can be asked. `guard` is cheap and holds wherever the field
    is there, '' where nothing cheap is known to; `guarded_text` is the text for records of which it holds.
    """

    text: str
    number: str
    has_number: str
    exists: str
    null: str
    boolean: str
    indexed: bool = False
    guard: str = ""
    guarded_text: str = ""


def own(name: str, params: Params) -> Reading:
    """A field of the record as it was written; numbers stand in a column of their own."""
    bound = params.text(name)
    kind = field_type(name, params.bind)
    text = field_text(name, params.bind)
    # Looked for once; `numbers[...]` and `mapContains` would look twice.
    place = f"indexOf(mapKeys(numbers), {bound})"
    number, has_number = f"mapValues(numbers)[{place}]", f"({place} > 0)"
    formats = ", ".join(
        f"'{pack.name}'" for pack in PACKS if name in pack.fields and name not in pack.numeric
    )
    if formats:
        # A number that is a name, such as a pid, is not among those the store keeps.
        found = f"toFloat64OrNull(if(format IN ({formats}), {text}, ''))"
        number = f"if({has_number}, {number}, ifNull({found}, 0))"
        has_number = f"({has_number} OR isNotNull({found}))"
    return Reading(
        text,
        number,
        has_number,
        field_exists(name, params.bind),
        f"{kind} = 'Null'",
        # Formats without types, such as logfmt, write a truth value as the word.
        f"(format != 'json' OR {kind} = 'Bool')",
        indexed=True,
        guard=field_key_present(name, params.bind),
        guarded_text=field_text(name, params.bind, named=True),
    )


def made(sql: str) -> Reading:
    """A text column that a stage has made; '' is none."""
    number = f"toFloat64OrNull({sql})"
    return Reading(sql, f"ifNull({number}, 0)", f"isNotNull({number})", f"{sql} != ''", "0", "1")


def unpacked(json: str, below: Reading) -> Reading:
    """A field whose JSON text is `json`, '' where there is none: there it is what was `below`."""
    text = decoded(json)
    number = f"toFloat64OrNull({text})"

    def either(found: str, otherwise: str) -> str:
        return f"if({json} != '', {found}, {otherwise})"

    return Reading(
        either(text, below.text),
        either(f"ifNull({number}, 0)", below.number),
        either(f"isNotNull({number})", below.has_number),
        f"({json} != '' OR {below.exists})",
        either(f"{json} = 'null'", below.null),
        either(f"{json} IN ('true', 'false')", below.boolean),
    )


def decoded(json: str) -> str:
    """SQL: the text of a JSON value; '' of null, numbers, arrays and objects as they are written."""
    return f"multiIf(startsWith({json}, '\"'), JSONExtractString({json}), {json} = 'null', '', {json})"
