"""Levels as programs spell them, and the one scale they are put on."""

# Values of the Enum8 `level`, in order of severity.
TRACE, DEBUG, INFO, NOTICE, WARNING, ERROR, CRITICAL, ALERT, EMERGENCY = range(1, 10)

SPELLINGS = {
    "trace": TRACE, "trc": TRACE, "finest": TRACE, "finer": TRACE,
    "debug": DEBUG, "dbg": DEBUG, "verbose": DEBUG, "fine": DEBUG,
    "info": INFO, "inf": INFO, "information": INFO, "informational": INFO, "log": INFO, "statement": INFO,
    "detail": INFO, "hint": INFO, "context": INFO,
    "notice": NOTICE, "deprecated": NOTICE,
    "warning": WARNING, "warn": WARNING, "wrn": WARNING,
    "error": ERROR, "err": ERROR, "eror": ERROR, "severe": ERROR,
    "critical": CRITICAL, "crit": CRITICAL, "fatal": CRITICAL, "ftl": CRITICAL, "parse": CRITICAL,
    "alert": ALERT,
    "emergency": EMERGENCY, "emerg": EMERGENCY, "panic": EMERGENCY,
}  # fmt: skip

# One character: klog's letters and Redis' marks.
MARKS = {
    "i": INFO,
    "w": WARNING,
    "e": ERROR,
    "f": CRITICAL,
    ".": DEBUG,
    "-": DEBUG,
    "*": NOTICE,
    "#": WARNING,
}

# Numbers of pino and bunyan (10-60), Monolog (100-600) and syslog (0-7) do not meet.
NUMBERS = {
    "10": TRACE, "20": DEBUG, "30": INFO, "40": WARNING, "50": ERROR, "60": CRITICAL,
    "100": DEBUG, "200": INFO, "250": NOTICE, "300": WARNING, "400": ERROR, "500": CRITICAL, "550": ALERT,
    "600": EMERGENCY,
    "0": EMERGENCY, "1": ALERT, "2": CRITICAL, "3": ERROR, "4": WARNING, "5": NOTICE, "6": INFO, "7": DEBUG,
}  # fmt: skip

# JSON keys that hold a level, the most telling first: Monolog writes both `level_name` and a number in `level`.
JSON_KEYS = (
    "level_name", "levelname", "level", "severity", "severity_text", "SeverityText", "lvl", "loglevel", "log.level",
    "@level", "Level", "LEVEL", "Severity", "PRIORITY",
)  # fmt: skip

# In plain text: a word in capitals near the start ...
WORD = r"\b(TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|FATAL|SEVERE|CRITICAL|ALERT|EMERGENCY|PANIC)\b"
# ... or a spelling that is a level by its surroundings: level=x, [x], x: at the start, PHP's own messages.
SURROUNDED = (
    r"(?:(?:\blevel|\blvl|\bseverity)=\"?|\[|^(?:PHP )?)"
    r"(?i:(trace|debug|info|notice|warn|warning|error|err|fatal|critical|crit|alert|emerg|parse|deprecated))"
    r"(?:\"|\]|:|\s|$| error:)"
)
