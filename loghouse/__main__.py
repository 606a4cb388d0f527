"""The entry point of `loghouse`."""

from loghouse.starting import start


def main() -> None:
    """Run the command."""
    start("loghouse.cli")


if __name__ == "__main__":
    main()
