"""nginx's error log: `YYYY/MM/DD hh:mm:ss [level] pid#tid: *connection message, client: ..., server: ...`."""

from loghouse.formats.pack import LEVEL_IN_BRACKETS, Pack

PACK = Pack(
    name="nginx_error",
    pattern=r"^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[[a-z]+\] \d+#\d+: ",
    level=LEVEL_IN_BRACKETS,
    regex=(
        r"^(\S+ \S+) \[([a-z]+)\] (\d+)#(\d+): (?:\*(\d+) )?(.*?)"
        r"(?:, client: ([^,]+))?(?:, server: ([^,]*))?(?:, request: \"([^\"]*)\")?"
        r"(?:, subrequest: \"[^\"]*\")?(?:, upstream: \"([^\"]*)\")?(?:, host: \"([^\"]*)\")?"
        r"(?:, referrer: \"([^\"]*)\")?$"
    ),
    fields=(
        "time",
        "severity",
        "pid",
        "tid",
        "connection",
        "error",
        "client",
        "server",
        "request",
        "upstream",
        "host",
        "referer",
    ),
    pairs=True,
)
