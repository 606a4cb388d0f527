"""Hints of how the lines of a file make up events, as operators and pods give them."""

from functools import cache

from loghouse.errors import UsageError
from loghouse.ship.traces import Indented, Rules, Started, Traces

SAMPLE = "a share such as 0.1 or 10%"
MULTILINE = 'one of auto, off, indent, "start:REGEX"'


def share_of(hint: str) -> float:
    """The share of records that a hint keeps, more than 0 and at most 1. Raises UsageError."""
    number = hint.removesuffix("%")
    try:
        share = float(number) / (100 if number != hint else 1)
    except ValueError:
        share = 0.0
    if not 0 < share <= 1:
        raise UsageError(f'no such sample: "{hint}"', f"It is {SAMPLE}")
    return share


@cache
def rules_of(hint: str) -> Rules | None:
    """What a hint for multi-line events means; None for no joining. Raises UsageError."""
    kind, _, expression = hint.partition(":")
    match kind:
        case "off":
            return None
        case "auto":
            return Traces()
        case "indent":
            return Indented()
        case "start" if expression:
            try:
                return Started(expression)
            except ValueError as error:
                raise UsageError(f'multi-line hint "{hint}": {error}', "The syntax is RE2's") from None
    raise UsageError(f'no such multi-line hint: "{hint}"', f"It is {MULTILINE}")
