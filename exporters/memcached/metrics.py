"""Statistics as metrics: which field becomes which metric, and the catalogue of all of them."""

from collections.abc import Iterator

from exporters.catalogue import Catalogue, Metric, Page
from exporters.families import FamilyType
from exporters.memcached.client import Stats

_Fields = tuple[tuple[str, str, FamilyType, str], ...]

# Field, metric, type, help.
_GENERAL: _Fields = (
    ("uptime", "uptime_seconds", "counter", "Seconds since the server started."),
    ("time", "time_seconds", "gauge", "The server's time since the epoch."),
    ("rusage_user", "process_user_cpu_seconds_total", "counter", "User CPU time of the server."),
    ("rusage_system", "process_system_cpu_seconds_total", "counter", "System CPU time of the server."),
    ("bytes_read", "read_bytes_total", "counter", "Bytes read from clients."),
    ("bytes_written", "written_bytes_total", "counter", "Bytes sent to clients."),
    ("curr_connections", "current_connections", "gauge", "Open connections."),
    ("total_connections", "connections_total", "counter", "Connections accepted."),
    ("rejected_connections", "connections_rejected_total", "counter", "Connections rejected at the limit."),
    ("conn_yields", "connections_yielded_total", "counter", "Times a connection gave way to others."),
    ("listen_disabled_num", "connections_listener_disabled_total", "counter", "Times the limit was reached."),
    ("accepting_conns", "accepting_connections", "gauge", "Whether the server accepts connections."),
    ("bytes", "current_bytes", "gauge", "Bytes of the stored items."),
    ("limit_maxbytes", "limit_bytes", "gauge", "Bytes the server may use for items."),
    ("curr_items", "current_items", "gauge", "Stored items."),
    ("total_items", "items_total", "counter", "Items ever stored."),
    ("evictions", "items_evicted_total", "counter", "Valid items removed for new ones."),
    ("reclaimed", "items_reclaimed_total", "counter", "Expired items whose memory was reused."),
    ("store_too_large", "item_too_large_total", "counter", "Items refused for their size."),
    ("store_no_memory", "item_no_memory_total", "counter", "Items refused for lack of memory."),
    ("direct_reclaims", "direct_reclaims_total", "counter", "Times a worker had to reclaim memory itself."),
    ("lru_crawler_starts", "lru_crawler_starts_total", "counter", "Runs of the LRU crawler."),
    ("crawler_reclaimed", "lru_crawler_reclaimed_total", "counter", "Items freed by the LRU crawler."),
    (
        "crawler_items_checked",
        "lru_crawler_items_checked_total",
        "counter",
        "Items the LRU crawler looked at.",
    ),
    ("moves_to_cold", "lru_crawler_moves_to_cold_total", "counter", "Items moved to the cold LRU."),
    ("moves_to_warm", "lru_crawler_moves_to_warm_total", "counter", "Items moved to the warm LRU."),
    (
        "moves_within_lru",
        "lru_crawler_moves_within_lru_total",
        "counter",
        "Active items moved within an LRU.",
    ),
    ("unexpected_napi_ids", "unexpected_napi_ids_total", "counter", "Unexpected NAPI ids."),
    ("round_robin_fallback", "round_robin_fallback_total", "counter", "Fallbacks to round robin."),
    ("extstore_compact_lost", "extstore_compact_lost_total", "counter", "Items lost in compaction."),
    ("extstore_compact_rescues", "extstore_compact_rescued_total", "counter", "Items moved in compaction."),
    ("extstore_compact_skipped", "extstore_compact_skipped_total", "counter", "Items dropped in compaction."),
    ("extstore_page_allocs", "extstore_pages_allocated_total", "counter", "Pages allocated."),
    ("extstore_page_evictions", "extstore_pages_evicted_total", "counter", "Pages evicted."),
    ("extstore_page_reclaims", "extstore_pages_reclaimed_total", "counter", "Empty pages freed."),
    ("extstore_pages_free", "extstore_pages_free", "gauge", "Pages without items."),
    ("extstore_pages_used", "extstore_pages_used", "gauge", "Pages with items."),
    ("extstore_objects_evicted", "extstore_objects_evicted_total", "counter", "Items evicted."),
    ("extstore_objects_read", "extstore_objects_read_total", "counter", "Items read."),
    ("extstore_objects_written", "extstore_objects_written_total", "counter", "Items written."),
    ("extstore_objects_used", "extstore_objects_used", "gauge", "Items stored."),
    ("extstore_bytes_evicted", "extstore_bytes_evicted_total", "counter", "Bytes evicted."),
    ("extstore_bytes_written", "extstore_bytes_written_total", "counter", "Bytes written."),
    ("extstore_bytes_read", "extstore_bytes_read_total", "counter", "Bytes read."),
    ("extstore_bytes_used", "extstore_bytes_used", "counter", "Bytes used by items."),
    ("extstore_bytes_fragmented", "extstore_bytes_fragmented", "gauge", "Bytes allocated without an item."),
    ("extstore_limit_maxbytes", "extstore_bytes_limit", "gauge", "Bytes of external storage."),
    ("extstore_io_queue", "extstore_io_queue_depth", "gauge", "Requests that wait for the storage."),
    ("proxy_conn_requests", "proxy_conn_requests_total", "counter", "Connections to backends."),
    ("proxy_conn_errors", "proxy_conn_errors_total", "counter", "Failed connections to backends."),
    ("proxy_conn_oom", "proxy_conn_oom_total", "counter", "Connections refused for lack of memory."),
    ("proxy_req_active", "proxy_req_active", "gauge", "Requests in progress."),
    ("proxy_config_reloads", "proxy_config_reloads_total", "counter", "Reloads of the proxy's settings."),
    ("proxy_config_reload_fails", "proxy_config_reload_fails_total", "counter", "Failed reloads."),
    ("proxy_config_cron_runs", "proxy_config_cron_runs_total", "counter", "Runs of cron hooks."),
    ("proxy_config_cron_fails", "proxy_config_cron_fails_total", "counter", "Failed runs of cron hooks."),
    ("proxy_backend_total", "proxy_backend_total", "gauge", "Configured backends."),
    ("proxy_backend_marked_bad", "proxy_backend_marked_bad_total", "counter", "Times a backend was bad."),
    ("proxy_backend_failed", "proxy_backend_failed", "gauge", "Backends that fail now."),
    (
        "proxy_request_failed_depth",
        "proxy_request_failed_depth_total",
        "counter",
        "Requests dropped for depth.",
    ),
)
# Only sent to proxies by upstream; a plain memcached shows these two as well, always 0.
_PROXY_ONLY = ("unexpected_napi_ids", "round_robin_fallback")
_CRAWLER: _Fields = (
    ("lru_crawler", "lru_crawler_enabled", "gauge", "Whether the LRU crawler runs."),
    ("lru_crawler_sleep", "lru_crawler_sleep", "gauge", "Microseconds the crawler sleeps between items."),
    ("lru_crawler_tocrawl", "lru_crawler_to_crawl", "gauge", "Items looked at in a run; 0 is all."),
    ("lru_maintainer_thread", "lru_crawler_maintainer_thread", "gauge", "Whether the LRU maintainer runs."),
    ("hot_lru_pct", "lru_crawler_hot_percent", "gauge", "Share of memory for the hot LRU."),
    ("warm_lru_pct", "lru_crawler_warm_percent", "gauge", "Share of memory for the warm LRU."),
    ("hot_max_factor", "lru_crawler_hot_max_factor", "gauge", "Highest age of the hot LRU, as a factor."),
    ("warm_max_factor", "lru_crawler_warm_max_factor", "gauge", "Highest age of the warm LRU, as a factor."),
)
_ITEMS: _Fields = (
    ("number", "slab_current_items", "gauge", "Items of a slab class."),
    ("age", "slab_items_age_seconds", "gauge", "Age of the oldest item."),
    ("crawler_reclaimed", "slab_items_crawler_reclaimed_total", "counter", "Items freed by the crawler."),
    ("evicted", "slab_items_evicted_total", "counter", "Valid items evicted."),
    ("evicted_nonzero", "slab_items_evicted_nonzero_total", "counter", "Evicted items with an expiry time."),
    (
        "evicted_time",
        "slab_items_evicted_time_seconds",
        "counter",
        "Time since the last evicted item was used.",
    ),
    ("evicted_unfetched", "slab_items_evicted_unfetched_total", "counter", "Evicted items never read."),
    ("expired_unfetched", "slab_items_expired_unfetched_total", "counter", "Expired items never read."),
    ("outofmemory", "slab_items_outofmemory_total", "counter", "Items refused for lack of memory."),
    ("reclaimed", "slab_items_reclaimed_total", "counter", "Expired items whose memory was reused."),
    ("tailrepairs", "slab_items_tailrepairs_total", "counter", "Repairs of the LRU's tail."),
    ("moves_to_cold", "slab_items_moves_to_cold", "counter", "Items moved to the cold LRU."),
    ("moves_to_warm", "slab_items_moves_to_warm", "counter", "Items moved to the warm LRU."),
    ("moves_within_lru", "slab_items_moves_within_lru", "counter", "Items moved within an LRU."),
    ("number_hot", "slab_hot_items", "gauge", "Items of the hot LRU."),
    ("number_warm", "slab_warm_items", "gauge", "Items of the warm LRU."),
    ("number_cold", "slab_cold_items", "gauge", "Items of the cold LRU."),
    ("number_temp", "slab_temporary_items", "gauge", "Items of the temporary LRU."),
    ("age_hot", "slab_hot_age_seconds", "gauge", "Age of the oldest item of the hot LRU."),
    ("age_warm", "slab_warm_age_seconds", "gauge", "Age of the oldest item of the warm LRU."),
    ("mem_requested", "slab_mem_requested_bytes", "gauge", "Bytes the items of a slab class take."),
)
_SLABS: _Fields = (
    ("chunk_size", "slab_chunk_size_bytes", "gauge", "Size of a chunk."),
    ("chunks_per_page", "slab_chunks_per_page", "gauge", "Chunks of a page."),
    ("total_pages", "slab_current_pages", "gauge", "Pages of a slab class."),
    ("total_chunks", "slab_current_chunks", "gauge", "Chunks of a slab class."),
    ("used_chunks", "slab_chunks_used", "gauge", "Chunks with an item."),
    ("free_chunks", "slab_chunks_free", "gauge", "Chunks without an item."),
    ("free_chunks_end", "slab_chunks_free_end", "gauge", "Free chunks at the end of the last page."),
    # memcached before 1.5 says it here.
    ("mem_requested", "slab_mem_requested_bytes", "gauge", "Bytes the items of a slab class take."),
)
_LRUS = (("hot", "hot"), ("warm", "warm"), ("cold", "cold"), ("temp", "temporary"))
_COMMANDS = ("get", "delete", "incr", "decr", "cas", "touch")
_WORDS = {"yes": 1, "no": 0, "on": 1, "off": 0}


def _declared() -> Iterator[Metric]:
    yield Metric("up", "gauge", "Whether memcached answered.")
    yield Metric("version", "gauge", "The server's version.", ("version",))
    for _, name, type_, help_ in (*_GENERAL, *_CRAWLER):
        yield Metric(name, type_, help_)
    yield Metric("max_connections", "gauge", "Connections the server allows.")
    yield Metric("malloced_bytes", "gauge", "Bytes allocated to slab pages.")
    yield Metric("commands_total", "counter", "Commands by result; set without cas.", ("command", "status"))
    for _, name, type_, help_ in (*_ITEMS, *_SLABS):
        yield Metric(name, type_, help_, ("slab",))
    yield Metric("slab_lru_hits_total", "counter", "Hits by LRU.", ("slab", "lru"))
    yield Metric(
        "slab_commands_total", "counter", "Commands of a slab class by result.", ("slab", "command", "status")
    )
    yield Metric("exporter_scrape_error", "gauge", "Why memcached could not be read.", ("reason",))
    yield Metric(
        "exporter_collector_success", "gauge", "Whether this part of the scrape worked.", ("collector",)
    )
    yield Metric(
        "exporter_collector_error", "gauge", "Why this part of the scrape failed.", ("collector", "reason")
    )


CATALOGUE = Catalogue(_declared())


def add_stats(page: Page, stats: Stats) -> None:
    """`stats`: the server as a whole."""
    page.add("version", 1, stats.get("version", ""))
    for field, name, _, _ in _GENERAL:
        if field not in _PROXY_ONLY or "proxy_backend_total" in stats:
            _add(page, name, stats.get(field))
    for command in _COMMANDS:
        _add(page, "commands_total", stats.get(f"{command}_hits"), command, "hit")
        _add(page, "commands_total", stats.get(f"{command}_misses"), command, "miss")
    _add(page, "commands_total", stats.get("cas_badval"), "cas", "badval")
    _add(page, "commands_total", stats.get("cmd_flush"), "flush", "hit")
    _add_sets(page, "commands_total", stats, ("cas_misses", "cas_hits", "cas_badval"))


def add_settings(page: Page, settings: Stats) -> None:
    """`stats settings`: the limit of connections and the LRU crawler."""
    _add(page, "max_connections", settings.get("maxconns"))
    if settings.get("lru_crawler") == "yes":
        for field, name, _, _ in _CRAWLER:
            _add(page, name, settings.get(field))


def add_items(page: Page, stats: Stats) -> None:
    """`stats items`: the items of each slab class."""
    for slab, items in _by_slab(stats, "items:").items():
        for field, name, _, _ in _ITEMS:
            _add(page, name, items.get(field), slab)
        for field, lru in _LRUS:
            _add(page, "slab_lru_hits_total", items.get(f"hits_to_{field}"), slab, lru)


def add_slabs(page: Page, stats: Stats) -> None:
    """`stats slabs`: the memory and commands of each slab class."""
    _add(page, "malloced_bytes", stats.get("total_malloced"))
    for slab, fields in _by_slab(stats, "").items():
        for field, name, _, _ in _SLABS:
            _add(page, name, fields.get(field), slab)
        for command in _COMMANDS:
            _add(page, "slab_commands_total", fields.get(f"{command}_hits"), slab, command, "hit")
        _add(page, "slab_commands_total", fields.get("cas_badval"), slab, "cas", "badval")
        _add_sets(page, "slab_commands_total", fields, ("cas_hits", "cas_badval"), slab)


def _add(page: Page, name: str, raw: str | None, *labels: str) -> None:
    """A field as a sample; one that is missing or no number is left out."""
    value = _number(raw)
    if value is not None:
        page.add(name, value, *labels)


def _add_sets(page: Page, name: str, stats: Stats, cas: tuple[str, ...], *labels: str) -> None:
    """memcached counts each cas as a set as well, so they are subtracted."""
    sets = _number(stats.get("cmd_set"))
    if sets is not None:
        page.add(name, sets - sum(_number(stats.get(field)) or 0 for field in cas), *labels, "set", "hit")


def _number(raw: str | None) -> int | float | None:
    if raw is None:
        return None
    if raw in _WORDS:
        return _WORDS[raw]
    try:
        # Old versions write the seconds of CPU time as 1:250000.
        return int(raw) if raw.isdecimal() else float(raw.replace(":", "."))
    except ValueError:
        return None


def _by_slab(stats: Stats, prefix: str) -> dict[str, dict[str, str]]:
    """`items:1:number` as slab 1, field number; other fields are left out."""
    slabs: dict[str, dict[str, str]] = {}
    for name, value in stats.items():
        slab, separator, field = name.removeprefix(prefix).partition(":")
        if separator and slab.isdecimal():
            slabs.setdefault(slab, {})[field] = value
    return slabs
