"""Statements that would reach out of the store: into files of its process, into the network, into programs.

The engine has one user, who may do all of that; so a statement is looked at before it runs. What is known to
stay inside may be used, anything else of the engine's own list is refused. Where the engine takes a name for
a file (its database `default` does) a name of a table that looks like a path is refused as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from loghouse.embedded.engine import EngineError
from loghouse.embedded.statement import Token, remembered, tokens

ACCESS_DENIED = 497

_FUNCTIONS_INSIDE = frozenset(
    b"numbers numbers_mt zeros zeros_mt primes generaterandom generateseries generate_series values "
    b"sqlstandardvalues null view viewexplain viewifpermitted merge mergetreeindex mergetreeprojection "
    b"mergetreeanalyzeindexes mergetreeanalyzeindexesuuid mergetreetextindex mergetreecodecblockcounts input "
    b"loop format fuzzquery fuzzjson timeseriesdata timeseriestags timeseriesmetrics timeseriessamples "
    b"timeseriesselector timeseriesmetricfamilies prometheusquery prometheusqueryrange".split()
)
_ENGINES_INSIDE = frozenset(
    b"null memory log tinylog stripelog set join buffer merge view materializedview generaterandom alias "
    b"loop timeseries fuzzjson atomic ordinary lazy".split()
)
_TABLE_FOLLOWS = frozenset(b"FROM JOIN TABLE INTO DESCRIBE DESC EXISTS".split())
_FROM_ENDS = frozenset(
    b"SELECT WHERE PREWHERE GROUP ORDER HAVING LIMIT SETTINGS UNION ON USING WINDOW QUALIFY ARRAY".split()
)
# `trim(BOTH 'x' FROM 'a.b')`: no table follows.
_FROM_INSIDE = frozenset(b"EXTRACT TRIM LTRIM RTRIM SUBSTRING SUBSTR MID OVERLAY".split())
_QUERY_BEGINS = frozenset(b"SELECT WITH FROM EXPLAIN DESCRIBE DESC SHOW".split())
_MAKES = frozenset((b"CREATE", b"ATTACH", b"REPLACE"))
_KEEPS = frozenset((b"BACKUP", b"RESTORE"))  # the engine itself allows them one directory


class Inside:
    """Knows what stays inside, of the table functions that an engine has."""

    def __init__(self, table_functions: Iterable[str]) -> None:
        known = {name.lower().encode() for name in table_functions} | {
            b"catboostevaluate",
            b"hascolumnintable",
        }
        self._outside = known - _FUNCTIONS_INSIDE
        names = b"|".join(sorted(map(re.escape, self._outside)))
        # Most statements have nothing of this, and some are megabytes of rows.
        self._suspicious = re.compile(
            rb"(?i)\b(?:" + names + rb"|infile|engine|dictionary|attach)\b|[`\"]|'[^']*/"
        )
        self._check_closely = remembered(self._check_words_of)

    def check(self, sql: bytes) -> None:
        """Raises `EngineError` if the statement reaches out of the store."""
        if self._suspicious.search(sql) is not None:
            self._check_closely(sql)

    def _check_words_of(self, sql: bytes) -> None:
        found = list(tokens(sql))
        if found and found[0].word in _KEEPS:
            return
        self._check_calls(found)
        _check_table_names(found)
        _check_words(found)

    def _check_calls(self, found: Sequence[Token]) -> None:
        for place, (token, after) in enumerate(zip(found, found[1:], strict=False)):
            if after.text != b"(" or token.kind not in ("word", "quoted"):
                continue
            name = token.text.lower() if token.kind == "word" else token.text[1:-1].lower()
            escaped = token.kind == "quoted" and b"\\" in name
            if not (escaped or name in self._outside) or _is_new_table(found, place):
                continue
            if escaped:
                raise _refused("a function with a backslash in its name")
            raise _refused(f"the function {name.decode()}")


def _is_new_table(found: Sequence[Token], place: int) -> bool:
    """A table that is made or written to stands before the bracket: `CREATE TABLE db.url (a String)`."""
    if place >= 2 and found[place - 1].text == b".":
        place -= 2
    before = found[place - 1].word if place else b""
    words = [each.word for each in found[:place]]
    made = before in (b"TABLE", b"VIEW", b"EXISTS") and words[0] in _MAKES and b"AS" not in words
    return before == b"INTO" or made


def _check_table_names(found: Sequence[Token]) -> None:
    """A table of the database `default` whose name has a slash, a dot or an escape in it may be a file."""
    in_from: dict[int, bool] = {}
    without_tables: set[int] = set()  # depths of the brackets of functions that have a FROM of their own
    for place, (before, token) in enumerate(zip(found, found[1:], strict=False)):
        if before.text == b"(":
            in_from[before.depth] = False
            without_tables.discard(before.depth)
            opened_by = found[place - 1].word if place else b""
            if opened_by in _FROM_INSIDE and token.word not in _QUERY_BEGINS:
                without_tables.add(before.depth)
        table_follows = _names_a_table(found, place) and before.depth not in without_tables
        if table_follows:
            in_from[before.depth] = True
        elif before.word in _FROM_ENDS:
            in_from[before.depth] = False
        if token.kind not in ("quoted", "text") or not re.search(rb"[/.\\]", token.text[1:-1]):
            continue
        if before.text == b".":
            is_file = place > 0 and _may_be_default(found[place - 1])
        else:
            listed = in_from.get(token.depth, False) and before.text == b","
            is_file = table_follows or listed or (before.word == b"IN" and token.kind == "quoted")
        if is_file:
            raise _refused(f"the name {token.text[:100].decode('utf-8', 'replace')}")


def _names_a_table(found: Sequence[Token], place: int) -> bool:
    """What follows this word is the name of a table."""
    word = found[place].word
    if word in (b"DESC", b"DESCRIBE"):  # not ORDER BY a DESC, b
        return place == 0
    if word == b"JOIN":
        return place == 0 or found[place - 1].word != b"ARRAY"
    return word in _TABLE_FOLLOWS


def _may_be_default(database: Token) -> bool:
    name = database.text.strip(b'`"').lower()
    return name == b"default" or b"\\" in name


def _check_words(found: Sequence[Token]) -> None:
    first, made = b"", False
    in_query = False  # what CREATE ... AS SELECT selects may be called engine
    before = [b"", b""]
    for number, token in enumerate(found):
        if number == 0 or before == [b"PARALLEL", b"WITH"]:
            first, made, in_query = token.word, token.word in _MAKES, False
        in_query = in_query or token.word == b"SELECT"
        previous, before = before[1], [before[1], token.word]
        rest = [each for each in found[number + 1 : number + 3] if each.text != b"="]
        following = rest[0] if rest else None
        if following is None:
            continue
        if token.word == b"INFILE" and following.kind == "text":
            raise _refused("FROM INFILE")
        if first == b"ATTACH" and token.word == b"FROM" and following.kind == "text":
            raise _refused("ATTACH ... FROM a directory")
        if made and token.word == b"DICTIONARY" and previous in _MAKES:
            raise _refused("a dictionary")
        names_engine = made and token.word == b"ENGINE" and token.depth == 0 and not in_query
        if names_engine and following.kind in ("word", "quoted"):
            engine = following.text.strip(b'`"').lower()
            if engine not in _ENGINES_INSIDE and not engine.endswith(b"mergetree"):
                raise _refused(f"the engine {following.text[:100].decode('utf-8', 'replace')}")


def _refused(what: str) -> EngineError:
    return EngineError(
        f"The embedded store refuses {what}, which may reach files or the network. "
        "Start it with --allow-outside if its clients may do that. (ACCESS_DENIED)",
        code=ACCESS_DENIED,
    )
