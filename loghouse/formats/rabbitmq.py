"""RabbitMQ 3.x and 4.x: `YYYY-MM-DD hh:mm:ss.uuuuuu+hh:mm [level] <pid> message`."""

from loghouse.formats.pack import LEVEL_IN_BRACKETS, Pack

PACK = Pack(
    name="rabbitmq",
    pattern=r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+([+-]\d\d:\d\d)? \[[a-z]+\] <",
    level=LEVEL_IN_BRACKETS,
    regex=r"^(\S+ \S+) \[([a-z]+)\] <([\d.]+)> (.*)$",
    fields=("time", "severity", "pid", "text"),
)
