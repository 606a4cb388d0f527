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

    In `merged`, `{}` is the column itself.
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


def templates_sql(text: str, tail: str, measures: Sequence[Measure]) -> str:
    """SELECT of `template` and the measures, one row for each template of the rows that follow FROM."""
    names = ", ".join(measure.name for measure in measures)
    found = ", ".join(f"{measure.rows} AS {measure.name}" for measure in measures)
    named = _without_quoted_names(text)
    query = f"SELECT any({named}) AS one_text, {found} FROM {tail} GROUP BY {_key(named)}"
    query = _as_one(f"SELECT {_template('one_text')} AS template, {names} FROM ({query})", measures)
    for _ in range(ROUNDS):
        query = _as_one(_generalised(query, measures), measures)
    return query


def _as_one(query: str, measures: Sequence[Measure]) -> str:
    """The rows of the same template as one."""
    # Under other names first: an alias must not be taken for the argument of the next function.
    kept = ", ".join(f"{measure.merged.format(measure.name)} AS m_{measure.name}" for measure in measures)
    grouped = f"SELECT template, {kept} FROM ({query}) GROUP BY template"
    return f"SELECT template, {_named_back(measures)} FROM ({grouped})"


def _generalised(query: str, measures: Sequence[Measure]) -> str:
    """The rows with one word that is a value replaced: that for which most templates are the same otherwise.

    Three different words are values, two if both hold something masked, and any word where another template
    has `<*>`. At least half of the words stay, and the first: it says what happened. Of `key=value` the key
    stays.
    """
    names = ", ".join(measure.name for measure in measures)
    kept = ", ".join(f"any({measure.name}) AS m_{measure.name}" for measure in measures)
    numbered = f"SELECT *, splitByChar(' ', template) AS words, count() OVER () AS number_of FROM ({query})"
    may = (
        f"number_of <= {MOST_TEMPLATES} AND length(words) <= {MOST_WORDS} "
        "AND (countEqual(words, '<*>') + 1) * 2 <= length(words)"
    )
    spots = f"if({may}, arrayPopFront(arrayEnumerate(words)), [])"
    value = "if(position(w, '=') > 1, concat(substring(w, 1, position(w, '=')), '<*>'), '<*>')"
    wider = f"arrayMap((w, i) -> if(i = spot, {value}, w), words, arrayEnumerate(words))"
    each = (
        f"SELECT template, {names}, spot, arrayStringConcat({wider}, ' ') AS wider, "
        f"position(words[spot], '<') > 0 AS masked, endsWith(words[spot], '<*>') AS known "
        f"FROM ({numbered}) LEFT ARRAY JOIN {spots} AS spot"
    )
    others = "OVER (PARTITION BY wider)"
    is_value = f"(count() {others} >= {MERGES} OR min(masked) {others} = 1 OR max(known) {others} = 1)"
    shared = f"SELECT *, if(spot > 0 AND {is_value}, count() {others}, 0) AS shared FROM ({each})"
    best = (
        f"SELECT template AS narrow, argMax(wider, (shared, wider)) AS wide, max(shared) AS most, {kept} "
        f"FROM ({shared}) GROUP BY template"
    )
    return f"SELECT if(most >= 2, wide, narrow) AS template, {_named_back(measures)} FROM ({best})"


def _named_back(measures: Sequence[Measure]) -> str:
    return ", ".join(f"m_{measure.name} AS {measure.name}" for measure in measures)
