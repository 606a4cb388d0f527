"""Runs a command of `loghouse` with constants and the clock set, for faults that take long:

    python faultchild.py [MODULE:NAME=NUMBER ...] [clock=SECONDS] -- ship ...

A function that is set returns the number. The product has no switch for any of this.
"""

import importlib
import sys
import time
from typing import Any


def owner_of(name: str) -> tuple[Any, str]:
    """The object that has the attribute, and its name."""
    module, _, path = name.partition(":")
    owner: Any = importlib.import_module(module)
    *parents, attribute = path.split(".")
    for parent in parents:
        owner = getattr(owner, parent)
    return owner, attribute


def set_constant(name: str, number: float) -> None:
    """Replace a constant, or a function by one that returns the number."""
    owner, attribute = owner_of(name)
    setattr(owner, attribute, (lambda: number) if callable(getattr(owner, attribute)) else number)


def shift_clock(seconds: float) -> None:
    """The clock of the machine is wrong by so many seconds; the monotonic one cannot be."""
    right, right_ns = time.time, time.time_ns
    time.time = lambda: right() + seconds
    time.time_ns = lambda: right_ns() + int(seconds * 1e9)


def main() -> None:
    split = sys.argv.index("--")
    settings = [setting.partition("=")[::2] for setting in sys.argv[1:split]]
    for name, number in settings:
        if name == "clock":
            shift_clock(float(number))
    for name, number in settings:
        if name != "clock":
            set_constant(name, float(number))
    from loghouse.cli import main as loghouse

    sys.argv = ["loghouse", *sys.argv[split + 1 :]]
    loghouse()


if __name__ == "__main__":
    main()
