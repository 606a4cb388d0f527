"""Masking secrets: one pass of one regular expression over a whole chunk, and a secret keeps its length.

As nothing moves, the place of every record in its file stays exact, and a chunk is not cut in pieces. RE2
takes time linear in the text whatever the expression.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from loghouse.linear import linear

_NAME = r"(?:pass(?:word|wd|phrase)|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credentials?)"
# A value in quotes, in quotes that are escaped once or more often, or bare.
_VALUE = (
    r"""(?:\\"((?:[^"\\\n]|\\\\(?:\\["\\]|[a-z/]))+)|\\+"([^"\\\n]+)|"((?:[^"\\\n]|\\.)+)"|'([^'\n]+)'|"""
    r"""([^\s"'&,;{}\[\]()<>\\*]+))"""
)


_NO_SECRETS = frozenset((b"null", b"NULL", b"None", b"nil", b"true", b"false", b"undefined"))


@dataclass(frozen=True, slots=True)
class Mask:
    """A secret by its look: what the groups of the expression match is masked, all of it if there is none."""

    name: str
    pattern: str


SECRETS = (
    Mask(
        "private-key",
        r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----([A-Za-z0-9+/=\\<N> :,-]*?)(?:-----END|$)",
    ),
    Mask("jwt", r"\b(eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?)"),
    Mask("aws-key", r"\b((?:AKIA|ASIA)[A-Z0-9]{16})\b"),
    Mask("google-key", r"\b(AIza[\w-]{35})"),
    Mask("github-token", r"\b(gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{22})"),
    Mask("gitlab-token", r"\b(glpat-[\w-]{20})"),
    Mask("slack-token", r"\b(xox[abeoprs]-[A-Za-z0-9-]{10,})"),
    Mask("stripe-key", r"\b([rs]k_live_[A-Za-z0-9]{16,})"),
    Mask("authorization", r"(?i:\b(?:bearer|basic) +)([\w.~+/-]{16,}=*)"),
    Mask(
        "authorization",
        r"""(?i:\bauthorization\\*["']?\s*[:=]\s*\\*["']?(?:(?:bearer|basic|token|digest|negotiate) +)?)"""
        r"""([^\s"',;\\*]{6,})""",
    ),
    Mask("url", r"""(?i:\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@"'\\]{0,100}:)([^\s/@"'\\*]+)@"""),
    Mask("password", rf"""(?i:{_NAME}\\*["']?\s*[:=]\s*){_VALUE}"""),
)
_GAP = "[ -]?"
_FOURS = rf"{_GAP}\d{{4}}" * 3
CARDS = (
    Mask(
        "card",
        rf"\b((?:4\d{{3}}|5[1-5]\d\d|2[2-7]\d\d|6011|65\d\d|64[4-9]\d|35\d\d){_FOURS}"
        rf"|3[47]\d\d{_GAP}\d{{6}}{_GAP}\d{{5}})\b",
    ),
)


class Masks:
    """A set of masks, and how often each found something."""

    def __init__(self, masks: Sequence[Mask]) -> None:
        """Raises ValueError for a pattern that RE2 does not know."""
        self.counts: Counter[str] = Counter()
        self._masks = masks
        self._of_group: list[str] = [""]
        for mask in masks:
            groups = linear(mask.pattern.replace("<N>", "").encode()).groups
            self._of_group.extend([mask.name] * max(groups, 1))
        # In a chunk lines are of several records, in a record they belong together.
        self._chunks, self._records = (self._compiled(new_line) for new_line in ("", r"\n"))

    def _compiled(self, new_line: str) -> Any:
        patterns = []
        for mask in self._masks:
            pattern = mask.pattern.replace("<N>", new_line)
            patterns.append(pattern if linear(pattern.encode()).groups else f"({pattern})")
        return linear("|".join(f"(?:{pattern})" for pattern in patterns).encode()) if patterns else None

    def apply(self, data: bytes, record: bool) -> bytes:
        """The data with its secrets masked: the lines of one record, or of several."""
        pattern = self._records if record else self._chunks
        if pattern is None:
            return data
        masked: bytearray | None = None
        for match in pattern.finditer(data):
            group = match.lastindex
            if group is None:
                continue
            name = self._of_group[group]
            start, end = match.span(group)
            if data[start:end] in _NO_SECRETS or (name == "card" and not is_card(data, start, end)):
                continue
            if masked is None:
                masked = bytearray(data)
            masked[start:end] = b"*" * (end - start)
            self.counts[name] += 1
        return data if masked is None else bytes(masked)


def is_card(data: bytes, start: int, end: int) -> bool:
    """Whether the digits are a card number by their check digit, and no part of a number or an identifier."""
    if data[max(start - 1, 0) : start] in (b".", b"-", b"_") or data[end : end + 1] in (b"-", b"_"):
        return False
    total = 0
    digits = [byte - 48 for byte in data[start:end] if 48 <= byte <= 57]
    for place, digit in enumerate(reversed(digits)):
        doubled = digit * 2 if place % 2 else digit
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0 and len(set(digits)) > 1
