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
