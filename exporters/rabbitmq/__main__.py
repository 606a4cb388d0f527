"""`python -m exporters.rabbitmq`."""

from exporters.rabbitmq.cli import main

main()
