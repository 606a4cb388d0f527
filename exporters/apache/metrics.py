"""mod_status' fields as metrics: which becomes which, and the catalogue of all of them."""

import re
from collections.abc import Iterator

from exporters.apache.status import ServerStatus
from exporters.catalogue import Catalogue, Metric, Page
from exporters.families import FamilyType

# Field, metric, label values.
_FIELDS = (
    ("ParentServerConfigGeneration", "generation", ("config",)),
    ("ParentServerMPMGeneration", "generation", ("mpm",)),
    ("Load1", "load", ("1min",)),
    ("Load5", "load", ("5min",)),
    ("Load15", "load", ("15min",)),
    ("Total Accesses", "accesses_total", ()),
    ("Total kBytes", "sent_kilobytes_total", ()),
    ("Total Duration", "duration_ms_total", ()),
    ("BusyWorkers", "workers", ("busy",)),
    ("IdleWorkers", "workers", ("idle",)),
    ("GracefulWorkers", "graceful_workers", ()),
    ("Processes", "processes", ("all",)),
    ("Stopping", "processes", ("stopping",)),
    ("ConnsTotal", "connections", ("total",)),
    ("ConnsAsyncWaitIO", "connections", ("wait_io",)),
    ("ConnsAsyncWriting", "connections", ("writing",)),
    ("ConnsAsyncKeepAlive", "connections", ("keepalive",)),
    ("ConnsAsyncClosing", "connections", ("closing",)),
)
# Field, metric, its label and value, type, help.
_TLS_CACHE: tuple[tuple[str, str, tuple[str, ...], FamilyType, str], ...] = (
    ("CacheSharedMemory", "size_bytes", (), "gauge", "Shared memory of the TLS session cache."),
    ("CacheCurrentEntries", "entries", (), "gauge", "Sessions in the cache."),
    ("CacheSubcaches", "subcaches", (), "gauge", "Parts the cache is divided into."),
    ("CacheIndexesPerSubcaches", "subcache_indexes", (), "gauge", "Sessions a part has room for."),
    *(
        (
            f"CacheTimeLeftOldest{statistic.title()}",
            "oldest_time_left_seconds",
            ("statistic", statistic),
            "gauge",
            "Time until the oldest session of a part expires: over all parts.",
        )
        for statistic in ("avg", "min", "max")
    ),
    ("CacheIndexUsage", "index_usage_ratio", (), "gauge", "Share of the indexes in use, 0 to 1."),
    ("CacheUsage", "usage_ratio", (), "gauge", "Share of the memory in use, 0 to 1."),
    ("CacheStoreCount", "stores_total", (), "counter", "Sessions stored."),
    ("CacheReplaceCount", "replaces_total", (), "counter", "Sessions replaced by a newer one."),
    ("CacheExpireCount", "expires_total", (), "counter", "Sessions that expired."),
    ("CacheDiscardCount", "discards_total", (), "counter", "Valid sessions removed for lack of room."),
    (
        "CacheRetrieveHitCount",
        "retrieves_total",
        ("result", "hit"),
        "counter",
        "Look-ups of sessions by result.",
    ),
    (
        "CacheRetrieveMissCount",
        "retrieves_total",
        ("result", "miss"),
        "counter",
        "Look-ups of sessions by result.",
    ),
    ("CacheRemoveHitCount", "removes_total", ("result", "hit"), "counter", "Removals of sessions by result."),
    (
        "CacheRemoveMissCount",
        "removes_total",
        ("result", "miss"),
        "counter",
        "Removals of sessions by result.",
    ),
)
_SCOREBOARD = {
    "_": "idle",
    "S": "startup",
    "R": "read",
    "W": "reply",
    "K": "keepalive",
    "D": "dns",
    "C": "closing",
    "L": "logging",
    "G": "graceful_stop",
    "I": "idle_cleanup",
    ".": "open_slot",
}
_CPU = {"user": ("CPUUser", "CPUChildrenUser"), "system": ("CPUSystem", "CPUChildrenSystem")}
_WORKER = {
    "Elected": "proxy_balancer_accesses_total",
    "Busy": "proxy_balancer_busy",
    "Sent": "proxy_balancer_request_kbytes_total",
    "Rcvd": "proxy_balancer_response_kbytes_total",
}
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_VERSION = re.compile(r"[^/]+/([0-9]{1,5})\.([0-9]{1,5})\.([0-9]{1,5})\b")


def add_status(page: Page, status: ServerStatus) -> None:
    """Version, load, requests, workers, processes and connections."""
    fields = status.fields
    version = fields.get("ServerVersion", "UNKNOWN")
    page.add("info", 1, version, fields.get("ServerMPM", "UNKNOWN"))
    found = _VERSION.match(version)
    if found is not None:
        # 2.4.71 is 2.04071, so that versions compare as numbers.
        page.add("version", float(f"{found[1]}.{found[2]:>02}{found[3]:>03}"))
    for field, name, labels in _FIELDS:
        _add(page, name, fields.get(field), *labels)
    _add(page, "uptime_seconds_total", fields.get("Uptime", fields.get("ServerUptimeSeconds")))
    _add_cpu(page, status)


def add_scoreboard(page: Page, status: ServerStatus) -> None:
    """Workers by what they do. A character Apache has no meaning for is its own state, as upstream has it."""
    counts = dict.fromkeys(_SCOREBOARD.values(), 0)
    for char, count in status.scoreboard().items():
        # Only ASCII, so that garbage cannot make thousands of states.
        state = _SCOREBOARD.get(char, char if char.isascii() and char.isprintable() else "other")
        counts[state] = counts.get(state, 0) + count
    for state, count in counts.items():
        page.add("scoreboard", count, state)


def add_balancers(page: Page, status: ServerStatus, most: int) -> None:
    """Workers of proxy balancers; beyond `most` they are left out, which a gauge says."""
    seen = set()
    for worker in status.balancers[:most]:
        labels = (worker.balancer, worker.name)
        # The page of a faulty proxy names a worker twice: a series may come only once.
        if labels in seen:
            continue
        seen.add(labels)
        if "Status" in worker.fields:
            page.add("proxy_balancer_status", 1, *labels, worker.fields["Status"])
        for field, name in _WORKER.items():
            _add(page, name, worker.fields.get(field, "").rstrip("kK"), *labels)
    page.add("proxy_balancer_workers_truncated", int(len(status.balancers) > most))


def add_tls_cache(page: Page, status: ServerStatus) -> None:
    """The shared cache of TLS sessions, where mod_ssl has one."""
    for field, name, labels, _, _ in _TLS_CACHE:
        raw = status.fields.get(field, "")
        value = _number(raw.removesuffix("%"))
        if value is not None:
            page.add(f"tls_session_cache_{name}", value / 100 if raw.endswith("%") else value, *labels[1:])


def _add_cpu(page: Page, status: ServerStatus) -> None:
    has_cpu = False
    for kind, names in _CPU.items():
        parts = [value for name in names if (value := _number(status.fields.get(name))) is not None]
        if parts:
            has_cpu = True
            page.add("cpu_time_ms_total", round(1000 * sum(parts), 3), kind)
    # Apache leaves the load out while it is 0.
    _add(page, "cpuload", status.fields.get("CPULoad", "0" if has_cpu else None))


def _add(page: Page, name: str, raw: str | None, *labels: str) -> None:
    value = _number(raw)
    if value is not None:
        page.add(name, value, *labels)


def _number(raw: str | None) -> int | float | None:
    if raw is None or not _NUMBER.fullmatch(raw):
        return None
    return int(raw) if raw.isdecimal() and len(raw) < 20 else float(raw)


def _declared() -> Iterator[Metric]:
    yield Metric("up", "gauge", "Whether the status page could be read.")
    yield Metric("exporter_scrape_failures_total", "counter", "Scrapes that could not read the page.")
    yield Metric("version", "gauge", "Apache's version as a number: 2.4.71 is 2.04071.")
    yield Metric("info", "gauge", "Apache's version and MPM.", ("version", "mpm"))
    yield Metric("generation", "gauge", "Restarts: of the configuration, of the MPM.", ("type",))
    yield Metric("load", "gauge", "Load of the machine.", ("interval",))
    yield Metric("accesses_total", "counter", "Requests (ExtendedStatus).")
    yield Metric("sent_kilobytes_total", "counter", "Kilobytes sent (ExtendedStatus).")
    yield Metric("duration_ms_total", "counter", "Milliseconds spent on all requests (ExtendedStatus).")
    yield Metric(
        "cpu_time_ms_total", "counter", "CPU time with that of ended children (ExtendedStatus).", ("type",)
    )
    yield Metric("cpuload", "gauge", "CPU time by uptime, in percent (ExtendedStatus).")
    yield Metric("uptime_seconds_total", "counter", "Seconds since the start.")
    yield Metric("workers", "gauge", "Workers: busy and idle.", ("state",))
    yield Metric("graceful_workers", "gauge", "Busy workers that end after their request.")
    yield Metric("processes", "gauge", "Processes: all, and those that stop.", ("state",))
    yield Metric(
        "connections",
        "gauge",
        "Connections of an asynchronous MPM; total counts those of every state.",
        ("state",),
    )
    yield Metric("scoreboard", "gauge", "Places of the scoreboard by state.", ("state",))
    worker = ("balancer", "worker")
    yield Metric("proxy_balancer_status", "gauge", "State of a balancer's worker.", (*worker, "status"))
    yield Metric("proxy_balancer_accesses_total", "counter", "Requests given to the worker.", worker)
    yield Metric("proxy_balancer_busy", "gauge", "Requests the worker has now.", worker)
    yield Metric("proxy_balancer_request_kbytes_total", "counter", "Kilobytes sent to the worker.", worker)
    yield Metric("proxy_balancer_response_kbytes_total", "counter", "Kilobytes the worker sent.", worker)
    yield Metric("proxy_balancer_workers_truncated", "gauge", "Whether workers of balancers were left out.")
    declared = set()
    for _, name, labels, type_, help_ in _TLS_CACHE:
        if name not in declared:
            declared.add(name)
            yield Metric(f"tls_session_cache_{name}", type_, help_, labels[:1])
    yield Metric("exporter_scrape_error", "gauge", "Why the status page could not be read.", ("reason",))
    yield Metric(
        "exporter_collector_success", "gauge", "Whether this part of the scrape worked.", ("collector",)
    )
    yield Metric(
        "exporter_collector_error", "gauge", "Why this part of the scrape failed.", ("collector", "reason")
    )
    build = ("version", "revision", "branch", "goversion", "goos", "goarch", "tags")
    yield Metric("exporter_build_info", "gauge", "Version of the exporter.", build)


CATALOGUE = Catalogue(_declared())
