"""PostgreSQL's stderr log with the usual prefixes: `%m [%p] ` and `%m [%p] %q%u@%d `."""

from loghouse.formats.pack import LEVEL_BEFORE_COLON, Pack

PACK = Pack(
    name="postgres",
    pattern=r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)? [A-Z][A-Za-z0-9+-]* \[\d+\][^:]* [A-Z]+:  ",
    level=LEVEL_BEFORE_COLON,
    regex=r"^(\S+ \S+ \S+) \[(\d+)\] ?(?:([^@ ]+)@(\S+) )?([A-Z]+):  (?:duration: ([\d.]+) ms)?(.*)$",
    fields=("time", "pid", "user", "database", "severity", "duration_ms", "text"),
    numeric=("duration_ms",),
    numbers=r"  duration: ([\d.]+) ms",
    pairs=True,
)
