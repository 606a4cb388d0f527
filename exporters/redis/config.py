"""CONFIG GET as metrics."""

import os

from exporters.catalogue import Page
from exporters.redis.resp import number

_NUMBERS = {
    "maxclients": "config_maxclients",
    "maxmemory": "config_maxmemory",
    "io-threads": "config_io_threads",
    "repl-backlog-size": "config_repl_backlog_size",
    "commandlog-execution-slower-than": "commandlog_execution_slower_than",
    "commandlog-request-larger-than": "commandlog_request_larger_than",
    "commandlog-reply-larger-than": "commandlog_reply_larger_than",
    "commandlog-slow-execution-max-len": "commandlog_slow_execution_max_len",
    "commandlog-large-request-max-len": "commandlog_large_request_max_len",
    "commandlog-large-reply-max-len": "commandlog_large_reply_max_len",
}
_PASSWORDS = ("masterauth", "requirepass", "tls-key-file-pass", "tls-client-key-file-pass")
_DATABASES = 16
# The settings that are read when not all of them are exported.
CONFIG_NAMES = (*_NUMBERS, "client-output-buffer-limit", "databases", "dir", "dbfilename")


def add_config(page: Page, config: dict[str, str], everything: bool, redact: bool) -> None:
    """The settings that dashboards use, or all of them."""
    for key, metric in _NUMBERS.items():
        value = number(config.get(key, ""))
        if value is not None:
            page.add(metric, value)
    _add_output_buffer_limits(page, config.get("client-output-buffer-limit", ""))
    if everything:
        _add_everything(page, config, redact)


def add_rdb_size(page: Page, config: dict[str, str]) -> None:
    """The size of the RDB file, if this host has it."""
    if "dir" not in config or "dbfilename" not in config:
        return
    try:
        size = os.stat(os.path.join(config["dir"], config["dbfilename"])).st_size
    except OSError:
        return
    page.add("rdb_current_size_bytes", size)


def database_count(config: dict[str, str], is_cluster: bool) -> int:
    """How many databases the server has; a cluster has one."""
    if is_cluster:
        return 1
    return int(number(config.get("databases", "")) or _DATABASES)


def _add_output_buffer_limits(page: Page, limits: str) -> None:
    """`normal 0 0 0 replica 268435456 67108864 60 ...`: class, hard and soft limit, seconds."""
    words = limits.split()
    for start in range(0, len(words) - 3, 4):
        name = words[start]
        hard, soft, seconds = (number(word) for word in words[start + 1 : start + 4])
        if hard is None or soft is None or seconds is None:
            continue
        page.add("config_client_output_buffer_limit_bytes", hard, name, "hard")
        page.add("config_client_output_buffer_limit_bytes", soft, name, "soft")
        page.add("config_client_output_buffer_limit_overcome_seconds", seconds, name, "soft")


def _add_everything(page: Page, config: dict[str, str], redact: bool) -> None:
    for key, raw in config.items():
        if redact and key in _PASSWORDS:
            continue
        page.add("config_key_value", 1, key, raw)
        value = number(raw)
        if value is not None:
            page.add("config_value", value, key)
