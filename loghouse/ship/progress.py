"""How far a run is, on a terminal; pipes and files see nothing of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from loghouse.ship.shipper import Summary


@contextmanager
def shown_on_terminal() -> Iterator[Callable[[Summary], None] | None]:
    """What to give `ship` as `on_progress`: a line on stderr while it runs, None if that is no terminal."""
    from rich.console import Console  # takes 50 ms

    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    with console.status("reading ...") as status:
        yield lambda summary: status.update(
            f"{summary.lines:,} lines ({summary.bytes / 1e6:,.0f} MB) of {summary.files:,} files stored"
        )
