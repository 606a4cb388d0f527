"""Work in threads of its own, while the scrape goes on with something else."""

import queue
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_MOST_THREADS = 128


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


def for_all(items: Sequence[Item], work: Callable[[Item], Result]) -> list[Result]:
    """The results of `work` for all items at the same time, in their order: a slow one delays no other.

    `work` must end by itself and raise nothing.
    """
    results: dict[int, Result] = {}
    left = deque(enumerate(items))

    def take() -> None:
        while True:
            try:
                index, item = left.popleft()
            except IndexError:
                return
            results[index] = work(item)

    waits = []
    for _ in range(min(len(items), _MOST_THREADS) - 1):
        try:
            waits.append(start(take))
        except RuntimeError:
            # The container allows no more threads: those there are, and this one, do the rest.
            break
    take()
    for wait in waits:
        wait()
    return [results[index] for index in range(len(items))]
