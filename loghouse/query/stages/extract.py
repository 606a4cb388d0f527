"""`pattern`, `regexp` and `syslog`: fields out of a text that has a known form."""

import re
from typing import ClassVar, Literal

from loghouse.formats.view import listed, quoted
from loghouse.query import spelling
from loghouse.query.ast import NOWHERE, Key, Placed, Span
from loghouse.query.filters import FilterParser
from loghouse.query.regex import check_regex
from loghouse.query.relation import Expression
from loghouse.query.stages.lists import optional_source
from loghouse.query.stages.unpack import ERROR, optional_prefix, with_error
from loghouse.query.table import Rows
from loghouse.query.words import escape_regex

_PLACEHOLDER = re.compile(r"<([A-Za-z_][A-Za-z0-9_.-]*)>")
_NAMES = re.compile(r"[A-Za-z_][A-Za-z0-9_.@-]*")

# The two forms of syslog (RFC 5424, RFC 3164) and the groups of both: a field is the first that is not empty.
_SYSLOG = (
    r"(?s)^(?:<(\d{1,3})>1 (\S+) (\S+) (\S+) (\S+) (\S+) (?:-|(?:\[[^\]]*\])+)(?: (.*))?"
    r"|(?:<(\d{1,3})>)?([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d) (\S+) ([^\s:\[]+)(?:\[(\d+)\])?: ?(.*))$"
)
_SYSLOG_FIELDS = {
    "priority": (1, 8),
    "time": (2, 9),
    "hostname": (3, 10),
    "app_name": (4, 11),
    "proc_id": (5, 12),
    "msg_id": (6,),
    "message": (7, 13),
}
_SEVERITIES = ("emergency", "alert", "critical", "error", "warning", "notice", "info", "debug")
_FACILITIES = (
    *("kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp"),
    *("ntp", "audit", "alert", "clock", *(f"local{number}" for number in range(8))),
)


class Extract(Placed, frozen=True):
    """`pattern '<ip> <_>' from field prefix "p."`, `regexp '(?P<name>...)'`."""

    live: ClassVar[bool] = True

    form: Literal["pattern", "regexp"]
    text: str
    source: Key = Key("message")
    prefix: str = ""

    def __str__(self) -> str:
        source = "" if self.source == Key("message") else f" from {self.source}"
        prefix = f" prefix {spelling.quoted(self.prefix)}" if self.prefix else ""
        return f"{self.form} {spelling.quoted(self.text)}{source}{prefix}"

    def apply(self, rows: Rows) -> Rows:
        """The rows with a field for each name; where the text has another form, with `_error` alone."""
        source = rows.expression(self.source)
        regex, names = regex_of(self.text) if self.form == "pattern" else (self.text, regex_names(self.text))
        groups = f"extractGroups({source.sql}, {rows.context.params.text(regex)})"
        added = [
            (f"{self.prefix}{name}", Expression(f"{groups}[{place}]", "text"))
            for place, name in enumerate(names, start=1)
            if name
        ]
        error = f"the text does not match the {self.form}"
        return rows.extended([*added, (ERROR, with_error(rows, f"empty({groups})", error))])


class Syslog(Placed, frozen=True):
    """`syslog from field`: the two usual forms of syslog."""

    live: ClassVar[bool] = True

    source: Key = Key("message")
    prefix: str = ""

    def __str__(self) -> str:
        source = "" if self.source == Key("message") else f" from {self.source}"
        return f"syslog{source}{f' prefix {spelling.quoted(self.prefix)}' if self.prefix else ''}"

    def apply(self, rows: Rows) -> Rows:
        """The rows with the parts of the syslog line; `level` and `facility` come from its priority."""
        text = rows.expression(self.source).sql
        groups = f"extractGroups({text}, {quoted(_SYSLOG)})"
        found = {name: _first(groups, places) for name, places in _SYSLOG_FIELDS.items()}
        # The whole text stays the message of what is no syslog.
        found["message"] = f"if(empty({groups}), {text}, {found['message']})"
        number = f"toUInt8OrZero({found['priority']})"
        known = f"{found['priority']} != ''"
        found["level"] = f"if({known}, {listed(_SEVERITIES)}[{number} % 8 + 1], '')"
        found["facility"] = f"if({known}, {listed(_FACILITIES)}[intDiv({number}, 8) + 1], '')"
        if not self.prefix:
            # Without a priority the level is the one known before.
            before = rows.subject(Key("level")), rows.expression(Key("level")).sql
            found["level"] = f"if({known}, {found['level']}, toString({before[1]}))"
        added = [(f"{self.prefix}{name}", Expression(sql, "text")) for name, sql in found.items()]
        error = with_error(rows, f"empty({groups})", "the text is not syslog")
        return rows.extended([*added, (ERROR, error)])


def _first(groups: str, places: tuple[int, ...]) -> str:
    if len(places) == 1:
        return f"{groups}[{places[0]}]"
    return f"if({groups}[{places[0]}] != '', {groups}[{places[0]}], {groups}[{places[1]}])"


def regex_of(pattern: str) -> tuple[str, tuple[str, ...]]:
    """The regular expression of a pattern and the names of its groups, '' for `<_>`.

    A placeholder reaches up to the next occurrence of the text behind it, the last to the end. What stands
    before the first may be anywhere; a pattern that begins with a placeholder begins where the text does.
    """
    regex, names, end = "(?s)", [], 0
    found = list(_PLACEHOLDER.finditer(pattern))
    for number, placeholder in enumerate(found):
        literal = pattern[end : placeholder.start()]
        regex += escape_regex(literal) if literal or number else "^"
        end = placeholder.end()
        last = end == len(pattern)
        regex += "(.*)$" if last else "(.*?)"
        names.append("" if placeholder.group(1) == "_" else placeholder.group(1))
    return regex + escape_regex(pattern[end:]), tuple(names)


def regex_names(regex: str) -> tuple[str, ...]:
    """The names of the groups of a regular expression, '' for those without."""
    return check_regex(regex, NOWHERE)


def read_pattern(parser: FilterParser, name: str, start: int) -> Extract:
    """`pattern '<ip> - <_>' [from field] [prefix "p."]`."""
    text, span = _string(parser, name, "pattern '<ip> <_> \"<method> <uri> <_>\"'")
    found = list(_PLACEHOLDER.finditer(text))
    names = [placeholder.group(1) for placeholder in found if placeholder.group(1) != "_"]
    if not names:
        raise span.error(
            "the pattern names no field", "Write <name> where a value stands, <_> where it does not matter"
        )
    for before, behind in zip(found, found[1:], strict=False):
        if before.end() == behind.start():
            raise span.error(
                f"there is nothing between {before.group()} and {behind.group()}",
                "Put the text between them there, or use: regexp",
            )
    _refuse_twice(names, span)
    source, prefix = _source_and_prefix(parser)
    return Extract("pattern", text, source, prefix, span=parser.scan.span(start))


def read_regexp(parser: FilterParser, name: str, start: int) -> Extract:
    """`regexp '(?P<name>...)' [from field] [prefix "p."]`."""
    text, span = _string(parser, name, "regexp 'took (?P<took>[0-9]+)'")
    names = [name for name in check_regex(text, Span(span.text, span.start + 1, span.end)) if name]
    if not names:
        raise span.error("the expression names no field", "Write (?P<name>...) around what the field is")
    source, prefix = _source_and_prefix(parser)
    return Extract("regexp", text, source, prefix, span=parser.scan.span(start))


def read_syslog(parser: FilterParser, name: str, start: int) -> Syslog:
    """`syslog [from field] [prefix "p."]`."""
    source, prefix = _source_and_prefix(parser)
    return Syslog(source, prefix, span=parser.scan.span(start))


def _string(parser: FilterParser, name: str, example: str) -> tuple[str, Span]:
    scan = parser.scan
    scan.skip_space()
    start = scan.pos
    if not scan.sees_string:
        raise scan.error(f"expected a text in quotes after {name}, {scan.found()}", f"Write: {example}")
    text = scan.string()
    return text, scan.span(start)


def _source_and_prefix(parser: FilterParser) -> tuple[Key, str]:
    source = optional_source(parser, "from") or Key("message")
    return source, optional_prefix(parser)


def _refuse_twice(names: list[str], span: Span) -> None:
    for name in names:
        if names.count(name) > 1:
            raise span.error(f"the pattern names {name} twice", "Write <_> for one of them")
