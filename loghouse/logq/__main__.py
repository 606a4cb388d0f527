"""The entry point of `logq`."""

import gc

from loghouse.starting import start

# What is loaded stays. To look through it for rubbish again and again, as Python does after each 700 objects,
# takes a tenth of the time of a short command.
OBJECTS = 50_000


def main() -> None:
    """Run the command."""
    gc.set_threshold(OBJECTS)
    start("loghouse.logq.cli")


if __name__ == "__main__":
    main()
