"""Checks a regular expression against RE2, the syntax that ClickHouse runs, before it is sent.

Python's own `re` accepts other things (lookaround, backreferences), so it cannot be asked. The check is a
little narrower than RE2: a pattern it accepts runs, one that is refused may be a rarity that would run too.
"""

import re

from msgspec import Struct

from loghouse.query.ast import Span
from loghouse.query.lateregex import late_regex

MAX_REPEAT = 1000  # RE2's own limit, for repetitions inside each other as well
MAX_DEPTH = 200

_QUOTED = late_regex(r"\\Q.*?(?:\\E|$)", re.DOTALL)
_LETTER_CLASS = late_regex(r"\\(?:[dDsSwW]|[pP](?:[CLMNPSZ]|\{\^?(\w+)\}))")
_CHARACTER = late_regex(
    r"\\(?:[afnrtv]|x([0-9A-Fa-f]{2})|x\{([0-9A-Fa-f]{1,6})\}|([1-7][0-7]{1,2}|0[0-7]{0,2})|([\x00-/:-@\[-^\x60{-\x7f]))",
    re.DOTALL,
)
_BORDER = late_regex(r"\\[AbBz]")
_BACKREFERENCE = late_regex(r"\\(?:[1-9]|k<\w+>|g\{?\w+\}?)")
_POSIX = late_regex(
    r"\[:\^?(?:alnum|alpha|ascii|blank|cntrl|digit|graph|lower|print|punct|space|upper|word|xdigit):\]"
)
_REPEAT = late_regex(r"(?:([*+?])|\{(\d+)(?:(,)(\d*))?\})\??")
_GROUP = late_regex(r"\((?:\?:|\?P?<([A-Za-z_]\w*)>|\?[imsU]*(?:-[imsU]+)?:|(?!\?))", re.ASCII)
_FLAGS = late_regex(r"\(\?(?:[imsU]+(?:-[imsU]+)?|-[imsU]+)\)")
_LOOKAROUND = late_regex(r"\(\?<?[=!]")
_PLAIN = late_regex(r"[A-Za-z0-9_ :-]")  # itself in a pattern, and never escaped in JSON
# Up to the next slash that ends a word; nothing in it that could be another condition.
_WITH_SPACE = late_regex(r"/[^/=:\"'`\n]*/(?=[\s)]|$)")
_DELIMITED = late_regex(r"/(.+)/([ims]*)", re.DOTALL)
_UNICODE = frozenset(
    (
        "L",
        "Lu",
        "Ll",
        "Lt",
        "Lm",
        "Lo",
        "M",
        "Mn",
        "N",
        "Nd",
        "P",
        "Pd",
        "Ps",
        "Pe",
        "Po",
        "S",
        "Sc",
        "Sm",
        "Z",
    )
    + ("Arabic", "Armenian", "Cyrillic", "Georgian", "Greek", "Han", "Hangul", "Hebrew", "Latin", "Thai")
)
_CONTROL = {"a": "\a", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


class RegexFault(Exception):
    """What RE2 would refuse, and where in the pattern."""

    def __init__(self, message: str, start: int, end: int, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.start = start
        self.end = end
        self.hint = hint


def undelimited(raw: str) -> str:
    """The pattern of a bare value: `/x/i`, as people write it elsewhere, is `(?i)x`; other slashes stay."""
    found = _DELIMITED.fullmatch(raw)
    if found is None:
        return raw
    pattern, flags = found.groups()
    return f"(?{flags}){pattern}" if flags else pattern


def cut_at_space(text: str, start: int, end: int) -> str:
    """The whole of `/x y/` when the bare value `text[start:end]` stops at the space in it, else ''."""
    found = _WITH_SPACE.match(text, start)
    return found.group() if found and found.end() > end and " " in found.group() else ""


def check_regex(pattern: str, span: Span) -> tuple[str, ...]:
    """The groups of a pattern, as `validate` gives them; or a `QueryError` at the part RE2 cannot run."""
    try:
        return validate(pattern)
    except RegexFault as fault:
        # A pattern that was decoded stands otherwise in the text: then the whole of it is the place.
        at = span.text.find(pattern, span.start, span.end)
        place = span if at < 0 else Span(span.text, at + fault.start, at + fault.end)
        raise place.error(fault.message, fault.hint) from None


def required_text(pattern: str) -> str:
    """A text that stands in everything the pattern matches, the longest that is plain to see, or ''.

    What is inside groups does not count, nor anything when there are flags or alternatives outside of them.
    """
    if "(?" in pattern.replace("(?:", "").replace("(?P<", "") or "\\Q" in pattern:
        return ""
    runs, depth, pos = [""], 0, 0
    while pos < len(pattern):
        char = pattern[pos]
        if char == "[":
            pos = _character_class(pattern, pos)
        elif char == "\\":
            pos = _escape(pattern, pos)
        else:
            pos += 1
        if char == "|" and depth == 0:
            return ""
        depth += (char == "(") - (char == ")")
        repeat = _REPEAT.match(pattern, pos)
        pos = repeat.end() if repeat else pos
        if depth or char in "()" or not _PLAIN.fullmatch(char):
            runs.append("")
        elif repeat is None:
            runs[-1] += char
        elif repeat.group().startswith("+"):
            runs[-1] += char
            runs.append("")
        else:
            runs.append("")
    return max(runs, key=len)


class _OpenGroup(Struct):
    start: int
    repeats: int = 1  # the largest repetition inside


def validate(pattern: str) -> tuple[str, ...]:
    """The names of the groups, '' for those without; `RegexFault` if RE2 cannot run the pattern."""
    groups = [_OpenGroup(-1)]
    names: list[str] = []
    pos, repeatable, item_repeats = 0, False, 1
    while pos < len(pattern):
        start, char = pos, pattern[pos]
        if (repeat := _REPEAT.match(pattern, pos)) is not None:
            item_repeats *= _times(repeat, repeatable)
            if item_repeats > MAX_REPEAT:
                raise RegexFault(
                    f"repetitions inside each other make more than {MAX_REPEAT}", pos, repeat.end()
                )
            groups[-1].repeats = max(groups[-1].repeats, item_repeats)
            pos = repeat.end()
            if (again := _REPEAT.match(pattern, pos)) is not None:
                raise RegexFault(
                    "a repetition cannot be repeated again", pos, again.end(), "Put a group around it"
                )
            continue
        item_repeats, repeatable = 1, char not in "(|"
        if char == "\\":
            pos = _escape(pattern, pos)
            item_repeats = _weight(pattern[start:pos])
        elif char == "[":
            pos = _character_class(pattern, pos)
            item_repeats = _weight(pattern[start:pos])
        elif char == "(":
            pos, opened = _group(pattern, pos, names)
            if opened:
                groups.append(_OpenGroup(start))
                if len(groups) > MAX_DEPTH:
                    raise RegexFault("the regular expression is nested too deeply", start, pos)
        elif char == ")":
            if len(groups) == 1:
                raise RegexFault(
                    'this ")" in the regular expression closes nothing', pos, pos + 1, "Write \\)"
                )
            item_repeats = groups.pop().repeats
            groups[-1].repeats = max(groups[-1].repeats, item_repeats)
            pos += 1
        else:
            pos += 1
    if len(groups) > 1:
        start = groups[-1].start
        raise RegexFault('this "(" in the regular expression is never closed', start, start + 1, "Write \\(")
    return tuple(names)


def _times(repeat: re.Match[str], repeatable: bool) -> int:
    sign, low, comma, high = repeat.groups()
    if not repeatable:
        text = repeat.group()
        raise RegexFault(
            f'there is nothing before "{text}" to repeat',
            *repeat.span(),
            f"For the character write \\{text[0]}",
        )
    if sign:
        return 1
    least, most = int(low), int(high) if high else int(low)
    if most < least or most > MAX_REPEAT:
        hint = f"The smaller number stands first, and at most {MAX_REPEAT}"
        raise RegexFault(f"{repeat.group()} is not a repetition RE2 can run", *repeat.span(), hint)
    return max(most, 1)


def _weight(item: str) -> int:
    """How many plain characters it costs RE2: a class of Unicode fills its memory sooner."""
    return 10 if "\\p" in item or "\\P" in item else 1


def _escape(pattern: str, pos: int) -> int:
    for form in (_QUOTED, _LETTER_CLASS, _BORDER, _CHARACTER):
        if (found := form.match(pattern, pos)) is not None:
            _check_character(found)
            return found.end()
    raise _unknown_escape(pattern, pos)


def _unknown_escape(pattern: str, pos: int) -> RegexFault:
    if pos + 1 == len(pattern):
        return RegexFault("the regular expression ends with a backslash", pos, pos + 1, "Write \\\\")
    if (backreference := _BACKREFERENCE.match(pattern, pos)) is not None:
        return RegexFault(
            f"the backreference {backreference.group()} is not part of RE2, which ClickHouse uses",
            *backreference.span(),
            "Write out what it stands for",
        )
    return RegexFault(f"RE2 does not know the escape {pattern[pos : pos + 2]}", pos, pos + 2)


def _check_character(found: re.Match[str]) -> None:
    if found.re.pattern == _LETTER_CLASS.pattern and found.group(1) and found.group(1) not in _UNICODE:
        raise RegexFault(
            f"RE2 does not know {found.group()}", *found.span(), "Known: \\p{L}, \\p{Lu}, \\p{Cyrillic}"
        )
    if found.re.pattern == _CHARACTER.pattern and found.group(2) and int(found.group(2), 16) > 0x10FFFF:
        raise RegexFault("there is no such character", *found.span())


def _group(pattern: str, pos: int, names: list[str]) -> tuple[int, bool]:
    """Where the group's inside starts, and whether it has one: `(?i)` has none."""
    if (flags := _FLAGS.match(pattern, pos)) is not None:
        return flags.end(), False
    if (lookaround := _LOOKAROUND.match(pattern, pos)) is not None:
        raise RegexFault(
            f"lookaround {lookaround.group()} is not part of RE2, which ClickHouse uses",
            *lookaround.span(),
            "Write a second condition: ... and message !~ regex",
        )
    group = _GROUP.match(pattern, pos)
    if group is None:
        hint = "Known: (?:...), (?i), (?s), (?m), (?P<name>...)"
        raise RegexFault('RE2 does not know this "(?" group', pos, min(pos + 3, len(pattern)), hint)
    if group.group(1) in names:
        raise RegexFault(f'two groups are called "{group.group(1)}"', *group.span())
    if group.group(1) or group.group() == "(":
        names.append(group.group(1) or "")
    return group.end(), True


def _character_class(pattern: str, start: int) -> int:
    pos = start + (2 if pattern.startswith("[^", start) else 1)
    first = True
    while first or not pattern.startswith("]", pos):
        if pos >= len(pattern):
            raise RegexFault(
                'this "[" in the regular expression is never closed', start, start + 1, "Write \\["
            )
        pos = _class_item(pattern, pos)
        first = False
    return pos + 1


def _class_item(pattern: str, start: int) -> int:
    if pattern.startswith("[:", start):
        posix = _POSIX.match(pattern, start)
        if posix is None:
            raise RegexFault(
                "RE2 does not know this class", start, start + 2, "Known: [:alpha:], [:digit:], ..."
            )
        return posix.end()
    low, pos = _class_character(pattern, start)
    if not pattern.startswith("-", pos) or pattern.startswith("-]", pos) or pos + 1 == len(pattern):
        return pos
    if low is None:
        raise RegexFault("a range goes from one character to another", start, pos + 1, "Put the - at the end")
    high, end = _class_character(pattern, pos + 1)
    if high is None or high < low:
        raise RegexFault(
            f"{pattern[start:end]} is not a range", start, end, "The smaller character stands first"
        )
    return end


def _class_character(pattern: str, pos: int) -> tuple[str | None, int]:
    """One character of a class, None for an escape that stands for several, and where it ends."""
    if pattern[pos] != "\\":
        return pattern[pos], pos + 1
    if (several := _LETTER_CLASS.match(pattern, pos)) is not None:
        _check_character(several)
        return None, several.end()
    found = _CHARACTER.match(pattern, pos)
    if found is None:
        raise _unknown_escape(pattern, pos)
    _check_character(found)
    two, braced, octal, itself = found.groups()
    if two or braced:
        return chr(int(two or braced, 16)), found.end()
    if octal:
        return chr(int(octal, 8)), found.end()
    return itself or _CONTROL[found.group()[1]], found.end()
