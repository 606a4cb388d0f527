"""One scrape of Redis, from connecting to families."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from exporters.catalogue import Page
from exporters.errors import ScrapeError
from exporters.exporter import Ask, run_parts
from exporters.families import Family, text
from exporters.outages import Outages
from exporters.process import process_families
from exporters.redis.client import Client, connect, refusal
from exporters.redis.clients import add_client_counts, add_clients, parse_clients
from exporters.redis.cluster import Node, add_cluster_info, cluster_nodes
from exporters.redis.commands import (
    add_command_stats,
    add_latency,
    add_slowlog,
    latency_commands,
    slowlog_commands,
)
from exporters.redis.config import CONFIG_NAMES, add_config, add_rdb_size, database_count
from exporters.redis.endpoint import Endpoint, endpoint_of, parse_uri
from exporters.redis.info import Info, parse_info
from exporters.redis.instance import add_fields, add_identity, add_keyspace, add_replication
from exporters.redis.keygroups import add_key_groups
from exporters.redis.keys import (
    Budget,
    KeyPattern,
    add_keys,
    count_keys,
    counts,
    find_keys,
    parse_patterns,
    select_database,
)
from exporters.redis.metrics import CATALOGUE
from exporters.redis.modules import add_modules, add_search_indexes, add_tile38
from exporters.redis.resp import ErrorReply, as_map, as_text
from exporters.redis.scripts import add_scripts, read_scripts
from exporters.redis.sentinel import add_sentinel_config, add_sentinel_info, add_sentinel_masters
from exporters.redis.settings import RedisSettings
from exporters.redis.streams import add_streams
from exporters.settings import SettingsError, override
from exporters.tally import Tally
from exporters.targets import TargetRules
from exporters.version import VERSION

PARTS = (
    "info",
    "config",
    "latency",
    "slowlog",
    "cluster",
    "sentinel",
    "modules",
    "search",
    "tile38",
    "clients",
    "scripts",
    "keys",
    "count_keys",
    "key_groups",
    "streams",
)
# Settings that a request to /scrape or /probe may replace.
_PARAMETERS = ("check-keys", "check-single-keys", "check-streams", "check-single-streams", "count-keys")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What every scrape reads first."""

    info: Info
    config: Mapping[str, str]
    config_error: ErrorReply | None


class RedisExporter:
    """The metrics of one server, or of any allowed target; scrapes share nothing but counters."""

    def __init__(self, settings: RedisSettings, rules: TargetRules[RedisSettings]) -> None:
        self.namespace = settings.namespace
        self.parts: Sequence[str] = PARTS
        self._rules = rules
        self._scripts = read_scripts(settings.scripts)
        self._own_target = str(parse_uri(settings.addr).address)
        self._outages = Outages("redis")
        self._scrapes = Tally()
        self._seconds = Tally()

    def scrape(self, ask: Ask) -> Iterator[Family]:
        """Families of one scrape; `up` is 0 and the reason is a label when Redis cannot be read."""
        started = time.perf_counter()
        page = CATALOGUE.page(self.namespace)
        try:
            settings = _with_parameters(self._rules.settings(ask.target, ask.module), ask)
            endpoint = endpoint_of(
                settings, ask.target, _first(ask, "target"), _first(ask, "tls_server_name")
            )
            deadline = ask.deadline.sooner(settings.connection_timeout)
            with connect(endpoint, settings, deadline) as client:
                page.add("exporter_last_scrape_connect_time_seconds", client.connect_seconds)
                yield from Scrape(self.namespace, settings, client, self._scripts, ask).families(page)
        except (ScrapeError, SettingsError) as error:
            problem = error if isinstance(error, ScrapeError) else ScrapeError("config", str(error))
            self._outages.failed(str(ask.target or self._own_target), problem)
            page.add("up", 0)
            page.add("exporter_last_scrape_error", 1, problem.reason)
        else:
            self._outages.worked(str(ask.target or self._own_target))
            page.add("up", 1)
            page.add("exporter_last_scrape_error", 0, "")
        elapsed = time.perf_counter() - started
        page.add("exporter_last_scrape_duration_seconds", elapsed)
        self._scrapes.add()
        self._seconds.add(elapsed)
        if ask.target is None:
            self._add_own(page)
            if not self._rules.base.redis_only:
                yield from process_families()
        yield from page

    def endpoint(self) -> tuple[Endpoint, RedisSettings]:
        """The exporter's own server, for the pages beside the metrics."""
        return endpoint_of(self._rules.base, None, "", ""), self._rules.base

    def _add_own(self, page: Page) -> None:
        page.add("exporter_scrapes_total", self._scrapes.value)
        page.family("exporter_scrape_duration_seconds").add_sum_count(
            self._seconds.value, self._scrapes.value
        )
        page.add("target_scrape_request_errors_total", self._rules.refused.value)
        page.add("exporter_build_info", 1, VERSION, "", "", "")


@dataclass(frozen=True, slots=True)
class Scrape:
    """One scrape over one connection."""

    namespace: str
    settings: RedisSettings
    client: Client
    scripts: Mapping[str, bytes]
    ask: Ask

    def families(self, page: Page) -> Iterator[Family]:
        """Families of all parts. ScrapeError when not even INFO can be read."""
        if self.settings.ping_on_connect:
            started = time.perf_counter()
            self.client.demand("PING")
            page.add("exporter_last_scrape_ping_time_seconds", time.perf_counter() - started)
        snapshot = self._snapshot()
        families = run_parts(self.namespace, self.ask, self._parts(snapshot))
        if self.settings.append_role:
            yield from _with_role(families, snapshot.info.get("role"))
        else:
            yield from families
        for command in sorted(self.client.denied):
            page.add("exporter_command_denied", 1, command)

    def _snapshot(self) -> Snapshot:
        raw = self.client.call("INFO", "ALL")
        if isinstance(raw, ErrorReply):
            # Some hosted servers know INFO without ALL only.
            raw = self.client.demand("INFO")
        info = parse_info(as_text(raw))
        if not info.sections:
            raise ScrapeError("protocol", "the reply to INFO holds no section")
        config = None
        if self.settings.config_command != "-" and not info.is_sentinel:
            # Redis 7 reads several names at once, which spares it 200 settings that nobody asked for.
            names = CONFIG_NAMES if info.version >= (7,) and not self.settings.include_config else ("*",)
            config = self.client.call(*self.settings.config_command.split(), "GET", *names)
        error = config if isinstance(config, ErrorReply) else None
        return Snapshot(info, {key: as_text(value) for key, value in as_map(config).items()}, error)

    def _parts(self, snapshot: Snapshot) -> Iterator[tuple[str, Callable[[], Iterable[Family]]]]:
        """The parts that are switched on, those that may take long at the end."""
        settings, info, client = self.settings, snapshot.info, self.client
        yield "info", self._part(lambda page: self._add_info(page, snapshot))
        if settings.config_command != "-" and not info.is_sentinel:
            yield "config", self._part(lambda page: self._add_config(page, snapshot))
        if info.is_sentinel:
            yield "sentinel", self._part(self._add_sentinel)
        else:
            yield "latency", self._part(lambda page: self._add_latency(page, info))
            yield (
                "slowlog",
                self._part(lambda page: add_slowlog(page, client.pipeline(slowlog_commands(info)))),
            )
        if info.is_cluster:
            yield "cluster", self._part(lambda page: add_cluster_info(page, client))
        if settings.include_modules:
            yield "modules", self._part(lambda page: add_modules(page, client))
        if settings.include_search_indexes:
            pattern = settings.check_search_indexes
            yield "search", self._part(lambda page: add_search_indexes(page, client, pattern))
        if settings.is_tile38:
            yield "tile38", self._part(lambda page: add_tile38(page, client))
        if settings.export_client_list or settings.count_clients:
            yield "clients", self._part(self._add_clients)
        if self.scripts:
            read_only = settings.scripts_read_only
            yield "scripts", self._part(lambda page: add_scripts(page, client, self.scripts, read_only))
        if not info.is_sentinel:
            yield from self._key_parts(snapshot)

    def _key_parts(self, snapshot: Snapshot) -> Iterator[tuple[str, Callable[[], Iterable[Family]]]]:
        settings = self.settings
        skip = settings.skip_keys_on_master and snapshot.info.get("role") == "master"
        if (settings.check_keys or settings.check_single_keys) and not skip:
            yield "keys", self._part(self._add_keys)
        if settings.count_keys and not skip:
            yield "count_keys", self._part(self._add_counts)
        if settings.check_key_groups.strip():
            databases = database_count(dict(snapshot.config), snapshot.info.is_cluster)
            yield "key_groups", self._part(lambda page: self._add_groups(page, databases))
        if settings.check_streams or settings.check_single_streams:
            yield "streams", self._part(self._add_streams)

    def _part(self, add: Callable[[Page], None]) -> Callable[[], Iterable[Family]]:
        """A part whose families are kept up to the point where it fails."""

        def part() -> Iterator[Family]:
            page = CATALOGUE.page(self.namespace)
            try:
                add(page)
            except ScrapeError:
                yield from page
                raise
            yield from page

        return part

    def _add_info(self, page: Page, snapshot: Snapshot) -> None:
        info = snapshot.info
        add_fields(page, info)
        add_identity(page, info, self.settings.include_system)
        add_replication(page, info)
        add_command_stats(page, info)
        if info.is_sentinel:
            add_sentinel_info(page, info)
            return
        zeros = self.settings.include_empty_databases
        add_keyspace(page, info, database_count(dict(snapshot.config), info.is_cluster) if zeros else 0)

    def _add_config(self, page: Page, snapshot: Snapshot) -> None:
        if snapshot.config_error is not None:
            raise refusal(("CONFIG", "GET"), snapshot.config_error)
        config = dict(snapshot.config)
        add_config(page, config, self.settings.include_config, self.settings.redact_config)
        if self.settings.include_rdb_size:
            add_rdb_size(page, config)

    def _add_latency(self, page: Page, info: Info) -> None:
        commands = latency_commands(info, not self.settings.exclude_latency_histogram)
        add_latency(page, info, self.client.pipeline(commands))

    def _add_sentinel(self, page: Page) -> None:
        add_sentinel_masters(page, self.client, self.settings.include_sentinel_peers)
        if self.settings.include_config:
            add_sentinel_config(page, self.client)

    def _add_clients(self, page: Page) -> None:
        settings = self.settings
        listing = as_text(self.client.demand("CLIENT", "LIST"))
        page.add("exporter_clients_truncated", 0)
        if settings.export_client_list:
            add_clients(page, parse_clients(listing), settings.max_clients, settings.export_client_port)
        if settings.count_clients:
            add_client_counts(page, parse_clients(listing), settings.max_clients)

    def _add_keys(self, page: Page) -> None:
        settings = self.settings
        patterns = (
            *parse_patterns(settings.check_single_keys, "check-single-keys"),
            *parse_patterns(settings.check_keys, "check-keys"),
        )
        budget = Budget(settings.max_keys)
        for client, wanted in self._nodes(patterns):
            for database, keys in find_keys(client, wanted, settings.batch_size, budget):
                add_keys(page, client, database, keys, not settings.disable_key_values)
        page.add("exporter_keys_truncated", int(budget.exceeded), "keys")

    def _add_streams(self, page: Page) -> None:
        settings = self.settings
        patterns = (
            *parse_patterns(settings.check_single_streams, "check-single-streams"),
            *parse_patterns(settings.check_streams, "check-streams"),
        )
        budget = Budget(settings.max_keys)
        for client, wanted in self._nodes(patterns):
            for database, keys in find_keys(client, wanted, settings.batch_size, budget, "stream"):
                add_streams(page, client, database, keys, not settings.streams_exclude_consumers)
        page.add("exporter_keys_truncated", int(budget.exceeded), "streams")

    def _add_counts(self, page: Page) -> None:
        patterns = parse_patterns(self.settings.count_keys, "count-keys")
        if not self.settings.is_cluster:
            count_keys(page, self.client, patterns, self.settings.batch_size)
            return
        totals: dict[KeyPattern, int] = {}
        for client, wanted in self._nodes(patterns):
            for pattern, count in counts(client, wanted, self.settings.batch_size):
                totals[pattern] = totals.get(pattern, 0) + count
        for pattern, count in totals.items():
            page.add("keys_count", count, pattern.label, text(pattern.key))

    def _add_groups(self, page: Page, databases: int) -> None:
        settings = self.settings
        patterns = [pattern.strip() for pattern in settings.check_key_groups.split(",") if pattern.strip()]
        add_key_groups(
            page, self.client, databases, patterns, settings.batch_size, settings.max_distinct_key_groups
        )
        select_database(self.client, 0)

    def _nodes(self, patterns: Sequence[KeyPattern]) -> Iterator[tuple[Client, Sequence[KeyPattern]]]:
        """The connections to look for keys on: this one, or one to every master of the cluster.

        A key without wildcards goes to the node that has its slot.
        """
        if not self.settings.is_cluster:
            yield self.client, patterns
            return
        for node in cluster_nodes(self.client):
            wanted = [pattern for pattern in patterns if pattern.is_pattern or node.has(pattern.key)]
            if node.is_master and node.is_usable and node.slots and wanted:
                with self._connect_node(node) as client:
                    yield client, wanted

    def _connect_node(self, node: Node) -> Client:
        endpoint = replace(self.client.endpoint, address=node.address)
        return connect(endpoint, self.settings, self.client.deadline)


def _with_parameters(settings: RedisSettings, ask: Ask) -> RedisSettings:
    """The settings with what the request asks for; only for other targets, as upstream does."""
    if ask.target is None:
        return settings
    changes = {name: ",".join(ask.params[name]) for name in _PARAMETERS if name in ask.params}
    for name, raw in changes.items():
        parse_patterns(raw, name)
    return override(settings, changes, "the request")


def _first(ask: Ask, name: str) -> str:
    values = ask.params.get(name) if ask.target is not None else None
    return values[0] if values else ""


def _with_role(families: Iterable[Family], role: str) -> Iterator[Family]:
    """Every family with the label instance_role before its own."""
    for family in families:
        labelled = Family(family.name, family.type, family.help, ("instance_role", *family.labels))
        labelled.samples = [(suffix, (role, *values), value) for suffix, values, value in family.samples]
        yield labelled
