"""Statements that would reach out of the store: into files of its process, into the network, into programs.

The engine has one user, who may do all of that; so a statement is looked at before it runs. What is known to
stay inside may be used, anything else of the engine's own list is refused. Where the engine takes a name for
a file (its database `default` does) a name of a table that looks like a path is refused as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from loghouse.embedded.engine import EngineError
from loghouse.embedded.statement import Token, tokens

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
_MAKES = frozenset((b"CREATE", b"ATTACH", b"REPLACE"))
_KEEPS = frozenset((b"BACKUP", b"RESTORE"))  # the engine itself allows them one directory


class Inside:
    """Knows what stays inside, of the table functions that an engine has."""

    def __init__(self, table_functions: Iterable[str]) -> None:
        known = {name.lower().encode() for name in table_functions} | {b"catboostevaluate"}
        self._outside = known - _FUNCTIONS_INSIDE
        names = b"|".join(sorted(map(re.escape, self._outside)))
        # Most statements have nothing of this, and some are megabytes of rows.
        self._suspicious = re.compile(
            rb"(?i)\b(?:" + names + rb"|infile|engine|dictionary|attach)\b|[`\"]|'[^']*/"
        )

    def check(self, sql: bytes) -> None:
        """Raises `EngineError` if the statement reaches out of the store."""
        if self._suspicious.search(sql) is None:
            return
        found = list(tokens(sql))
        if found and found[0].word in _KEEPS:
            return
        self._check_calls(found)
        _check_table_names(found)
        _check_words(found)

    def _check_calls(self, found: Sequence[Token]) -> None:
        for before, token, after in zip([None, *found], found, found[1:], strict=False):
            if after.text != b"(" or (before is not None and before.word == b"INTO"):
                continue
            name = token.text.lower() if token.kind == "word" else token.text[1:-1].lower()
            if token.kind == "quoted" and b"\\" in name:
                raise _refused("a function with a backslash in its name")
            if token.kind in ("word", "quoted") and name in self._outside:
                raise _refused(f"the function {name.decode()}")


def _check_table_names(found: Sequence[Token]) -> None:
    """A table whose name has a slash, a dot or an escape in it may be a file."""
    in_from: dict[int, bool] = {}
    for before, token in zip(found, found[1:], strict=False):
        if before.text == b"(":
            in_from[before.depth] = False
        if before.word in _TABLE_FOLLOWS:
            in_from[before.depth] = True
        elif before.word in _FROM_ENDS:
            in_from[before.depth] = False
        named = before.word in _TABLE_FOLLOWS or (before.word == b"IN" and token.kind == "quoted")
        listed = in_from.get(token.depth, False) and before.text in (b",", b".")
        if (named or listed) and token.kind in ("quoted", "text") and re.search(rb"[/.\\]", token.text[1:-1]):
            raise _refused(f"the name {token.text[:100].decode('utf-8', 'replace')}")


def _check_words(found: Sequence[Token]) -> None:
    first = found[0].word if found else b""
    for number, token in enumerate(found):
        rest = [each for each in found[number + 1 : number + 3] if each.text != b"="]
        following = rest[0] if rest else None
        if following is None:
            continue
        if token.word == b"INFILE" and following.kind == "text":
            raise _refused("FROM INFILE")
        if first == b"ATTACH" and token.word == b"FROM" and following.kind == "text":
            raise _refused("ATTACH ... FROM a directory")
        if first in _MAKES and token.word == b"DICTIONARY" and number < 4:
            raise _refused("a dictionary")
        if first in _MAKES and token.word == b"ENGINE" and following.kind in ("word", "quoted"):
            engine = following.text.strip(b'`"').lower()
            if engine not in _ENGINES_INSIDE and not engine.endswith(b"mergetree"):
                raise _refused(f"the engine {following.text[:100].decode('utf-8', 'replace')}")


def _refused(what: str) -> EngineError:
    return EngineError(
        f"The embedded store refuses {what}, which may reach files or the network. "
        "Start it with --allow-outside if its clients may do that. (ACCESS_DENIED)",
        code=ACCESS_DENIED,
    )
