"""php-fpm's own log, its decorated worker output and its access lines."""

from loghouse.formats.pack import LEVEL_BEFORE_COLON, Pack

LOG = Pack(
    name="php_fpm",
    pattern=r"^\[\d\d-[A-Z][a-z]{2}-\d{4} \d\d:\d\d:\d\d(\.\d+)?\] [A-Z]+: ",
    level=LEVEL_BEFORE_COLON,
    regex=r"^\[([^\]]+)\] ([A-Z]+): (?:\[pool ([^\]]+)\] )?(?:child (\d+))?(?:(?:,| said into) (stdout|stderr): )?(.*)$",
    fields=("time", "severity", "pool", "child", "said_into", "text"),
    pairs=True,
)

ACCESS = Pack(
    name="php_fpm_access",
    pattern=r"^[0-9a-f.:]+ - +[^ ]* ?\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4} \"",
    level="",  # from the status, as for every access log
    regex=r'^(\S+) - +(\S*?) ?(\d\d/\S+ [+-]\d{4}) "([A-Z]+) ([^"]*)" (\d{3})(?: ([\d.]+)ms)?(?: (\d+)K)?(?: ([\d.]+)%)?',
    fields=("client", "user", "time", "method", "path", "status", "duration_ms", "memory_kb", "cpu_percent"),
    numeric=("status", "duration_ms", "memory_kb", "cpu_percent"),
    numbers=r'" (\d{3})(?: ([\d.]+)ms)?(?: (\d+)K)?(?: ([\d.]+)%)?',
)
