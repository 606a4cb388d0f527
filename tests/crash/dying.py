"""Runs a command of `loghouse` that kills itself, as by kill -9, at a named point:

    python dying.py MODULE:NAME before|after|amid NTH [MODULE:NAME=NUMBER ...] -- ship --once ...

`amid` is for functions that write bytes: half of them are written. Settings hold for the process. The points
are patched in here, so the product has no switch for them.
"""

import importlib
import itertools
import os
import signal
import sys
from collections.abc import Callable
from typing import Any


def die() -> None:
    """At once, without any of Python's clean-up."""
    os.kill(os.getpid(), signal.SIGKILL)


def owner_of(name: str) -> tuple[Any, str]:
    """The object that has the attribute, and its name."""
    module, _, path = name.partition(":")
    owner: Any = importlib.import_module(module)
    *parents, attribute = path.split(".")
    for parent in parents:
        owner = getattr(owner, parent)
    return owner, attribute


def deadly(function: Callable[..., Any], when: str, nth: int) -> Callable[..., Any]:
    """The function, that kills the process at its nth call."""
    calls = itertools.count(1)

    def called(*arguments: Any, **options: Any) -> Any:
        fatal = next(calls) == nth
        if fatal and when == "before":
            die()
        if fatal and when == "amid":
            *others, data = arguments
            function(*others, data[: len(data) // 2])
            die()
        result = function(*arguments, **options)
        if fatal:
            die()
        return result

    return called


def main() -> None:
    point, when, nth, *rest = sys.argv[1:]
    split = rest.index("--")
    for setting in rest[:split]:
        name, _, number = setting.partition("=")
        setattr(*owner_of(name), float(number))
    owner, attribute = owner_of(point)
    setattr(owner, attribute, deadly(getattr(owner, attribute), when, int(nth)))
    from loghouse.cli import main as loghouse

    sys.argv = ["loghouse", *rest[split + 1 :]]
    loghouse()


if __name__ == "__main__":
    main()
