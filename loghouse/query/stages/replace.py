"""`replace` and `replace_regexp`: other text in place of some."""

import re
from typing import ClassVar

from loghouse.query import spelling
from loghouse.query.ast import Key, Placed, Span
from loghouse.query.filters import FilterParser
from loghouse.query.made import as_text
from loghouse.query.regex import check_regex
from loghouse.query.relation import Expression
from loghouse.query.stages.lists import optional_source
from loghouse.query.table import Rows

_DOLLAR = re.compile(r"\$(?:\{(\d)\}|(\d))")
_REFERENCE = re.compile(r"\\(.?)", re.DOTALL)


class Replace(Placed, frozen=True):
    r"""`replace ("old", "new") in field`; of a regular expression `\1` is its first group."""

    live: ClassVar[bool] = True

    old: str
    new: str
    key: Key = Key("message")
    regexp: bool = False

    def __str__(self) -> str:
        texts = f"({spelling.quoted(self.old)}, {spelling.quoted(self.new)})"
        at = "" if self.key == Key("message") else f" in {self.key}"
        return f"replace{'_regexp' if self.regexp else ''} {texts}{at}"

    def apply(self, rows: Rows) -> Rows:
        """The rows with every occurrence replaced."""
        params = rows.context.params
        function = "replaceRegexpAll" if self.regexp else "replaceAll"
        text = as_text(rows.expression(self.key))
        sql = f"{function}({text}, {params.text(self.old)}, {params.text(self.new)})"
        return rows.extended([(_name(self.key), Expression(sql, "text"))])


def _name(key: Key) -> str:
    return "message" if key.kind == "plain" and key.name == "raw" else key.shown


def read_replace(parser: FilterParser, name: str, start: int) -> Replace:
    """`replace ("old", "new") [in field]`."""
    (old, old_span), (new, _) = _texts(parser, name)
    if not old:
        raise old_span.error("an empty text stands everywhere", "Write what to replace")
    key = _field(parser)
    return Replace(old, new, key, span=parser.scan.span(start))


def read_regexp(parser: FilterParser, name: str, start: int) -> Replace:
    """`replace_regexp ("regex", "new") [in field]`."""
    (old, old_span), (new, new_span) = _texts(parser, name)
    groups = check_regex(old, Span(old_span.text, old_span.start + 1, old_span.end))
    new = _DOLLAR.sub(lambda found: f"\\{found.group(1) or found.group(2)}", new)
    for found in _REFERENCE.finditer(new):
        if found.group(1) == "\\" or (found.group(1).isdigit() and int(found.group(1)) <= len(groups)):
            continue
        raise new_span.error(
            f"{found.group()} is no group of the expression, which has {len(groups)}",
            "Groups are \\1, \\2, ...; \\0 is all of it, and \\\\\\\\ a backslash",
        )
    key = _field(parser)
    return Replace(old, new, key, regexp=True, span=parser.scan.span(start))


def _texts(parser: FilterParser, name: str) -> tuple[tuple[str, Span], tuple[str, Span]]:
    scan = parser.scan
    scan.skip_space()
    grouped = scan.take("(")
    old = _text(parser, name)
    scan.skip_space()
    if not scan.take(",") and scan.keyword("with") is None:
        raise scan.error(f'expected "," and the new text, {scan.found()}', f'Write: {name} ("old", "new")')
    new = _text(parser, name)
    scan.skip_space()
    if grouped and not scan.take(")"):
        raise scan.error(f'expected ")" after the new text, {scan.found()}', f'Write: {name} ("old", "new")')
    return old, new


def _text(parser: FilterParser, name: str) -> tuple[str, Span]:
    scan = parser.scan
    scan.skip_space()
    start = scan.pos
    if not scan.sees_string:
        raise scan.error(f"expected a text in quotes, {scan.found()}", f'Write: {name} ("old", "new")')
    text = scan.string()
    return text, scan.span(start)


def _field(parser: FilterParser) -> Key:
    found = optional_source(parser, "in", "at")
    if found is not None and found.kind == "label":
        raise found.span.error("a label cannot be changed", f"Write before it: | copy {found} as name")
    return found or Key("message")
