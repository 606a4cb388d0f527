"""INFO as metrics: the plain fields, the keyspace, replication and the server's identity."""

import re
import time

from exporters.catalogue import Page
from exporters.redis.fields import COUNTERS, DIVISORS, GAUGES
from exporters.redis.info import Info, numbers, pairs
from exporters.redis.resp import number

_WORDS = {"ok": 1, "true": 1, "err": 0, "fail": 0, "false": 0}
# Sections that other functions read field by field.
_SPECIAL = ("Commandstats", "Latencystats", "Errorstats", "Keyspace", "Sentinel", "Cluster Info", "Modules")
_IO_THREAD = "used_active_time_io_thread_"
_REPLICA = re.compile(r"slave\d+")
# KeyDB has several masters: master_host, master_1_host, ...
_UPLINK = re.compile(r"master(_\d+)?_(host|port|link_status|last_io_seconds_ago|sync_in_progress)")


def add_fields(page: Page, info: Info) -> None:
    """Every field of INFO that has a metric of its own."""
    for section, fields in info.sections.items():
        if section not in _SPECIAL:
            for name, value in fields:
                add_field(page, name, value)


def add_field(page: Page, name: str, value: str) -> None:
    """One field as a metric; fields without one, and values that are no number, are left out."""
    metric = GAUGES.get(name) or COUNTERS.get(name)
    if metric is None:
        if name.startswith("cluster_"):
            _add_cluster_field(page, name, value)
        elif name.startswith(_IO_THREAD):
            seconds = number(value)
            if seconds is not None:
                page.add("active_time_io_thread_seconds_total", seconds, name.removeprefix(_IO_THREAD))
        return
    found = _value(value)
    if found is not None:
        page.add(metric, found / DIVISORS[name] if name in DIVISORS else found)


def add_identity(page: Page, info: Info, include_system: bool) -> None:
    """instance_info, slave_info, the start time and the timer's frequency."""
    labels = {
        "role": info.get("role"),
        "redis_version": info.get("redis_version"),
        "redis_build_id": info.get("redis_build_id"),
        "redis_mode": info.get("redis_mode") or info.get("server_mode"),
        "os": info.get("os"),
        "maxmemory_policy": info.get("maxmemory_policy"),
        "tcp_port": info.get("tcp_port"),
        "run_id": info.get("run_id"),
        "process_id": info.get("process_id"),
        "master_replid": info.get("master_replid"),
    }
    for name in ("valkey_version", "valkey_release_stage"):
        if info.has(name):
            labels[name] = info.get(name)
    page.family("instance_info", tuple(labels)).add(1, *labels.values())
    if info.get("role") == "slave":
        page.add(
            "slave_info", 1, info.get("master_host"), info.get("master_port"), info.get("slave_read_only")
        )
    uptime = number(info.get("uptime_in_seconds"))
    if uptime is not None:
        page.add("start_time_seconds", int(time.time()) - uptime)
    for name in ("configured_hz", "hz"):
        frequency = number(info.get(name))
        if frequency is not None:
            page.add(name, frequency)
    memory = number(info.get("total_system_memory"))
    if include_system and memory is not None:
        page.add("total_system_memory_bytes", memory)


def add_keyspace(page: Page, info: Info, databases: int) -> None:
    """Keys by database; `databases` is how many get a zero when they are empty."""
    seen = set()
    for name, value in info.section("Keyspace"):
        fields = numbers(value)
        if not name.startswith("db") or "keys" not in fields:
            continue
        seen.add(name)
        page.add("db_keys", fields["keys"], name)
        page.add("db_keys_expiring", fields.get("expires", 0), name)
        if "avg_ttl" in fields:
            page.add("db_avg_ttl_seconds", fields["avg_ttl"] / 1000, name)
        if "cached_keys" in fields:
            page.add("db_keys_cached", fields["cached_keys"], name)
        for expiring in ("subexpiry", "keys_with_volatile_items"):
            if expiring in fields:
                page.add("db_keys_with_expiring_items", fields[expiring], name)
    for index in range(databases):
        if f"db{index}" not in seen:
            page.add("db_keys", 0, f"db{index}")
            page.add("db_keys_expiring", 0, f"db{index}")


def add_replication(page: Page, info: Info) -> None:
    """The replicas of a master, and the masters of a replica."""
    uplinks: dict[str, dict[str, str]] = {}
    for name, value in info.section("Replication"):
        if _REPLICA.fullmatch(name):
            _add_replica(page, pairs(value))
        elif found := _UPLINK.fullmatch(name):
            uplinks.setdefault(found[1] or "", {})[found[2]] = value
    for uplink in uplinks.values():
        _add_uplink(page, uplink)
    offset = number(info.get("slave_repl_offset"))
    if offset is not None:
        page.add("slave_repl_offset", offset, info.get("master_host"), info.get("master_port"))


def _add_replica(page: Page, replica: dict[str, str]) -> None:
    labels = (replica.get("ip", ""), replica.get("port", ""), replica.get("state", ""))
    for field, metric in (("offset", "connected_slave_offset_bytes"), ("lag", "connected_slave_lag_seconds")):
        value = number(replica.get(field, ""))
        if value is not None and value >= 0:
            page.add(metric, value, *labels)


def _add_uplink(page: Page, uplink: dict[str, str]) -> None:
    labels = (uplink.get("host", ""), uplink.get("port", ""))
    if "link_status" in uplink:
        page.add("master_link_up", int(uplink["link_status"] == "up"), *labels)
    for field in ("last_io_seconds_ago", "sync_in_progress"):
        value = number(uplink.get(field, ""))
        if value is not None:
            page.add(f"master_{field}", value, *labels)


def _add_cluster_field(page: Page, name: str, value: str) -> None:
    found = _value(value)
    if found is not None and re.fullmatch(r"\w+", name, re.ASCII):
        page.undeclared(name, "gauge", f"Field {name} of INFO or CLUSTER INFO.").add(found)


def _value(raw: str) -> int | float | None:
    return _WORDS.get(raw) if raw in _WORDS else number(raw)
