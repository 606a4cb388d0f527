"""`python -m exporters.redis`."""

from exporters.redis.cli import main

main()
