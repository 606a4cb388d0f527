"""The levels in their order, and the ways people spell them."""

from loghouse.record import LEVELS

ALIASES = {
    "warn": "warning",
    "err": "error",
    "crit": "critical",
    "fatal": "critical",
    "panic": "emergency",
    "emerg": "emergency",
    "dbg": "debug",
    "inf": "info",
    "information": "info",
}
SPELLINGS = (*LEVELS, *ALIASES)


def level_number(text: str) -> int | None:
    """The place of a level in the order, by any spelling; None if it is not one."""
    name = text.lower()
    name = ALIASES.get(name, name)
    return LEVELS.index(name) if name in LEVELS else None


def level_number_sql(text: str) -> str:
    """SQL: the same for a text; 0, the level unknown, if it is not one."""
    names = ", ".join(f"'{name}'" for name in SPELLINGS)
    numbers = ", ".join(str(level_number(name)) for name in SPELLINGS)
    return f"toInt8(transform(lower({text}), [{names}], [{numbers}], 0))"
