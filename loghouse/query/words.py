"""Words and phrases: how text is cut into tokens, and the SQL that finds them.

A token is a run of ASCII letters and digits and of any byte from 0x80 up, exactly as ClickHouse's `hasToken`
and its token index see it. Words match tokens as a whole, any case; a phrase matches as it is written, from
one token border to another. `lower(...)` of ASCII is what the index is built on; text outside of ASCII is
compared with RE2's own rules for case and without the index.
"""

import re
from collections.abc import Iterable

from loghouse.formats.fields import indexed_sql
from loghouse.query.params import Params
from loghouse.record import TEXT_INDEX

INDEX_TOKENS = 8  # the longest tokens of a text; more of them rule out nothing more

_INDEXED = indexed_sql()
ESCAPE_LETTERS = frozenset("bfnrtu")
_SEPARATORS = r"\x00-/:-@\[-\x60{-\x7f"
_SEPARATOR = f"[{_SEPARATORS}]"
# Not as the characters a token has: Python takes 4 ms to compile a class that reaches to the last character.
_TOKEN = re.compile(f"[^{_SEPARATORS}]+")
_DIGIT = re.compile("[0-9]")
_BEFORE = f"(?:^|{_SEPARATOR})"
_AFTER = f"(?:{_SEPARATOR}|$)"
# ASCII that no common JSON encoder writes as an escape, which would glue to the next token (\u003ca).
_WRITTEN_AS_IS = frozenset(" !#$%()*,-./:;?@[]^_{|}~\\")


def tokens(text: str) -> list[str]:
    """The tokens of a text, in order."""
    return _TOKEN.findall(text)


def escape_regex(text: str) -> str:
    """The text as an RE2 pattern that matches only it."""
    return "".join(
        char if char.isalnum() or char == "_" or char >= "\x80" else f"\\x{ord(char):02x}" for char in text
    )


def phrase_regex(text: str, prefix: bool = False) -> str:
    """An RE2 pattern for the text between two token borders; with `prefix` its end is open."""
    starts_with_token = _TOKEN.match(text) is not None
    ends_with_token = _TOKEN.match(text[-1:]) is not None
    before = _BEFORE if starts_with_token else ""
    after = _AFTER if ends_with_token and not prefix else ""
    return before + escape_regex(text) + after


def sequence_regex(texts: tuple[str, ...]) -> str:
    """An RE2 pattern for the phrases one after another; two of them may share the separator between them."""
    pattern = phrase_regex(texts[0])
    for text in texts[1:]:
        following = phrase_regex(text).removeprefix(_BEFORE)
        if not pattern.endswith(_AFTER) or following == phrase_regex(text):
            pattern = f"{pattern}.*?{phrase_regex(text)}"
        else:
            pattern = f"{pattern.removesuffix(_AFTER)}{_SEPARATOR}(?:.*?{_SEPARATOR})?{following}"
    return "(?is)" + pattern


def has_words(column: str, text: str, params: Params, prefix: bool = False) -> str:
    """SQL: the words or the phrase stand in `column`; in `raw` an escape of JSON ends a word."""
    if not text.isascii():
        return f"match({column}, {params.text('(?i)' + phrase_regex(text, prefix))})"
    lowered, where = text.lower(), _INDEXED if column == "raw" else f"lower({column})"
    if not prefix and _TOKEN.fullmatch(lowered):
        if column == "raw" and not _DIGIT.search(lowered):
            return _is_word(lowered, params)
        return f"hasToken({where}, {params.text(lowered)})"
    return f"match({where}, {params.text(phrase_regex(lowered, prefix))})"


def whole_tokens(text: str, *, starts: bool, ends: bool) -> list[str]:
    """The tokens that must stand in a record whose field contains `text`, for the index.

    `starts` and `ends` say that nothing of the same token can stand before and after the text. A token is
    left out when the record may spell it differently: outside of ASCII, or after a character that is escaped.
    """
    found = []
    for match in _TOKEN.finditer(text):
        begins_well = text[match.start() - 1] in _WRITTEN_AS_IS if match.start() else starts
        ends_well = match.end() < len(text) or ends
        if begins_well and ends_well and match.group().isascii():
            found.append(match.group().lower())
    return sorted(dict.fromkeys(found), key=len, reverse=True)[:INDEX_TOKENS]


def in_index(found: Iterable[str], params: Params) -> list[str]:
    """Conditions for tokens that must stand in the record once it is decoded."""
    return [test for token in found for test in _in_record(token, params)]


def _in_record(token: str, params: Params) -> tuple[str, ...]:
    """Words without a digit are asked from a column of their own, which knows each record.

    Other tokens are looked for in the record: the second condition is what the index answers, the first
    spares most records its computation. Where the index knows each record, `TEXT_INDEX` switches that off:
    nothing of the record is read then.
    """
    if not _DIGIT.search(token):
        return (_is_word(token, params),)
    first = f"if({params.named(TEXT_INDEX, 0)}, 1, position(lower(raw), {params.text(token)}) > 0)"
    return first, f"hasToken({_INDEXED}, {params.text(token)})"


def _is_word(token: str, params: Params) -> str:
    return f"hasToken(words, {params.text(token)})"
