"""Redis, Sentinel and Valkey: `pid:role DD Mon YYYY hh:mm:ss.mmm <mark> message`."""

from loghouse.formats.pack import Pack

PACK = Pack(
    name="redis",
    pattern=r"^\d+:[XCSM] \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d\.\d{3} [.*#-] ",
    level=r"\d ([.*#-]) ",
    regex=r"^(\d+):([XCSM]) (\d\d \w+ \d{4} [\d:.]+) ([.*#-]) (.*)$",
    fields=("pid", "role", "time", "mark", "text"),
    pairs=True,
)
