"""`python -m loghouse.embedded`: the embedded store without the rest of the command line."""

import argparse
import sys
from pathlib import Path

from loghouse.embedded.command import DEFAULT_LISTEN, up
from loghouse.errors import LoghouseError


def main() -> int:
    """Run `up` with the arguments of this process; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m loghouse.embedded")
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--listen", default=DEFAULT_LISTEN)
    parser.add_argument("--user", default="default")
    parser.add_argument("--password-file", type=Path)
    parser.add_argument("--insecure", action="store_true")
    parser.add_argument("--backup-dir", type=Path)
    parser.add_argument("--allow-outside", action="store_true")
    given = parser.parse_args()
    try:
        up(
            given.data_dir,
            given.listen,
            given.user,
            given.password_file,
            given.insecure,
            backup_dir=given.backup_dir,
            allow_outside=given.allow_outside,
        )
    except LoghouseError as error:
        sys.stderr.write(f"error: {error.message}\n")
        if error.hint:
            sys.stderr.write(f"  {error.hint}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
