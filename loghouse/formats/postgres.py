"""PostgreSQL's stderr log with the usual prefixes: `%m [%p] ` and `%m [%p] %q%u@%d `."""

from loghouse.formats.pack import Pack

PACK = Pack(
    name="postgres",
    pattern=r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)? [A-Z][A-Za-z0-9+-]* \[\d+\][^:]* [A-Z]+:  ",
    level=r" ([A-Z]+):  ",
    regex=r"^(\S+ \S+ \S+) \[(\d+)\] ?(?:([^@ ]+)@(\S+) )?([A-Z]+):  (?:duration: ([\d.]+) ms)?(.*)$",
    fields=("time", "pid", "user", "database", "severity", "duration_ms", "text"),
    numeric=("pid", "duration_ms"),
    numbers=r"^\S+ \S+ \S+ \[(\d+)\](?:.*?  duration: ([\d.]+) ms)?",
    pairs=True,
)
