"""Reads filters: words, conditions, and, or, not, parentheses."""

from collections.abc import Callable

from loghouse.errors import QueryError
from loghouse.query import foreign
from loghouse.query.ast import (
    Everything,
    Filter,
    Has,
    Key,
    Missing,
    Not,
    Regex,
    Span,
    Text,
    all_of,
    any_of,
)
from loghouse.query.colon import colon_condition
from loghouse.query.comparisons import comparison
from loghouse.query.lateregex import late_regex
from loghouse.query.regex import check_regex
from loghouse.query.suggest import did_you_mean
from loghouse.query.tokens import Scanner

MAX_DEPTH = 60  # parentheses and negations inside each other
MAX_TERMS = 500

Term = Callable[[], Filter]

_FUNCTIONS = ("has", "missing", "i", "seq")
_FUNCTION = late_regex(r"([A-Za-z_][A-Za-z0-9_]*)\(")
_URL_OR_TIME = late_regex(r"[A-Za-z][A-Za-z0-9+.-]*://|localhost:\d")
_NEGATION = late_regex(r"[!-](?=[^\s=~|)>-])")
_BAR_AND_NAME = late_regex(r"\|([A-Za-z_]\w*)(\()?")
_END_OF_TERM = late_regex(r"\s|[|),]|$")


class FilterParser:
    """Reads one filter from a scanner; the stages of a query use it for the filters inside them."""

    def __init__(self, scanner: Scanner, stages: frozenset[str] = frozenset()) -> None:
        self.scan = scanner
        self._stages = stages
        self.notices: list[tuple[str, Span]] = []
        self._depth = 0
        self._groups = 0
        self._terms = 0

    @property
    def in_group(self) -> bool:
        """A parenthesis is open, so that ")" ends a bare value."""
        return self._groups > 0

    def notice(self, message: str, span: Span) -> None:
        """Something the reader should be told that is not an error."""
        self.notices.append((message, span))

    def swallowed_stage(self, value: str, span: Span) -> None:
        """Tell the reader when a bare value holds a bar and the name of a stage behind it."""
        for found in _BAR_AND_NAME.finditer(value):
            if found.group(1).lower() in self._stages or found.group(2):
                self.notice(
                    f'the bar belongs to the value "{value}"; for a stage put a space before it', span
                )

    def filter(self) -> Filter:
        """A whole filter, up to a bar, a closing parenthesis or the end."""
        return self.alternatives(self._term)

    def group(self, term: Term | None = None) -> Filter:
        """A filter in parentheses; the opening one comes next."""
        scan = self.scan
        start = scan.pos
        if not scan.take("("):
            raise scan.error(f'expected "(", {scan.found()}')
        self._groups += 1
        self._deeper(start)
        found = self.alternatives(term or self._term)
        scan.skip_comments()
        if not scan.take(")"):
            if scan.at_end:
                raise scan.span(start, start + 1).error(
                    'this "(" is never closed', 'Add ")" after the condition'
                )
            raise scan.error(f'expected ")", {scan.found()}')
        self._groups -= 1
        self._depth -= 1
        return found

    def alternatives(self, term: Term) -> Filter:
        """Terms joined by and, or, not and juxtaposition; `term` reads one."""
        start = self.scan.pos
        items = [self._conjunction(term)]
        while self._joined_by("or"):
            items.append(self._conjunction(term))
        return any_of(items, self.scan.span(start))

    def _conjunction(self, term: Term) -> Filter:
        start = self.scan.pos
        items = [self._negatable(term)]
        while self._joined_by("and") or self._another_term():
            items.append(self._negatable(term))
        return all_of(items, self.scan.span(start))

    def _joined_by(self, word: str) -> bool:
        self.scan.skip_comments()
        return self.scan.keyword(word) is not None

    def _another_term(self) -> bool:
        scan = self.scan
        if scan.at_end or scan.sees(")") or scan.sees("|"):
            return False
        start = scan.pos
        joined = scan.keyword("or") is not None
        scan.pos = start
        return not joined

    def _negatable(self, term: Term) -> Filter:
        scan = self.scan
        scan.skip_comments()
        start = scan.pos
        if scan.keyword("not") is None and scan.match(_NEGATION) is None:
            return term()
        self._deeper(start)
        item = self._negatable(term)
        self._depth -= 1
        return Not(item, span=scan.span(start))

    def _deeper(self, start: int) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            place = self.scan.span(start, start + 1)
            raise place.error(f"conditions are nested deeper than {MAX_DEPTH}", "Write fewer parentheses")

    def _term(self) -> Filter:
        scan = self.scan
        scan.skip_comments()
        self._terms += 1
        if self._terms > MAX_TERMS:
            raise scan.error(f"the query has more than {MAX_TERMS} conditions", "Use: field in (a, b, ...)")
        self._expect_term()
        if scan.sees("("):
            return self.group()
        start = scan.pos
        for read in (self._any_key, self._string_or_key, self._label_or_regex, self._function, self._key):
            if (found := read(start)) is not None:
                return found
            scan.pos = start
        return self._word(start)

    def _expect_term(self) -> None:
        scan = self.scan
        if scan.at_end or scan.sees(")") or scan.sees("|"):
            if (complaint := foreign.line_filter(scan)) is not None:
                raise complaint
            raise scan.error(f"expected a word or a condition, {scan.found()}")
        self.expect_no_joint()
        if (complaint := foreign.term(scan)) is not None:
            raise complaint

    def expect_no_joint(self) -> None:
        """Where a condition must start, `and` and `or` join nothing."""
        start = self.scan.pos
        if (joint := self.scan.keyword("and", "or")) is not None:
            raise self.scan.error(
                f'"{joint}" joins two conditions, and there is none before it',
                f'To search for the word, quote it: "{joint}"',
                start,
            )

    def _any_key(self, start: int) -> Filter | None:
        """`*`, or a condition on any field."""
        scan = self.scan
        if not scan.take("*"):
            return None
        key = Key("*", "any", span=scan.span(start))
        if (condition := self._condition(key)) is not None:
            return condition
        if scan.looking_at(_END_OF_TERM):
            return Everything(span=scan.span(start))
        rest = scan.word() or ""
        text = rest.strip("*")
        raise scan.error(
            "a star stands only at the end of a word", f'Write: raw ilike "%{text}%"' if text else "", start
        )

    def _string_or_key(self, start: int) -> Filter | None:
        """A phrase; text in backticks may be the name of a field."""
        scan = self.scan
        if not scan.sees_string:
            return None
        if scan.sees("`") and (key := scan.key()) is not None:
            if (condition := self._condition(key)) is not None:
                return condition
            scan.pos = start
        text = scan.string()
        end = scan.pos
        scan.skip_space()
        if scan.operator() is not None:
            name = f"`{text}`" if "`" not in text else text
            scan.pos = end
            raise (
                foreign.line_filter_after(scan)
                or scan.error(
                    "a name stands before an operator, not a string", f"Write the name as {name}", start
                )
            )
        scan.pos = end
        if not text:
            raise scan.error("an empty phrase finds nothing", 'For an empty field write: field:""', start)
        prefix = scan.take("*")
        self.end_of_term()
        return Text(text, prefix, span=scan.span(start))

    def end_of_term(self) -> None:
        """A term is followed by white space, a bar or a closing parenthesis."""
        scan = self.scan
        if not scan.looking_at(_END_OF_TERM):
            raise scan.error(
                f"expected a space or the end of the condition, {scan.found()}", "Put a space before it"
            )

    def _label_or_regex(self, start: int) -> Filter | None:
        scan = self.scan
        if not scan.take("~"):
            return None
        if scan.sees_string:
            pattern = scan.string()
            span = scan.span(start + 1)
            check_regex(pattern, span)
            return Regex(pattern, span=scan.span(start))
        scan.pos = start
        key = scan.key()
        if key is None:
            raise scan.error(
                'expected a label name or a quoted regex after "~"',
                'Write: ~app = web, ~"time.*out", or field =~ regex',
            )
        condition = self._condition(key)
        if condition is None:
            scan.skip_space()
            raise scan.error(
                f"expected an operator after the label {key}", f"Write: {key} = value, or has({key})"
            )
        return condition

    def _function(self, start: int) -> Filter | None:
        """`has(key)`, `missing(key)`, `i("text")`."""
        scan = self.scan
        found = scan.match(_FUNCTION)
        if found is None:
            return None
        name = found[:-1]
        if name.lower() in ("and", "or", "not", "in"):
            return None
        if name in ("has", "missing"):
            key = self.key()
            self._close(start, name)
            node = Has if name == "has" else Missing
            return node(key, span=scan.span(start))
        if name in ("i", "seq"):
            scan.pos = start
            return colon_condition(self, Key("raw", span=scan.span(start, start)), start)
        scan.pos = start + len(name)
        raise foreign.call(scan, name, start) or scan.error(
            f'unknown function "{name}"{did_you_mean(name, _FUNCTIONS)}',
            'Known in a filter: has(field), missing(field), i("text"). For the word put a space before "("',
            start,
        )

    def _close(self, start: int, name: str) -> None:
        self.scan.skip_space()
        if not self.scan.take(")"):
            raise self.scan.error(f'expected ")" after the key of {name}(, {self.scan.found()}')

    def key(self) -> Key:
        """A key that must come next."""
        scan = self.scan
        scan.skip_space()
        start = scan.pos
        if scan.take("*"):
            return Key("*", "any", span=scan.span(start))
        key = scan.key()
        if key is None:
            raise scan.error(
                f"expected the name of a field, {scan.found()}", "Quote odd names with backticks"
            )
        return key

    def field(self) -> Key:
        """The key of one field that must come next."""
        key = self.key()
        if key.kind == "any":
            raise key.span.error("the name of one field is needed here, not *")
        return key

    def sees_condition(self) -> bool:
        """A key and an operator come next."""
        start, terms = self.scan.pos, self._terms
        try:
            return self._key(start) is not None
        except QueryError:
            return True
        finally:
            self.scan.pos, self._terms = start, terms

    def _key(self, start: int) -> Filter | None:
        scan = self.scan
        if scan.looking_at(_URL_OR_TIME):
            return None
        key = scan.key()
        return None if key is None else self._condition(key)

    def _condition(self, key: Key) -> Filter | None:
        """The condition that follows a key; None if what follows makes the key a word."""
        start = key.span.start
        if self.scan.take(":"):
            return colon_condition(self, key, start)
        return comparison(self, key, start)

    def _word(self, start: int) -> Filter:
        scan = self.scan
        text = scan.word()
        if text is None:
            raise scan.error(f"expected a word or a condition, {scan.found()}")
        prefix = text.endswith("*")
        text = text.removesuffix("*")
        if "*" in text:
            raise scan.error(
                "a star stands only at the end of a word",
                f'Write: raw ilike "{text.replace("*", "%")}%"'
                if prefix
                else f'Write: raw ilike "%{text.replace("*", "%")}%"',
                start,
            )
        if not any(char.isalnum() or char == "_" for char in text):
            hint = f'To search for these characters: raw contains "{text}"'
            if text == ":":
                hint = "A field and its value have no space between them: field:value"
            raise scan.error(f'"{text}" is not a word', hint, start)
        return Text(text, prefix, span=scan.span(start))
