"""`python -m exporters.apache`."""

from exporters.apache.cli import main

main()
