"""A pool's status as metrics: upstream's names, ours beside them, and those of bakins' exporter."""

from collections.abc import Iterator, Mapping

from exporters.catalogue import Catalogue, Metric, Page
from exporters.families import FamilyType
from exporters.php_fpm.status import IDLE, READING, RUNNING, STATES, Process, Status

_POOL = ("pool", "scrape_uri")
_CHILD = ("pool", "child", "scrape_uri")

# Field of the status page, metric, type, help. Some counters are no counters: upstream's types are kept.
_FIELDS: tuple[tuple[str, str, FamilyType, str], ...] = (
    ("start since", "start_since", "counter", "Seconds since PHP-FPM started (start since)."),
    ("accepted conn", "accepted_connections", "counter", "Requests the pool accepted (accepted conn)."),
    (
        "listen queue",
        "listen_queue",
        "gauge",
        "Connections that wait to be accepted (listen queue; of unix sockets from /proc/net/unix).",
    ),
    ("max listen queue", "max_listen_queue", "counter", "Most connections that ever waited."),
    ("listen queue len", "listen_queue_length", "gauge", "Size of the queue of waiting connections."),
    ("idle processes", "idle_processes", "gauge", "Idle processes."),
    ("active processes", "active_processes", "gauge", "Active processes."),
    ("total processes", "total_processes", "gauge", "Idle and active processes."),
    ("max active processes", "max_active_processes", "counter", "Most processes ever active at once."),
    (
        "max children reached",
        "max_children_reached",
        "counter",
        "Times the pool needed more processes than pm.max_children.",
    ),
    ("slow requests", "slow_requests", "counter", "Requests longer than request_slowlog_timeout."),
    ("start time", "start_time_seconds", "gauge", "Start of PHP-FPM since the epoch (start time)."),
    ("memory peak", "memory_peak_bytes", "gauge", "Most memory a request ever used (memory peak, PHP 8.4)."),
)
# The same for the names of bakins' exporter.
_BAKINS: tuple[tuple[str, str, FamilyType, str], ...] = (
    ("accepted conn", "accepted_connections_total", "counter", "Requests the pool accepted."),
    ("listen queue", "listen_queue_connections", "gauge", "Connections that wait to be accepted."),
    ("max listen queue", "listen_queue_max_connections", "counter", "Most connections that ever waited."),
    ("listen queue len", "listen_queue_length_connections", "gauge", "Size of the queue."),
    ("max active processes", "active_max_processes", "counter", "Most processes ever active at once."),
    ("max children reached", "max_children_reached_total", "counter", "Times pm.max_children was reached."),
    ("slow requests", "slow_requests_total", "counter", "Requests longer than request_slowlog_timeout."),
)
# Path in the answer of opcache_get_status, metric, type, help.
_OPCACHE: tuple[tuple[str, str, FamilyType, str], ...] = (
    ("opcache_enabled", "enabled", "gauge", "Whether the opcode cache is on."),
    ("cache_full", "cache_full", "gauge", "Whether the cache is full."),
    ("restart_pending", "restart_pending", "gauge", "Whether a restart of the cache is due."),
    ("memory_usage.used_memory", "used_memory_bytes", "gauge", "Used memory."),
    ("memory_usage.free_memory", "free_memory_bytes", "gauge", "Free memory."),
    ("memory_usage.wasted_memory", "wasted_memory_bytes", "gauge", "Memory of outdated scripts."),
    (
        "interned_strings_usage.buffer_size",
        "interned_strings_buffer_bytes",
        "gauge",
        "Memory for interned strings.",
    ),
    (
        "interned_strings_usage.used_memory",
        "interned_strings_used_memory_bytes",
        "gauge",
        "Used memory of interned strings.",
    ),
    ("interned_strings_usage.number_of_strings", "interned_strings", "gauge", "Interned strings."),
    ("opcache_statistics.num_cached_scripts", "cached_scripts", "gauge", "Cached scripts."),
    ("opcache_statistics.num_cached_keys", "cached_keys", "gauge", "Used keys."),
    ("opcache_statistics.max_cached_keys", "max_cached_keys", "gauge", "Keys the cache has room for."),
    ("opcache_statistics.hits", "hits_total", "counter", "Scripts found in the cache."),
    ("opcache_statistics.misses", "misses_total", "counter", "Scripts not found in the cache."),
    ("opcache_statistics.blacklist_misses", "blacklist_misses_total", "counter", "Scripts on the blacklist."),
    ("opcache_statistics.oom_restarts", "oom_restarts_total", "counter", "Restarts for lack of memory."),
    ("opcache_statistics.hash_restarts", "hash_restarts_total", "counter", "Restarts for lack of keys."),
    ("opcache_statistics.manual_restarts", "manual_restarts_total", "counter", "Restarts by opcache_reset."),
    (
        "opcache_statistics.start_time",
        "start_time_seconds",
        "gauge",
        "Start of the cache since the epoch.",
    ),
    (
        "opcache_statistics.last_restart_time",
        "last_restart_time_seconds",
        "gauge",
        "Last restart of the cache since the epoch, 0 for none.",
    ),
)


def _declared() -> Iterator[Metric]:
    yield Metric("up", "gauge", "Whether the pool's status page could be read.", _POOL)
    yield Metric("scrape_failures", "counter", "Scrapes of the pool that failed.", _POOL)
    for _, name, type_, help_ in _FIELDS:
        yield Metric(name, type_, help_, _POOL)
    yield Metric(
        "process_state",
        "gauge",
        "Whether the process is in this state.",
        ("pool", "child", "state", "scrape_uri"),
    )
    yield Metric("process_requests", "counter", "Requests the process has served.", _CHILD)
    yield Metric(
        "process_last_request_memory", "gauge", "Most bytes of memory its last request used.", _CHILD
    )
    yield Metric("process_last_request_cpu", "gauge", "Percentage of CPU its last request used.", _CHILD)
    yield Metric("process_request_duration", "gauge", "Microseconds of its current or last request.", _CHILD)
    yield Metric("processes", "gauge", "Processes by state.", ("pool", "scrape_uri", "state"))
    yield Metric(
        "max_children", "gauge", "pm.max_children, where a flag, a file or pm = static tells it.", _POOL
    )
    yield Metric("pool_info", "gauge", "Always 1.", ("pool", "scrape_uri", "process_manager"))
    yield Metric("scrape_duration_seconds", "gauge", "How long reading the pool took.", _POOL)
    yield Metric("scrape_error", "gauge", "Why the pool could not be read.", (*_POOL, "reason"))
    yield Metric(
        "process_parse_errors", "gauge", "Processes whose entry could not be read to its end.", _POOL
    )
    yield Metric(
        "processes_truncated", "gauge", "Whether processes are without series: --phpfpm.max-processes.", _POOL
    )
    yield Metric("pools_truncated", "gauge", "Whether pools were left out: --phpfpm.max-pools.")
    yield Metric("config_file_error", "gauge", "Why --phpfpm.config-file could not be read.", ("reason",))
    for _, name, type_, help_ in _OPCACHE:
        yield Metric(f"opcache_{name}", type_, help_, _POOL)
    yield Metric("opcache_error", "gauge", "Why the opcode cache could not be read.", (*_POOL, "reason"))


def _declared_bakins() -> Iterator[Metric]:
    yield Metric("scrape_failures_total", "counter", "Scrapes of the pool that failed.")
    for _, name, type_, help_ in _BAKINS:
        yield Metric(name, type_, help_)
    yield Metric("processes_total", "gauge", "Processes by state.", ("state",))


CATALOGUE = Catalogue(_declared())
BAKINS = Catalogue(_declared_bakins())


def add_pool(page: Page, status: Status, fields: Mapping[str, int], uri: str) -> None:
    """The numbers of the pool; those that this version of PHP lacks are left out."""
    for field, name, _, _ in _FIELDS:
        if field in fields:
            page.add(name, fields[field], status.pool, uri)
    if status.process_manager:
        page.add("pool_info", 1, status.pool, uri, status.process_manager)


def add_states(page: Page, status: Status, uri: str) -> None:
    """Processes by state, those of every known state also when there are none."""
    counts = dict.fromkeys(STATES, 0)
    for process in status.processes:
        counts[process.known_state] = counts.get(process.known_state, 0) + 1
    for state, count in counts.items():
        page.add("processes", count, status.pool, uri, state)
    page.add("process_parse_errors", status.unreadable_processes, status.pool, uri)


def add_processes(page: Page, status: Status, uri: str, most: int) -> None:
    """The series of each process, of at most `most` of them."""
    for index, process in enumerate(status.processes[:most]):
        _add_process(page, process, status.pool, str(index), uri)
    page.add("processes_truncated", int(len(status.processes) > most), status.pool, uri)


def _add_process(page: Page, process: Process, pool: str, child: str, uri: str) -> None:
    page.add("process_requests", process.requests, pool, child, uri)
    page.add("process_request_duration", process.duration, pool, child, uri)
    if process.last_memory is not None:
        page.add("process_last_request_memory", process.last_memory, pool, child, uri)
    if process.last_cpu is not None:
        page.add("process_last_request_cpu", process.last_cpu, pool, child, uri)
    # As upstream, a state it does not know is a further series for as long as it lasts.
    own = process.state if process.known_state != "other" else "other"
    for state in STATES if own in STATES else (*STATES, own):
        page.add("process_state", int(state == own), pool, child, state, uri)


def counted_processes(status: Status) -> dict[str, int]:
    """Active, idle and total processes as upstream's --phpfpm.fix-process-count counts them."""
    active = sum(process.state in (RUNNING, READING) for process in status.processes)
    idle = sum(process.state == IDLE for process in status.processes)
    return {"active processes": active, "idle processes": idle, "total processes": active + idle}


def add_bakins(page: Page, fields: Mapping[str, int], failures: int, labels: Mapping[str, str]) -> None:
    """The numbers of the pool under bakins' names, with `labels`, which upstream has none of."""
    names, values = tuple(labels), tuple(labels.values())
    page.family("scrape_failures_total", names).add(failures, *values)
    for field, name, _, _ in _BAKINS:
        if field in fields:
            page.family(name, names).add(fields[field], *values)
    for state in ("idle", "active"):
        if f"{state} processes" in fields:
            page.family("processes_total", (*names, "state")).add(
                fields[f"{state} processes"], *values, state
            )


def add_opcache(page: Page, answer: Mapping[str, object], pool: str, uri: str) -> None:
    """The state of the opcode cache from the answer of opcache.php."""
    for path, name, _, _ in _OPCACHE:
        value: object = answer
        for key in path.split("."):
            value = value.get(key) if isinstance(value, dict) else None
        if isinstance(value, int):
            page.add(f"opcache_{name}", int(value), pool, uri)
