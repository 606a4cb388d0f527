"""The entry point of `loghouse`: loads the rest, and ends without a traceback when Ctrl-C comes meanwhile."""

import os
from typing import NoReturn


def main() -> NoReturn:
    """Run the command."""
    try:
        from loghouse.cli import main as run

        run()
    except KeyboardInterrupt:
        from loghouse.errors import ExitCode

        os._exit(ExitCode.INTERRUPTED)


if __name__ == "__main__":
    main()
