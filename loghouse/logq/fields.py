"""`logq fields`: which columns and fields the records have."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import typer

from loghouse.console import say
from loghouse.errors import ExitCode, UsageError
from loghouse.logq.files import opened
from loghouse.logq.limits import keep_budget
from loghouse.logq.options import Reading, option
from loghouse.render.fields import fields_of
from loghouse.render.template import as_text

if TYPE_CHECKING:
    from loghouse.record import Record

DEFAULT_SAMPLE = 1000  # each record costs its store and this command about 0.2 ms
EXAMPLES = 3
EXAMPLE_LENGTH = 40
REMEMBERED_VALUES = 1000  # of a field; its examples come from these
HEADER = ("field", "kind", "share", "examples")
_KINDS: Mapping[type, str] = {  # what is not here is shown as text
    int: "number",
    float: "number",
    bool: "bool",
    type(None): "null",
    dict: "object",
    list: "list",
    tuple: "list",
}
_COLUMNS = ("namespace", "pod", "container", "node", "workload", "stream", "level", "format")


@dataclass(frozen=True, kw_only=True)
class Options(Reading):
    """Options of `logq fields`."""

    query: Annotated[tuple[str, ...], typer.Argument(help="Only of the records that this query finds.")] = ()
    limit: Annotated[
        int,
        option(
            "--limit",
            help=f"Look at so many of the newest records; 0 is all. [default: {DEFAULT_SAMPLE}]",
            env="FIELDS_LIMIT",
        ),
    ] = DEFAULT_SAMPLE


@dataclass(slots=True)
class Seen:
    """What is known of one field."""

    records: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    values: Counter[str] = field(default_factory=Counter)

    def add(self, values: Sequence[Any], kind: str | None) -> None:
        """Count values; without a kind each has its own."""
        self.records += len(values)
        types = Counter(map(type, values))
        for each, count in types.items():
            self.kinds[kind or _KINDS.get(each, "text")] += count
        texts = values if types.keys() == {str} else map(as_text, values)
        for text, count in Counter(texts).items():
            example = text[:EXAMPLE_LENGTH]
            if example and (example in self.values or len(self.values) < REMEMBERED_VALUES):
                self.values[example] += count


def fields(options: Options) -> ExitCode:
    """List the columns and fields of records: their kind, in how many records they are, examples.

    Example: logq fields -n prod -c php
    """
    from loghouse.logq.output import stdout, table_renderer, terminal
    from loghouse.logq.selection import select
    from loghouse.query import Compiled
    from loghouse.search import Search, find

    if options.limit < 0:
        raise UsageError(f"--limit {options.limit} is not a number of records", "0 means all of them")
    with opened(options, select(options.query, options), options.query) as (store, selected):
        search = Search(
            query=selected.query,
            window=selected.window,
            now_ns=selected.now_ns,
            scope=selected.scope,
            limit=options.limit or None,
            zone=selected.zone,
        )
        found = find(store, search)
        if found.compiled.kind == "table":
            raise UsageError("fields are those of records, and this query makes a table", "Drop its stages")
        keep_budget(store, options, found.compiled.sql, found.compiled.params)
        total, seen = _look(found.records())
    if not total:
        if not options.quiet:
            say("note: nothing found in this time range; --since reaches further back")
        return ExitCode.NOTHING_FOUND
    if found.was_cut and not options.quiet:
        say(f"note: of the newest {total} records; --limit 0 looks at all")
    table = Compiled("", {}, HEADER, "table", ("text", "text", "number", "text"))
    render = table_renderer(options, terminal(options), selected.zone, table)
    render(HEADER, [list(_rows(total, seen))], stdout())
    return ExitCode.OK


def _look(pages: Iterable[Sequence[Record]]) -> tuple[int, dict[str, Seen]]:
    """How many records there are, and what is known of their fields by the name people see.

    The values of a page are gathered field by field first: to count them one by one takes twice as long.
    """
    total = 0
    seen: defaultdict[str, Seen] = defaultdict(Seen)
    for page in pages:
        total += len(page)
        for name in _COLUMNS:
            if values := [value for record in page if (value := getattr(record, name))]:
                seen[name].add(values, "column")
        labels: defaultdict[str, list[str]] = defaultdict(list)
        own: defaultdict[str, list[Any]] = defaultdict(list)
        for record in page:
            for label, value in record.labels.items():
                labels[label].append(value)
            for name, value in fields_of(record).items():
                own[name].append(value)
        for label, values in labels.items():
            seen[f"~{label}"].add(values, "label")
        for name, values in own.items():
            seen[f"`{name}`" if name in _COLUMNS else name].add(values, None)
    return total, seen


def _rows(total: int, seen: dict[str, Seen]) -> Iterator[tuple[str, str, float, str]]:
    order = {"column": 0, "label": 1}
    for name, known in sorted(
        seen.items(), key=lambda item: (order.get(next(iter(item[1].kinds)), 2), -item[1].records, item[0])
    ):
        kinds = "/".join(kind for kind, _ in known.kinds.most_common())
        examples = ", ".join(text for text, _ in known.values.most_common(EXAMPLES))
        yield name, kinds, round(known.records / total, 4), examples
