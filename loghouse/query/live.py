"""Queries that `tail` can follow: every stage looks at one record at a time."""

from collections.abc import Mapping, Sequence
from datetime import UTC, tzinfo

from msgspec import Struct

from loghouse.query.ast import Filter, all_of
from loghouse.query.params import Params, Scalar
from loghouse.query.parser import Query
from loghouse.query.records import Records
from loghouse.query.relation import Context, Shown
from loghouse.query.stages.unroll import Unroll
from loghouse.query.stages.where import Where
from loghouse.query.timerange import LAST, TimeRange

# In which a tail gives records out.
INSERTED = ("inserted_at", "timestamp", "source_id", "offset")


def is_live(query: Query) -> bool:
    """Every stage of the query can run on records as they come."""
    return all(stage.live for stage in query.stages)


def all_filters(query: Query) -> Filter | None:
    """The filter of the query and those of its `where` stages, None for everything."""
    parts = [] if query.filter is None else [query.filter]
    parts += [stage.filter for stage in query.stages if isinstance(stage, Where)]
    return all_of(parts) if parts else None


class Live(Struct, frozen=True):
    """A query that is asked again and again, each time of other rows.

    Raises `QueryError` at the first stage that needs more than one record. `scope` and `strings` are as in
    `compile`.
    """

    query: Query
    now_ns: int
    scope: Filter | None = None
    zone: tzinfo = UTC
    strings: bool = True

    def __post_init__(self) -> None:
        for stage in self.query.stages:
            if not stage.live:
                raise stage.span.error(
                    "this stage needs all records, and tail sees one after another",
                    "Leave it out, or use: logq search, logq hist or logq stats",
                )
            if isinstance(stage, Unroll):
                raise stage.span.error(
                    "this stage makes several rows of one record, and tail could not go on in the middle",
                    "Leave it out, or use: logq search",
                )
        self._rows("logs", (), Params())

    @property
    def shown(self) -> Shown:
        """The fields that its reader wants to see."""
        return self._rows("logs", (), Params()).shown

    @property
    def writes_message(self) -> bool:
        """A stage writes the message, as `format` does."""
        return "message" in self._rows("logs", (), Params()).made.names()

    def select(
        self, source: str, conditions: Sequence[str], limit: int | None = None
    ) -> tuple[str, Mapping[str, Scalar]]:
        """SQL for the columns of `Record` of the rows of `source` that also meet `conditions`, as `INSERTED`.

        Both are texts of our own code; what is bound in them must not begin with `p`.
        """
        params = Params()
        rows = self._rows(source, conditions, params).ordered(INSERTED)
        if limit is not None:
            rows = rows.limited(limit)
        return rows.select(self.strings or rows.shown.fields is not None), params.values

    def _rows(self, source: str, conditions: Sequence[str], params: Params) -> Records:
        context = Context(params, TimeRange(0, LAST), self.now_ns, self.zone, "oldest", source, self.scope)
        rows = Records(source, context, tuple(conditions))
        for part in (self.scope, self.query.filter):
            if part is not None:
                rows = rows.where(part)
        for stage in self.query.stages:
            changed = stage.apply(rows)
            if not isinstance(changed, Records):  # no live stage makes a table of records
                raise stage.span.error(
                    "this stage gives a table, and tail prints records", "Use: logq search"
                )
            rows = changed
        return rows
