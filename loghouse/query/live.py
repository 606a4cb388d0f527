"""Which queries `tail` can follow: those that judge each record alone."""

from loghouse.query.ast import Filter, all_of
from loghouse.query.parser import Query
from loghouse.query.relation import Shown
from loghouse.query.stages.columns import Drop, Fields
from loghouse.query.stages.where import Where


def is_live(query: Query) -> bool:
    """Every stage of the query can run on records as they come."""
    return all(stage.live for stage in query.stages)


def live_filter(query: Query) -> Filter | None:
    """The filter of the query and of its `where` stages, None for everything.

    Raises `QueryError` at the first stage that needs more than one record.
    """
    parts = [] if query.filter is None else [query.filter]
    for stage in query.stages:
        if not stage.live:
            raise stage.span.error(
                "this stage needs all records, and tail sees one after another", "Use: logq search"
            )
        if isinstance(stage, Where):
            parts.append(stage.filter)
        elif not isinstance(stage, Fields | Drop):
            raise stage.span.error(
                "tail shows records as they were written, and this stage changes them", "Use: logq search"
            )
    return all_of(parts) if parts else None


def shown_fields(query: Query) -> Shown:
    """The fields that `fields` and `drop` ask for."""
    shown = Shown()
    for stage in query.stages:
        if isinstance(stage, (Fields, Drop)):
            shown = stage.marked(shown)
    return shown
