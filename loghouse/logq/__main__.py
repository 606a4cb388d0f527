"""The entry point of `logq`."""

from loghouse.starting import start


def main() -> None:
    """Run the command."""
    start("loghouse.logq.cli")


if __name__ == "__main__":
    main()
