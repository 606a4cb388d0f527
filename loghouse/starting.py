"""How `logq` and `loghouse` start: what they need is loaded, and Ctrl-C meanwhile ends the process.

While modules load, Python may raise KeyboardInterrupt where nobody hears of it, such as in a callback of the
garbage collector, and go on. There is nothing to tidy up yet, so the signal ends the process by itself.
"""

import os

INTERRUPTED = 130  # `ExitCode.INTERRUPTED`; nothing of ours is loaded yet


def start(module: str) -> None:
    """Load the module of a command line and run its `main`, which ends the process."""
    try:
        import signal
        from importlib import import_module

        heard = signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if heard:
            signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
        command = import_module(module)
        if heard:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        command.main()
    except KeyboardInterrupt:
        os._exit(INTERRUPTED)
