"""Checks a regular expression against RE2, the syntax that ClickHouse runs, before it is sent.

Python's own `re` accepts other things (lookaround, backreferences), so it cannot be asked.
"""

import re
from dataclasses import dataclass

from loghouse.query.ast import Span

MAX_REPEAT = 1000

_CLASS_LETTERS = "dDsSwW"
_ESCAPE_LETTERS = "aAbBCfnrtvzQE" + _CLASS_LETTERS
_POSIX = re.compile(r"\[:\^?([a-z]*):\]")
_POSIX_NAMES = frozenset(
    "alnum alpha ascii blank cntrl digit graph lower print punct space upper word xdigit".split()
)
_COUNT = re.compile(r"\{(\d+)(?:(,)(\d*))?\}")
_GROUP_NAME = re.compile(r"\?P?<([A-Za-z_]\w*)>", re.ASCII)
_FLAGS = re.compile(r"\?[imsU]*(?:-[imsU]+)?[:)]")
_HEX = re.compile(r"x(?:[0-9A-Fa-f]{2}|\{([0-9A-Fa-f]{1,8})\})")
_OCTAL = re.compile(r"[0-7]{1,3}")
_PROPERTY = re.compile(r"[pP](?:[A-Z]|\{\^?([A-Za-z_]+)\})")
_DELIMITED = re.compile(r"/(.+)/([ims]*)", re.DOTALL)

_LOOKAROUND = {
    "?=": "lookahead (?=",
    "?!": "lookahead (?!",
    "?<=": "lookbehind (?<=",
    "?<!": "lookbehind (?<!",
}
_WITHOUT_LOOKAROUND = "Write a second condition instead, such as: and message !~ ..."


@dataclass(frozen=True, slots=True)
class Fault:
    """What RE2 would refuse, and where in the pattern."""

    message: str
    start: int
    end: int
    hint: str = ""


class _Refused(Exception):
    def __init__(self, message: str, start: int, end: int, hint: str = "") -> None:
        super().__init__(message)
        self.fault = Fault(message, start, end, hint)


def undelimited(raw: str) -> str:
    """The pattern of a bare value: `/x/i` as people write it elsewhere is `(?i)x`; other slashes stay."""
    found = _DELIMITED.fullmatch(raw)
    if found is None:
        return raw
    pattern, flags = found.groups()
    return f"(?{flags}){pattern}" if flags else pattern


def check_regex(pattern: str, span: Span) -> None:
    """Raise a `QueryError` that points at the part RE2 cannot run."""
    fault = regex_fault(pattern)
    if fault is None:
        return
    # A decoded or delimited pattern is shifted against the text: point at the part only where it is the same.
    at = span.text.find(pattern, span.start, span.end) if pattern else -1
    place = Span(span.text, at + fault.start, at + fault.end) if at >= 0 else span
    raise place.error(fault.message, fault.hint)


def regex_fault(pattern: str) -> Fault | None:
    """What is wrong with the pattern, or None."""
    try:
        _Checker(pattern).check()
    except _Refused as refused:
        return refused.fault
    return None


class _Checker:
    """One walk over the pattern; `_groups` holds where each open group started and its repetitions so far."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._pos = 0
        self._groups: list[int] = []
        self._names: set[str] = set()
        # The largest repetition inside the last complete item, and inside each open group.
        self._item_repeat = 1
        self._group_repeats = [1]
        self._repeatable = False

    def check(self) -> None:
        while self._pos < len(self._pattern):
            self._step()
        if self._groups:
            start = self._groups[-1]
            raise _Refused('this "(" in the regular expression is never closed', start, start + 1)

    def _step(self) -> None:
        char = self._pattern[self._pos]
        if char == "(":
            self._open()
        elif char == ")":
            self._close()
        elif char == "[":
            self._class()
        elif char in "*+?":
            self._repeat(self._pos + 1, 1)
        elif char == "{" and (count := _COUNT.match(self._pattern, self._pos)):
            self._counted(count)
        elif char == "\\":
            self._escape()
        else:
            self._pos += 1
            # RE2 lets "^*" and "$*" pass, and an alternative may not start with a repetition.
            self._done(repeatable=char != "|")

    def _done(self, repeatable: bool = True) -> None:
        self._repeatable = repeatable
        self._item_repeat = 1

    def _refuse(self, message: str, start: int, end: int, hint: str = "") -> _Refused:
        return _Refused(message, start, min(max(end, start + 1), len(self._pattern)), hint)

    def _open(self) -> None:
        start = self._pos
        if len(self._groups) >= 200:
            raise self._refuse("the regular expression is nested too deeply", start, start + 1)
        self._pos += 1
        if self._pattern.startswith("?", self._pos):
            self._special_group(start)
            if self._pattern[self._pos - 1] == ")":
                return
        self._groups.append(start)
        self._group_repeats.append(1)
        self._done(repeatable=False)

    def _special_group(self, start: int) -> None:
        for sign, name in sorted(_LOOKAROUND.items(), key=lambda entry: -len(entry[0])):
            if self._pattern.startswith(sign, self._pos):
                raise self._refuse(
                    f"{name} is not part of RE2, the regular expressions of ClickHouse",
                    start,
                    start + 1 + len(sign),
                    _WITHOUT_LOOKAROUND,
                )
        if name := _GROUP_NAME.match(self._pattern, self._pos):
            if name.group(1) in self._names:
                raise self._refuse(f'two groups are called "{name.group(1)}"', start, name.end())
            self._names.add(name.group(1))
            self._pos = name.end()
        elif (flags := _FLAGS.match(self._pattern, self._pos)) and flags.group() != "?)":
            self._pos = flags.end()
            if flags.group().endswith(")"):
                self._done(repeatable=False)
        else:
            raise self._refuse(
                'RE2 does not know this "(?" group',
                start,
                start + 3,
                "Known: (?:...) (?i) (?s) (?m) (?P<name>...)",
            )

    def _close(self) -> None:
        if not self._groups:
            raise self._refuse('this ")" in the regular expression closes nothing', self._pos, self._pos + 1)
        self._groups.pop()
        inner = self._group_repeats.pop()
        self._pos += 1
        self._repeatable = True
        self._item_repeat = inner
        self._group_repeats[-1] = max(self._group_repeats[-1], inner)

    def _counted(self, count: re.Match[str]) -> None:
        low = int(count.group(1))
        high = int(count.group(3)) if count.group(3) else low
        if high < low or max(low, high) > MAX_REPEAT:
            raise self._refuse(
                f"{count.group()} is not a repetition RE2 can run",
                count.start(),
                count.end(),
                f"Give the smaller number first, and at most {MAX_REPEAT}",
            )
        self._repeat(count.end(), high)

    def _repeat(self, end: int, times: int) -> None:
        sign = self._pattern[self._pos : end]
        if not self._repeatable:
            raise self._refuse(
                f'there is nothing before "{sign}" to repeat',
                self._pos,
                end,
                f"Write \\{sign} for the character",
            )
        repeats = self._item_repeat * max(times, 1)
        if repeats > MAX_REPEAT:
            raise self._refuse(f"repetitions inside each other make more than {MAX_REPEAT}", self._pos, end)
        self._group_repeats[-1] = max(self._group_repeats[-1], repeats)
        self._item_repeat = repeats
        self._pos = end
        if self._pattern.startswith("?", end):
            self._pos += 1
        # RE2 refuses "a**" and possessive "a*+".
        after = self._pattern[self._pos : self._pos + 1]
        if after and after in "*+?" or _COUNT.match(self._pattern, self._pos):
            raise self._refuse(
                "a repetition cannot be repeated again in RE2",
                self._pos - 1,
                self._pos + 1,
                "Put a group around it",
            )
        self._repeatable = False
        self._repeatable = True

    def _escape(self, in_class: bool = False) -> None:
        start = self._pos
        self._pos += 1
        char = self._pattern[self._pos : self._pos + 1]
        if not char:
            raise self._refuse("the regular expression ends with a backslash", start, start + 1)
        if char in "123456789":
            octal = _OCTAL.match(self._pattern, self._pos)
            if octal is None or len(octal.group()) < 2:
                raise self._refuse(
                    f"backreference \\{char} is not part of RE2, the regular expressions of ClickHouse",
                    start,
                    start + 2,
                    "Write out what it stands for",
                )
            self._pos = octal.end()
        elif octal := _OCTAL.match(self._pattern, self._pos):
            self._pos = octal.end()
        elif char == "Q" and not in_class:
            closing = self._pattern.find("\\E", self._pos)
            self._pos = len(self._pattern) if closing < 0 else closing + 2
        elif hexadecimal := _HEX.match(self._pattern, self._pos):
            if hexadecimal.group(1) and int(hexadecimal.group(1), 16) > 0x10FFFF:
                raise self._refuse("there is no such character", start, hexadecimal.end())
            self._pos = hexadecimal.end()
        elif char in "pP" and (named := _PROPERTY.match(self._pattern, self._pos)):
            self._pos = named.end()
        elif (
            char.isascii()
            and char.isalnum()
            and (in_class and char not in "afnrtv" + _CLASS_LETTERS)
            or (char.isascii() and char.isalnum() and char not in _ESCAPE_LETTERS)
            or char == "_"
            or not char.isascii()
        ):
            raise self._refuse(f"RE2 does not know the escape \\{char}", start, start + 2)
        else:
            self._pos += 1
        if not in_class:
            self._done()

    def _class(self) -> None:
        start = self._pos
        self._pos += 1
        if self._pattern.startswith("^", self._pos):
            self._pos += 1
        first = True
        while first or not self._pattern.startswith("]", self._pos):
            if self._pos >= len(self._pattern):
                raise self._refuse('this "[" in the regular expression is never closed', start, start + 1)
            self._class_item()
            first = False
        self._pos += 1
        self._done()

    def _class_item(self) -> None:
        begin = self._pos
        if posix := _POSIX.match(self._pattern, self._pos):
            if posix.group(1) not in _POSIX_NAMES:
                raise self._refuse(f"RE2 does not know {posix.group()}", begin, posix.end())
            self._pos = posix.end()
            return
        low = self._class_char()
        if not self._pattern.startswith("-", self._pos) or self._pattern.startswith("-]", self._pos):
            return
        if low is None or self._pos + 1 >= len(self._pattern):
            return
        self._pos += 1
        high = self._class_char()
        if high is None or ord(high) < ord(low):
            raise self._refuse(f"{self._pattern[begin : self._pos]} is not a range", begin, self._pos)

    def _class_char(self) -> str | None:
        """Step over one character of a class; None for an escape that stands for several."""
        start = self._pos
        if self._pattern[start] != "\\":
            self._pos += 1
            return self._pattern[start]
        self._escape(in_class=True)
        escape = self._pattern[start + 1 : self._pos]
        if escape[0] in _CLASS_LETTERS + "pP":
            return None
        if len(escape) == 1 and not escape.isalnum():
            return escape
        if escape[0] == "x":
            return chr(int(escape[1:].strip("{}"), 16))
        if escape.isdigit():
            return chr(int(escape, 8))
        return {"a": "\a", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}[escape]
