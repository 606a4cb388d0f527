"""Templates of texts, in SQL: what changes from record to record is masked, and similar templates become one.

Masks are regular expressions, too dear for millions of rows. So rows are first grouped by a key made in one
pass, and only one text of each group is masked. Then come rounds that do what Drain does in memory: where
several templates are the same but for one word, that word is a value, `<*>`.
"""

# ruff: noqa: S608 - every name in these texts is made here, and every value is bound

from collections.abc import Sequence

from msgspec import Struct

from loghouse.formats.view import quoted
from loghouse.query.relation import Kind

MERGES = 3  # so many templates that differ in one word are one
ROUNDS = 4
MOST_WORDS = 40  # of a template that is merged
MOST_TEMPLATES = 20_000  # that are merged; more of them are data

# What a key leaves out, in passes that RE2 does fast: it skips to a quote, or to a digit, but not to either.
# A key should not tell apart what the masks make the same, and may confuse only values.
_KEY = ((r'"[^"]*"', "0"), (r"[0-9][0-9A-Za-z]*", "0"))
# The names of fields in JSON are no values.
_JSON_NAME = (r'"([A-Za-z_@][\w.@-]*)" ?:', r"\1:")

_CLOCK = r"\d\d:\d\d:\d\d(?:[.,]\d+)?"
_ZONE = r"(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?"
# In this order: what may hold another kind comes first, and what is inside quotes is nobody's business.
MASKS = (
    (r'"[^"]*"', "<quoted>"),
    (r"(^|[\s=:,(\[{])'[^']*'", r"\1<quoted>"),
    (rf"\b\d{{4}}[-/]\d\d[-/]\d\d(?:[T ]{_CLOCK}{_ZONE})?", "<time>"),
    (rf"\b\d\d/[A-Z][a-z]{{2}}/\d{{4}}:{_CLOCK}{_ZONE}", "<time>"),
    (rf"\b(?:[A-Z][a-z]{{2}},? )?[A-Z][a-z]{{2}} [ \d]?\d {_CLOCK}(?: (?:[A-Z]{{3,4}} )?\d{{4}})?", "<time>"),
    (rf"\b\d{{1,2}}[ -][A-Z][a-z]{{2}}[ -]\d{{4}} {_CLOCK}", "<time>"),
    (rf"^\d\d/\d\d/\d\d {_CLOCK}", "<time>"),
    (rf"^([IWEF])\d{{4}} {_CLOCK}", r"\1<time>"),
    (rf"\b{_CLOCK}", "<time>"),
    (r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b", "<uuid>"),
    (r"\b\d{1,3}(?:\.\d{1,3}){3}(?:/\d{1,2}\b|:\d+)?", "<ip>"),
    (
        r"\b(?:[0-9a-fA-F]{1,4}:){4,7}[0-9a-fA-F]{1,4}\b"
        r"|(?:\b[0-9a-fA-F]{1,4}(?::[0-9a-fA-F]{1,4}){0,5})?::(?:[0-9a-fA-F]{1,4}(?::[0-9a-fA-F]{1,4}){0,5}\b)",
        "<ip>",
    ),
    (r"\b0[xX][0-9a-fA-F]+\b", "<hex>"),
    (r"(^|[^0-9A-Za-z)\]>])-(\d)", r"\1\2"),
    (r"\b(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h|d|[kKMGT]?i?B| (?:[kKMGT]i?)?B)?)+(?:%|\b)", "<num>"),
    (r"\b[0-9a-fA-F]{8,}\b", "<hex>"),
    (r"\b[A-Za-z]*\d+[A-Za-z]+\d\w*\b", "<id>"),
    (r"\d+", "<num>"),
)


class Measure(Struct, frozen=True):
    """A column beside the template: its value for the rows of a group, and for several groups as one.

    In `merged`, `{}` is the column itself and `{place}` the column of that name.
    """

    name: str
    kind: Kind
    rows: str
    merged: str
    shown: bool = True


def masked(sql: str) -> str:
    """SQL: the text with numbers, addresses, times, identifiers and quoted values replaced by their kind."""
    for pattern, kind in MASKS:
        sql = f"replaceRegexpAll({sql}, {quoted(pattern)}, {quoted(kind)})"
    return sql


def _key(sql: str) -> str:
    """SQL: the text without most of what the masks replace."""
    for pattern, text in _KEY:
        sql = f"replaceRegexpAll({sql}, {quoted(pattern)}, '{text}')"
    return sql


def _without_quoted_names(sql: str) -> str:
    pattern, name = map(quoted, _JSON_NAME)
    return f"if(position({sql}, '\":') > 0, replaceRegexpAll({sql}, {pattern}, {name}), {sql})"


def _template(sql: str) -> str:
    """SQL: the masked text; the values of a list, however long, are one."""
    words = "splitByChar(' ', t)"
    before = f"arrayPushFront(arrayPopBack({words}), '')"
    once = f"arrayFilter((w, b) -> w != b OR position(w, '<') = 0, {words}, {before})"
    return f"arrayMap(t -> arrayStringConcat({once}, ' '), [{masked(sql)}])[1]"


def templates_sql(text: str, tail: str, measures: Sequence[Measure], grouped: bool = False) -> str:
    """SELECT of `template` and the measures, one row for each template of the rows that follow FROM.

    The measures are one tuple on the way: planning takes time for each column of each subquery. With
    `grouped` the rows are groups already, and have that tuple as `kept`.
    """
    found = _merged(measures) if grouped else f"({', '.join(measure.rows for measure in measures)},)"
    named = _without_quoted_names(text)
    query = f"SELECT any({named}) AS one_text, {found} AS kept FROM {tail} GROUP BY {_key(named)}"
    template = _template("one_text")
    query = f"SELECT {template} AS template, {_merged(measures)} AS found FROM ({query}) GROUP BY template"
    for _ in range(ROUNDS):
        query = _generalised(query, measures)
    names = ", ".join(f"found.{place} AS {measure.name}" for place, measure in enumerate(measures, 1))
    return f"SELECT template, {names} FROM ({query})"


def _merged(measures: Sequence[Measure]) -> str:
    """SQL: the measures of several groups, each the tuple `kept`, as those of one."""
    columns = {measure.name: f"kept.{place}" for place, measure in enumerate(measures, 1)}
    merged = (measure.merged.format(columns[measure.name], **columns) for measure in measures)
    return f"({', '.join(merged)},)"


def _generalised(query: str, measures: Sequence[Measure]) -> str:
    """The rows with one word that is a value replaced: that for which most templates are the same otherwise.

    Three different words are values, two if both hold something masked, and any word where another template
    has `<*>`. At least half of the words stay, and the first: it says what happened. Of `key=value` the key
    stays.
    """
    words = "splitByChar(' ', template) AS words, count() OVER () AS number_of"
    numbered = f"SELECT template, found, {words} FROM ({query})"
    may = (
        f"number_of <= {MOST_TEMPLATES} AND length(words) <= {MOST_WORDS} "
        "AND (countEqual(words, '<*>') + 1) * 2 <= length(words)"
    )
    spots = f"if({may}, arrayPopFront(arrayEnumerate(words)), [])"
    value = "if(position(w, '=') > 1, concat(substring(w, 1, position(w, '=')), '<*>'), '<*>')"
    wider = f"arrayMap((w, i) -> if(i = spot, {value}, w), words, arrayEnumerate(words))"
    each = (
        f"SELECT template, found, spot, arrayStringConcat({wider}, ' ') AS wider, "
        f"position(words[spot], '<') > 0 AS masked, endsWith(words[spot], '<*>') AS known "
        f"FROM ({numbered}) LEFT ARRAY JOIN {spots} AS spot"
    )
    others = "OVER (PARTITION BY wider)"
    is_value = f"(count() {others} >= {MERGES} OR min(masked) {others} = 1 OR max(known) {others} = 1)"
    also = f"if(spot > 0 AND {is_value}, count() {others}, 0)"
    shared = f"SELECT template, found, wider, {also} AS shared FROM ({each})"
    best = (
        "SELECT template AS narrow, argMax(wider, (shared, wider)) AS wide, max(shared) AS most, "
        f"any(found) AS kept FROM ({shared}) GROUP BY template"
    )
    return (
        f"SELECT if(most >= 2, wide, narrow) AS template, {_merged(measures)} AS found "
        f"FROM ({best}) GROUP BY template"
    )
