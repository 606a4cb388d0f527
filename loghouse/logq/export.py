"""`logq export FILE`: any number of records into a file, slice by slice of time."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, TypeAlias

import typer

from loghouse.console import say, told
from loghouse.errors import ExitCode, StoreError, UsageError
from loghouse.logq.files import opened
from loghouse.logq.limits import keep_budget
from loghouse.logq.options import Format, Reading, option
from loghouse.logq.progress import Progress

if TYPE_CHECKING:
    from loghouse.logq.selection import Selected
    from loghouse.logq.slices import Begun, Slice
    from loghouse.query import Compiled
    from loghouse.search import Found, Search
    from loghouse.store.client import Store

    # Asks for all slices in one way and gives their answers.
    Answers: TypeAlias = Callable[[Callable[[Found], Any]], Iterator[Any]]

FORMATS = {
    ".jsonl": Format.JSONL,
    ".csv": Format.CSV,
    ".parquet": Format.PARQUET,
    ".log": Format.RAW,
    ".txt": Format.RAW,
}
AHEAD = 2  # slices that the store prepares while one is written
SOON = 5  # seconds for a tenth of a slice; then all that are ahead take less than a server's patience of 300
CACHED = 512 << 20  # bytes at the end of a long file that the system keeps in memory
RESUMABLE = (Format.JSONL, Format.CSV, Format.RAW, Format.TEMPLATE)


@dataclass(frozen=True, kw_only=True)
class Options(Reading):
    """Options of `logq export`."""

    target: Annotated[
        str, typer.Argument(metavar="FILE", help="Where to: NAME.jsonl, NAME.csv, NAME.parquet or NAME.log.")
    ]
    query: Annotated[tuple[str, ...], typer.Argument(help="Only what this query finds.")] = ()
    resume: Annotated[
        bool,
        option("--resume", help="Go on with an export that was broken off.", env="RESUME"),
    ] = False


def export(options: Options) -> ExitCode:
    """Write all records of a query to a file, oldest first; the file appears when it is complete.

    Parquet has each million of them pod by pod: that is a third smaller, and faster.

    Example: logq export errors.jsonl 'level>=error' --since 30d
    """
    from loghouse.logq.selection import select
    from loghouse.query import is_live

    target = Path(options.target)
    shape = replace(options, output=_format(options, target))
    if target.exists():
        raise UsageError(f'"{target}" is there already', "Name another file, or remove it first")
    selected = select(options.query, options)
    if not is_live(selected.query):
        raise UsageError(
            "only records can be exported, not what is counted or sorted", "Use: logq search -o csv"
        )
    with opened(shape, selected, options.query) as (store, within):
        return _Export(shape, target, within, store).run()


def _format(options: Options, target: Path) -> Format:
    """By the name of the file, unless `-o` says otherwise."""
    if options.output is not Format.PRETTY:
        return options.output
    if target.suffix not in FORMATS:
        raise UsageError(
            f'the name "{target.name}" does not tell a format', f"End it in {', '.join(FORMATS)}, or say -o"
        )
    return FORMATS[target.suffix]


@dataclass(slots=True)
class _Export:
    options: Options
    target: Path
    selected: Selected
    store: Store
    done: int = field(default=0, init=False)  # records
    expected: int = field(default=0, init=False)
    bar: Progress = field(init=False)

    def __post_init__(self) -> None:
        self.bar = Progress(f"exporting {self.target.name}", self.options.quiet)

    @property
    def partial(self) -> Path:
        return self.target.with_name(f"{self.target.name}.partial")

    @property
    def state(self) -> Path:
        return self.target.with_name(f"{self.target.name}.state")

    def run(self) -> ExitCode:
        """Write the file; what stops it leaves the part that is there, and the state to go on with it."""
        from loghouse.logq.slices import slices_of
        from loghouse.search import find

        begun = self._begun()
        search = self._search(begun)
        compiled = find(self.store, search).compiled
        keep_budget(self.store, self.options, compiled.sql, compiled.params)
        slices = slices_of(self.store, search, begun.next_ns)
        self.done, self.expected = begun.records, begun.records + sum(each.records for each in slices)
        try:
            with open(self.partial, "r+b" if begun.size else "wb") as out, ThreadPoolExecutor(1) as beside:
                out.truncate(begun.size)
                out.seek(begun.size)
                in_time = partial(self._answers, search, slices, begun, out, beside)
                answers = partial(self._answers_by_pod, search, slices) if search.by_pod else in_time
                self._write(compiled, answers, out, begun.size == 0)
                out.flush()
                os.fsync(out.fileno())
        except OSError as error:
            hint = self._how_to_go_on() or "Name another file"
            raise UsageError(f'cannot write "{self.partial}" ({error.strerror})', hint) from None
        except UsageError:  # told before anything of this run was written
            if not begun.size:
                self.partial.unlink()
            raise
        except StoreError as error:
            if not self.done:
                self.partial.unlink()
                raise
            say(told(error))
            say(
                f'  The output is not complete: "{self.partial}" has what came before. {self._how_to_go_on()}'
            )
            return ExitCode.PARTIAL
        except KeyboardInterrupt:
            if not self.options.quiet:
                say(f"note: stopped after {self.done} records. {self._how_to_go_on()}")
            raise
        finally:
            self.bar.clear()
        os.replace(self.partial, self.target)
        self.state.unlink(missing_ok=True)
        if not self.options.quiet:
            say(f"{self.done} records in {self.target}")
        return ExitCode.OK if self.done else ExitCode.NOTHING_FOUND

    def _write(self, compiled: Compiled, answers: Answers, out: BinaryIO, begins: bool) -> None:
        from loghouse.logq import exporting
        from loghouse.logq.output import Terminal, field_list, record_renderer
        from loghouse.render.values import LOGGED
        from loghouse.search import Found

        format, fields = self.options.output, field_list(self.options.fields, compiled.shown)
        if format is Format.PARQUET:
            names = fields or LOGGED
            exporting.write_parquet(answers(partial(exporting.ask_typed, names)), names, out, self._told)
        elif format is Format.RAW:
            exporting.write_raw(answers(Found.raw), out, self._told)
        elif self.options.tz is None and exporting.lines_sql(format, fields, compiled) is not None:
            out.write(exporting.heading(format, fields) if begins else b"")
            exporting.write_lines(answers(partial(exporting.ask_lines, format, fields)), out, self._told)
        else:
            screen = Terminal(is_one=False, colour=False, width=120)
            options, zone = self.options, self.selected.zone
            render = record_renderer(options, screen, zone, compiled.shown, lambda: None, header=begins)
            render(exporting.pages_of(answers(Found.records), self._told), out)

    def _answers(
        self,
        search: Search,
        slices: list[Slice],
        begun: Begun,
        out: BinaryIO,
        beside: Executor,
        ask: Callable[[Found], Any],
    ) -> Iterator[Any]:
        """The slices one after another; the store is at work on the next ones while one is written.

        They share its threads: behind a sort there is only one, so few for each are better. What was written
        of one is made safe while the next one is written, and before the one after that is.
        """
        from loghouse.search import find

        safe: Future[None] | None = None
        with ExitStack() as connections:
            stores = self._stores(connections)
            asked = (
                ask(find(store, replace(search, window=each.window)))
                for each, store in zip(slices, stores, strict=False)
            )
            ahead = deque(islice(asked, 1))

            def ask_ahead(of: int) -> None:
                ahead.extend(islice(asked, max(0, of - len(ahead))))

            for each in slices:
                yield self._asking_ahead(ahead.popleft(), each, ask_ahead)
                if self.options.output in RESUMABLE:
                    if safe:
                        safe.result()
                    out.flush()
                    reached = replace(begun, next_ns=each.window.end, size=out.tell(), records=self.done)
                    safe = beside.submit(self._make_safe, out.fileno(), reached)
        if safe:
            safe.result()

    def _stores(self, connections: ExitStack) -> Iterator[Store]:
        """A connection for each slice: that of the first, which is alone at first, has all threads."""
        share = {"max_threads": max(1, self.store.threads() // (AHEAD + 1))}
        yield self.store
        twins = [connections.enter_context(self.store.twin(share)) for _ in range(AHEAD + 1)]
        yield from cycle(twins)

    def _asking_ahead(
        self, answer: Iterator[Any], of: Slice, ask_ahead: Callable[[int], None]
    ) -> Iterator[Any]:
        """The same answer; the next ones are asked for when a tenth of this one is written.

        One behind its end where that takes long: a server ends a connection that leaves an answer unread.
        """
        begun, done = 0.0, self.done
        for page in answer:
            begun = begun or time.monotonic()
            yield page
            if time.monotonic() - begun < SOON and self.done - done >= of.records // 10:
                ask_ahead(AHEAD)
        ask_ahead(1)

    def _answers_by_pod(
        self, search: Search, slices: list[Slice], ask: Callable[[Found], Any]
    ) -> Iterator[Any]:
        """The slices one after another; the store sends rows as it finds them, and has nothing to prepare."""
        from loghouse.search import find

        for each in slices:
            yield ask(find(self.store, replace(search, window=each.window)))

    def _make_safe(self, descriptor: int, reached: Begun) -> None:
        os.fsync(descriptor)
        reached.write(self.state)
        if reached.size > CACHED:
            # The memory is used again for what follows, and files that the store reads stay in memory.
            os.posix_fadvise(descriptor, 0, reached.size - CACHED, os.POSIX_FADV_DONTNEED)

    def _told(self, records: int) -> None:
        self.done += records
        speed = f"{self.done / max(self.bar.seconds, 0.001):,.0f} a second"
        self.bar.show(self.done, self.expected, f"{self.done:,} records, {speed}".replace(",", " "))

    def _search(self, begun: Begun) -> Search:
        from loghouse.query import TimeRange
        from loghouse.search import Search

        return Search(
            query=self.selected.query,
            window=TimeRange(begun.start_ns, begun.end_ns),
            now_ns=begun.now_ns,
            scope=self.selected.scope,
            zone=self.selected.zone,
            by_pod=self.options.output is Format.PARQUET,
        )

    def _begun(self) -> Begun:
        """Where to begin: with `--resume` behind what an earlier run has written, of the same question."""
        from loghouse.logq.slices import Begun, read_begun

        asked = {
            "query": str(self.selected.query),
            "scope": str(self.selected.scope or ""),
            "format": str(self.options.output),
            "fields": self.options.fields or "",
            "template": self.options.template or "",
            "zone": self.options.tz or "",
        }
        window, now_ns = self.selected.window, self.selected.now_ns
        anew = Begun(asked, window.start, window.end, now_ns, window.start)
        if not self.state.exists():
            return anew
        if not self.options.resume:
            raise UsageError(
                f'an export to "{self.target}" was broken off',
                f"Go on with --resume, or remove {self.state.name} and {self.partial.name}",
            )
        begun = read_begun(self.state)
        if begun.asked != asked:
            changed = ", ".join(key for key in asked if begun.asked.get(key) != asked[key])
            raise UsageError(
                f"the export that was broken off was another one (not the same: {changed})",
                f"Ask the same again, or remove {self.state.name} and {self.partial.name}",
            )
        if not self.partial.exists() or self.partial.stat().st_size < begun.size:
            raise UsageError(
                f'"{self.partial}" is not what was written', f"Remove {self.state.name} and begin anew"
            )
        return begun

    def _how_to_go_on(self) -> str:
        return "Go on with the same command and --resume" if self.state.exists() else ""
