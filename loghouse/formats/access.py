"""Access logs in the common and combined formats, which nginx and Apache write alike."""

from loghouse.formats.pack import Pack

_HEAD = r"^(\S+) (\S+) (.*?) \[([^\]]+)\] "
# A client decides what stands in the quotes: escaped quotes, TLS bytes as \x16\x03, or nothing at all.
_QUOTED = r"(?:[^\"\\]|\\.)*"

PACK = Pack(
    name="access",
    pattern=r"^[^ ]+ [^ ]+ [^\[]+ \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] \"",
    level="",  # from the status: 5xx is an error, 4xx a warning
    regex=_HEAD
    + rf'"(?:([A-Z]+) ({_QUOTED}?)(?: (HTTP/[\d.]+))?|{_QUOTED})" (\d{{3}}) (\d+|-)'
    + rf'(?: "({_QUOTED})" "({_QUOTED})")?(.*)$',
    fields=(
        "client",
        "ident",
        "user",
        "time",
        "method",
        "path",
        "protocol",
        "status",
        "bytes",
        "referer",
        "user_agent",
        "rest",
    ),
    numeric=("status", "bytes"),
    numbers=r'" (\d{3}) (\d+|-)(?: |$)',
)
