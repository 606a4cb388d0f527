"""`logq explain QUERY`: what a query means and what it costs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from loghouse.config import store_url
from loghouse.errors import ExitCode
from loghouse.logq.options import Selection, option
from loghouse.render.escapes import one_line, visible


@dataclass(frozen=True, kw_only=True)
class Options(Selection):
    """Options of `logq explain`."""

    query: Annotated[tuple[str, ...], typer.Argument(help="The query to explain.")] = ()
    offline: Annotated[
        bool, option("--offline", help="Do not ask the store what it would read.", env="OFFLINE")
    ] = False


def explain(options: Options) -> ExitCode:
    """Say what a query means: its canonical form, SQL and indexes, and what it would read.

    Example: logq explain 'timeout level>=error | top 5 pod'
    """
    from loghouse.logq.reading import read_aloud
    from loghouse.logq.selection import select
    from loghouse.query import compile
    from loghouse.render.clock import Clock

    selected = select(options.query, options)
    compiled = compile(
        selected.query,
        selected.window,
        scope=selected.scope,
        limit=None,
        now_ns=selected.now_ns,
        zone=selected.zone,
    )
    clock = Clock(selected.zone)
    typer.echo(f"Means:     {visible(read_aloud(selected.query))}")
    if selected.scope is not None:
        typer.echo(f"Only of:   {visible(str(selected.scope))}")
    start, end = selected.window.start, selected.window.end
    typer.echo(f"Time:      {clock.short(start)} to {clock.short(end)}")
    typer.echo(f"Canonical: {visible(str(selected.query))}")
    typer.echo(f"\nSQL:\n  {visible(compiled.sql)}")
    typer.echo("\nParameters:")
    for name, value in compiled.params.items():
        typer.echo(f"  {name} = {one_line(repr(value))}")
    if not options.offline:
        typer.echo("")
        for line in _costs(options, compiled.sql, dict(compiled.params)):
            typer.echo(line)
    return ExitCode.OK


def _costs(options: Options, sql: str, params: dict[str, str | int | float]) -> Iterator[str]:
    from loghouse.cost import estimate, looking_once, table_size
    from loghouse.store.client import Store

    with Store(store_url(options.url)) as store:
        yield "Indexes:"
        once = looking_once(params)
        # As text, the plan of `patterns` spells each expression out, again and again: it took all memory.
        plans = "\n".join(line for (line,) in store.rows(f"EXPLAIN json = 1, indexes = 1 {sql}", once))
        for plan in json.loads(plans):
            yield from _indexes(plan["Plan"])
        cost = estimate(store, sql, params)
        _, total = table_size(store)
        yield f"\nWould read: at most {cost.rows} of {total} records in {cost.parts} parts"
        if total:
            yield f"            about {cost.size / 1e6:.1f} MB of records, compressed"


def _indexes(node: Mapping[str, Any]) -> Iterator[str]:
    """A line for each index of a step of ClickHouse's plan and those below it: what it leaves to be read."""
    for index in node.get("Indexes", ()):
        name = " ".join(filter(None, (index["Type"], index.get("Name"))))
        left = ", ".join(
            f"{index[f'Selected {what}']}/{index[f'Initial {what}']} {what.lower()}"
            for what in ("Parts", "Granules")
            if f"Selected {what}" in index
        )
        yield f"  {name}: {left} are left"
    for below in node.get("Plans", ()):
        yield from _indexes(below)
