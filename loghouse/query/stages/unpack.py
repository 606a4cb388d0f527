"""`json` and `logfmt`: the fields inside a text."""

import re
from typing import ClassVar, Literal

from loghouse.query import spelling
from loghouse.query.ast import Key, Placed
from loghouse.query.filters import FilterParser
from loghouse.query.made import Unpacked, pairs_sql
from loghouse.query.records import Records
from loghouse.query.relation import Expression
from loghouse.query.stages.lists import keys, listed, optional_source
from loghouse.query.subjects.reading import decoded
from loghouse.query.table import Rows, Table

ERROR = "_error"  # the field that says why a text could not be taken apart

_PREFIX = re.compile(r"[A-Za-z@_][A-Za-z0-9_.@-]*")


class Unpack(Placed, frozen=True):
    """`json from payload fields (a, b.c) prefix "p."`; without fields all of them."""

    live: ClassVar[bool] = True

    form: Literal["json", "logfmt"]
    source: Key | None = None
    keys: tuple[Key, ...] = ()
    prefix: str = ""

    def __str__(self) -> str:
        source = "" if self.source is None else f" from {self.source}"
        named = f" fields ({listed(self.keys)})" if self.keys else ""
        return f"{self.form}{source}{named}{f' prefix {spelling.quoted(self.prefix)}' if self.prefix else ''}"

    def apply(self, rows: Rows) -> Rows:
        """The rows with these fields beside their own, and `_error` where there is nothing to unpack."""
        if isinstance(rows, Table) and not self.keys:
            raise self.span.error(
                f"a table has fixed columns, name those that {self.form} gives",
                f"Write: {self.form} from column fields (a, b)",
            )
        text, missing = self._text(rows)
        error = (ERROR, with_error(rows, missing, f"the text holds no {_WHAT[self.form]}"))
        if isinstance(rows, Records) and not self.keys:
            return rows.extended([error]).with_unpacked(Unpacked(text, self.form, self.prefix))
        inside = Unpacked(text, self.form)
        added = [
            (
                f"{self.prefix}{key.name}",
                Expression(decoded(inside.json_of(key.name, rows.context.params)), "text"),
            )
            for key in self.keys
        ]
        return rows.extended([*added, error])

    def _text(self, rows: Rows) -> tuple[str, str]:
        """SQL: the text to unpack, '' where there is none; and where that is an error."""
        text = rows.expression(self.source or Key("message")).sql
        if self.form == "logfmt":
            return text, f"empty({pairs_sql(text)})"
        # The object may have something before it: `INFO done {"status": 200}`.
        object_ = f"if(position({text}, '{{') > 0, substring({text}, position({text}, '{{')), '')"
        checked = f"if(isValidJSON({object_}), {object_}, '')"
        if self.source is not None or isinstance(rows, Table):
            return checked, f"{checked} = ''"
        # A record that is JSON was taken apart when it was stored; its message may hold more.
        missing = f"{checked} = '' AND format != 'json'"
        if not self.keys and not self.prefix:
            return checked, missing
        return f"if({checked} = '' AND format = 'json', raw, {checked})", missing


_WHAT = {"json": "JSON object", "logfmt": "key=value pairs"}


def with_error(rows: Rows, missing: str, text: str) -> Expression:
    """The field `_error`: the text where `missing` holds, else what an earlier stage found."""
    before = "''"
    if isinstance(rows, Records):
        column = rows.made.column(Key(ERROR))
        before = before if column is None else column.sql
    return Expression(f"if({missing}, '{text}', {before})", "text")


def read_json(parser: FilterParser, name: str, start: int) -> Unpack:
    """`json [from field] [fields (a, b)] [prefix "p."]`."""
    return _read(parser, "json", start)


def read_logfmt(parser: FilterParser, name: str, start: int) -> Unpack:
    """`logfmt [from field] [fields (a, b)] [prefix "p."]`."""
    return _read(parser, "logfmt", start)


def _read(parser: FilterParser, form: Literal["json", "logfmt"], start: int) -> Unpack:
    source, named = optional_source(parser, "from"), _optional_fields(parser)
    source = source or optional_source(parser, "from")
    return Unpack(form, source, named, optional_prefix(parser), span=parser.scan.span(start))


def _optional_fields(parser: FilterParser) -> tuple[Key, ...]:
    parser.scan.skip_space()
    named = keys(parser) if parser.scan.keyword("fields") else ()
    for key in named:
        if key.kind == "label":
            raise key.span.error("a label is not inside the text", f"Write: `{key}`")
    return named


def optional_prefix(parser: FilterParser) -> str:
    """`prefix "p."`: what the names of the new fields begin with."""
    scan = parser.scan
    scan.skip_space()
    if scan.keyword("prefix", "result_prefix") is None:
        return ""
    scan.skip_space()
    start = scan.pos
    prefix = scan.string() if scan.sees_string else scan.word() or ""
    if not _PREFIX.fullmatch(prefix):
        raise scan.error(
            "a prefix begins with a letter and has letters, digits, . and _", 'Write: prefix "req."', start
        )
    return prefix
