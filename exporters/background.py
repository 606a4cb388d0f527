"""Work in a thread of its own, while the scrape goes on with something else."""

import queue
import threading
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


def start(work: Callable[[], Result]) -> Callable[[], Result]:
    """Begin `work` now; the returned function waits for it and gives its result or raises its error.

    `work` must end by itself: everything it waits for has the deadline of the scrape.
    """
    done: queue.SimpleQueue[tuple[Result | None, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            done.put((work(), None))
        except BaseException as error:  # noqa: BLE001 - raised again by the thread that waits
            done.put((None, error))

    threading.Thread(target=run, daemon=True).start()

    def wait() -> Result:
        result, error = done.get()
        if error is not None:
            raise error
        return result  # type: ignore[return-value] # set, since there is no error

    return wait
