"""Monolog's line format, Laravel's and Symfony's default: `[time] channel.LEVEL: message {context} {extra}`."""

from loghouse.formats.pack import LEVEL_BEFORE_COLON, Pack

PACK = Pack(
    name="monolog",
    pattern=r"^\[\d{4}-\d\d-\d\d[^\]]*\] [A-Za-z0-9_.-]+\.[A-Z]+: ",
    level=LEVEL_BEFORE_COLON,
    regex=r"^\[([^\]]+)\] ([A-Za-z0-9_.-]+)\.([A-Z]+): (.*?)(?: (\{.*?\}|\[\]))?(?: (\{.*\}|\[\]))? ?$",
    fields=("datetime", "channel", "level_name", "text", "context", "extra"),
)
