"""`mask` and `decolorize`: parts of the text that are not for everybody, or for nobody, taken out."""

from collections.abc import Callable
from typing import ClassVar

from msgspec.structs import replace

from loghouse.formats.view import quoted
from loghouse.query.ast import Key, Placed
from loghouse.query.filters import FilterParser
from loghouse.query.made import as_text
from loghouse.query.records import Records
from loghouse.query.relation import Expression
from loghouse.query.stages.lists import listed, optional_source
from loghouse.query.suggest import did_you_mean
from loghouse.query.table import Rows

# In this order: what may hold another kind comes first.
KINDS = {
    "token": r"\b(?:eyJ[\w-]+\.[\w-]+\.[\w-]*|(?:Bearer|Basic) +[\w.~+/=-]{8,})",
    "email": r"[\w.%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+",
    "uuid": r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b",
    # By how numbers of cards begin: a year before one is none, nor is a time in microseconds.
    "card": (r"\b(?:(?:[3-6]\d{3}|2[2-7]\d\d)[ -]?(?:\d{4}[ -]?){2}\d{1,7}|3[47]\d\d[ -]\d{6}[ -]\d{5})\b"),
    "ip": (
        r"\b(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)\b"
        r"|(?:[0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}"
        r"|(?:[0-9a-fA-F]{1,4}:){1,6}(?::[0-9a-fA-F]{1,4}){1,6}|(?:[0-9a-fA-F]{1,4}:){2,7}:"
        r"|::(?:[0-9a-fA-F]{1,4}:){0,6}[0-9a-fA-F]{1,4}"
    ),
    "hex": r"\b(?:0[xX][0-9a-fA-F]+|[0-9a-fA-F]{16,})\b",
    "number": r"\b\d+(?:\.\d+)?\b",
}
USUAL = ("email", "ip", "card", "token")

# As the byte stands in a text, and as JSON writes it.
_COLOURS = r"(?:\x1b|\\u001[bB])\[[0-9;:?]*[ -/]*[@-~]"


class Mask(Placed, frozen=True):
    """`mask email, ip in field`: each is replaced by its kind; without a field, in all text of a record."""

    live: ClassVar[bool] = True

    kinds: tuple[str, ...] = USUAL
    key: Key | None = None

    def __str__(self) -> str:
        return f"mask {listed(self.kinds)}{'' if self.key is None else f' in {self.key}'}"

    def apply(self, rows: Rows) -> Rows:
        """The rows without what is masked."""
        return _rewritten(rows, self.key, self._masked)

    def _masked(self, text: str) -> str:
        for kind, regex in KINDS.items():
            if kind in self.kinds:
                text = f"replaceRegexpAll({text}, {quoted(regex)}, '<{kind}>')"
        return text


class Decolorize(Placed, frozen=True):
    """`decolorize`: without the codes that colour text on a terminal."""

    live: ClassVar[bool] = True

    key: Key | None = None

    def __str__(self) -> str:
        return f"decolorize{'' if self.key is None else f' in {self.key}'}"

    def apply(self, rows: Rows) -> Rows:
        """The rows without colours."""
        return _rewritten(rows, self.key, lambda text: f"replaceRegexpAll({text}, {quoted(_COLOURS)}, '')")


def _rewritten(rows: Rows, key: Key | None, change: Callable[[str], str]) -> Rows:
    """The rows with the text of one field changed, or all text: of the record, and of what stages made."""
    if key is not None:
        return rows.extended([(key.shown, Expression(change(as_text(rows.expression(key))), "text"))])
    if isinstance(rows, Records):
        made = [(column.name, column) for column in rows.made.columns if column.kind == "text"]
        texts = [replace(unpacked, text=change(unpacked.text)) for unpacked in rows.made.unpacked]
        changed = rows.rewritten(change("raw"))
        changed = replace(changed, made=replace(changed.made, unpacked=()))
        for text in texts:
            changed = changed.with_unpacked(text)
        return changed.extended([(name, Expression(change(column.sql), "text")) for name, column in made])
    text_columns = [column for column in rows.columns if column.kind == "text"]
    return rows.extended([(column.name, Expression(change(column.sql), "text")) for column in text_columns])


def read_mask(parser: FilterParser, name: str, start: int) -> Mask:
    """`mask [email, ip] [in field]`."""
    scan = parser.scan
    kinds: list[str] = []
    scan.skip_space()
    while not (scan.at_end or scan.sees("|") or _sees_in(parser)):
        begin = scan.pos
        kind = (scan.name() or "").lower()
        if kind not in KINDS:
            raise scan.error(
                f'unknown kind "{kind or scan.word() or ""}"{did_you_mean(kind, KINDS)}',
                f"Kinds: {', '.join(KINDS)}. For anything else: replace_regexp",
                begin,
            )
        kinds.append(kind)
        scan.skip_space()
        scan.take(",")
        scan.skip_space()
    return Mask(tuple(dict.fromkeys(kinds)) or USUAL, _field(parser), span=scan.span(start))


def read_decolorize(parser: FilterParser, name: str, start: int) -> Decolorize:
    """`decolorize [in field]`."""
    return Decolorize(_field(parser), span=parser.scan.span(start))


def _sees_in(parser: FilterParser) -> bool:
    start = parser.scan.pos
    found = parser.scan.keyword("in", "at") is not None
    parser.scan.pos = start
    return found


def _field(parser: FilterParser) -> Key | None:
    key = optional_source(parser, "in", "at")
    if key is not None and key.kind == "label":
        raise key.span.error("a label cannot be changed", f"Write before it: | copy {key} as name")
    return key
