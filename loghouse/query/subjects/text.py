"""Text: columns, labels, the message, and the text side of a field."""

import re
from collections.abc import Iterable

from loghouse.formats.labels import label_exists, label_text
from loghouse.query import patterns, words
from loghouse.query.ast import Key, Operator, Span, Value
from loghouse.query.params import Params
from loghouse.query.regex import required_text
from loghouse.query.subjects.subject import Subject

SHORTEST_REQUIRED = 3  # characters: a shorter text rules few records out

_LETTERS = re.compile(r"[A-DF-Za-df-z_]")


class TextSubject(Subject):
    """A String expression.

    `guards` are cheap conditions that hold whenever the text is there. `indexed` says that the text comes out
    of the record as it stands, so that the token index on `raw` can rule records out. `prose` marks the
    message and the record: a glob there finds a word that starts so, not the whole text.
    """

    what = "text"

    def __init__(
        self,
        key: Key,
        sql: str,
        params: Params,
        *,
        guards: tuple[str, ...] = (),
        indexed: bool = False,
        prose: bool = False,
    ) -> None:
        super().__init__(key)
        self.sql = sql
        self.params = params
        self._guards = guards
        self._indexed = indexed
        self._prose = prose

    @property
    def advice(self) -> str:
        return f"Use: {self.key} = value, {self.key} =~ regex, {self.key} contains text"

    def equals(self, value: Value) -> str:
        if patterns.is_percent_pattern(value.text):
            return self._like(patterns.percent_pattern(value.text))
        return self._is(patterns.without_escapes(value.text))

    def exactly(self, value: Value) -> str:
        return self._is(value.text)

    def one_of(self, values: tuple[Value, ...]) -> str:
        texts = ", ".join(self.params.text(value.text) for value in values)
        may_be_empty = any(not value.text for value in values)
        return self.guarded(f"{self.sql} IN ({texts})", may_be_empty=may_be_empty)

    def ordered(self, operator: Operator, value: Value) -> str:
        raise self.cannot(f"compared with {operator}", value.span)

    def matches(self, pattern: Value) -> str:
        found = f"match({self.sql}, {self.params.text(pattern.text)})"
        required = required_text(pattern.text) if self._indexed and self.sql != "raw" else ""
        # Digits alone may be written otherwise in the record: 5e2.
        if len(required) < SHORTEST_REQUIRED or not _LETTERS.search(required):
            return self.guarded(found, may_be_empty=True)
        index = words.whole_tokens(required, starts=False, ends=False)
        return self.guarded(f"position(raw, {self.params.text(required)}) > 0 AND {found}", index)

    def contains(self, text: str, span: Span) -> str:
        found = self._as_indexed(words.whole_tokens(text, starts=False, ends=False))
        return self.guarded(f"position({self.sql}, {self.params.text(text)}) > 0", found)

    def like(self, pattern: str, any_case: bool, span: Span) -> str:
        if not patterns.valid_like(pattern):
            raise span.error(
                "the pattern ends with a backslash that escapes nothing", "Write two backslashes"
            )
        return self._like(pattern, any_case)

    def words(self, value: Value) -> str:
        return self.phrase(value.text)

    def phrase(self, text: str, prefix: bool = False) -> str:
        """The words or the phrase, any case; with `prefix` the last word may go on."""
        found = words.whole_tokens(text, starts=True, ends=not prefix)
        return self.guarded(words.has_words(self.sql, text, self.params, prefix), found)

    def glob(self, parts: tuple[str, ...], span: Span) -> str:
        if self._prose and len(parts) == 2 and not parts[1]:
            return self.phrase(parts[0], prefix=True)
        return self._like(patterns.glob_pattern(parts), any_case=True)

    def sequence(self, texts: tuple[str, ...], span: Span) -> str:
        return self.guarded(f"match({self.sql}, {self.params.text(words.sequence_regex(texts))})")

    def in_network(self, network: str, span: Span) -> str:
        valid = f"(isIPv4String({self.sql}) OR isIPv6String({self.sql}))"
        # The function throws on text that is no address, and both sides of AND may be computed.
        address = f"if({valid}, {self.sql}, '::')"
        return self.guarded(f"{valid} AND isIPAddressInRange({address}, {self.params.text(network)})")

    def present(self) -> str:
        return self.guarded(f"{self.sql} != ''")

    def guarded(self, condition: str, found: Iterable[str] = (), *, may_be_empty: bool = False) -> str:
        """The condition after the cheap ones: the guards, and `found`, the tokens the record must have.

        `may_be_empty` says that the empty text can meet the condition.
        """
        index = words.in_index(found, self.params) if self._indexed else []
        tests = dict.fromkeys([*self._guards, *index, condition])
        return f"({' AND '.join(tests)})"

    def _is(self, text: str) -> str:
        condition = f"{self.sql} = {self.params.text(text)}"
        return self.guarded(condition, self.tokens_of(text), may_be_empty=not text)

    def _like(self, pattern: str, any_case: bool = False) -> str:
        condition = f"{self.sql} {'ILIKE' if any_case else 'LIKE'} {self.params.text(pattern)}"
        return self.guarded(condition, may_be_empty=not pattern.strip("%"))

    def tokens_of(self, text: str) -> list[str]:
        """The tokens a record must have when the whole text is this one."""
        return self._as_indexed(words.whole_tokens(text, starts=True, ends=True))

    def _as_indexed(self, found: list[str]) -> list[str]:
        """Without tokens of the record that may begin with the letter of an escape, which is not indexed."""
        return [token for token in found if self.sql != "raw" or token[0] not in words.ESCAPE_LETTERS]


def label(key: Key, params: Params) -> TextSubject:
    """A label of the pod; a missing one equals nothing, not even the empty text."""
    there = label_exists(key.name, params.bind)
    return TextSubject(key, label_text(key.name, params.bind), params, guards=(there,))
