"""`python -m exporters.memcached`."""

from exporters.memcached.cli import main

main()
