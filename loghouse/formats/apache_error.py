"""Apache's error log, 2.4 (`[module:level]`) and older (`[level]`)."""

from loghouse.formats.pack import LEVEL_IN_BRACKETS, Pack

PACK = Pack(
    name="apache_error",
    pattern=r"^\[[A-Z][a-z]{2} [A-Z][a-z]{2} \d\d \d\d:\d\d:\d\d(\.\d+)? \d{4}\] \[",
    level=LEVEL_IN_BRACKETS,
    regex=(
        r"^\[([^\]]+)\] \[(?:([a-z0-9_-]+):)?([a-z]+)\d?\](?: \[pid (\d+)(?::tid (\d+))?\])?"
        r"(?: \[client ([^\]]+)\])?(?: (AH\d+):)? ?(.*)$"
    ),
    fields=("time", "module", "severity", "pid", "tid", "client", "code", "error"),
)
