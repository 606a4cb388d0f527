"""What a format pack is: how to know a line of some program and how to take it apart, as data for SQL."""

from msgspec import Struct

# The same expression for all packs of a kind: the view runs each distinct one once over every record.
LEVEL_IN_BRACKETS = r"(?:^[^\[]*\[|\] \[(?:[a-z0-9_-]+:)?)([a-z]+)\d?\]"
LEVEL_BEFORE_COLON = r"(?:\] (?:[A-Za-z0-9_.-]+\.)?| )([A-Z]+): "


class Pack(Struct, frozen=True):
    """One log format that is text, not JSON. All expressions are RE2, which both ClickHouse and Python read.

    `pattern` knows the format by the first 200 bytes of a record and excludes every other pack's lines.
    `level` finds the word or letter of the level in its one group, in those bytes; '' if there is none.
    `fields` names the groups of `regex`, in order; `numeric` are those that hold quantities, and the groups of
    `numbers` are the same ones again: a short expression, because it runs on every line that is stored.
    With `pairs`, `key=value` in the text are fields as well.
    """

    name: str
    pattern: str
    level: str
    regex: str = ""
    fields: tuple[str, ...] = ()
    numeric: tuple[str, ...] = ()
    numbers: str = ""
    pairs: bool = False
