"""The command redis-exporter."""

import json
import logging
import re
from collections.abc import Mapping, Sequence

from exporters.clienttls import check_key_pair
from exporters.command import Kind, run
from exporters.deadline import Deadline
from exporters.errors import ScrapeError
from exporters.exporter import Exporter
from exporters.httpserver import Handler, Request, Response
from exporters.redis.client import connect
from exporters.redis.cluster import cluster_nodes
from exporters.redis.endpoint import PORT, check_password_file
from exporters.redis.exporter import RedisExporter
from exporters.redis.keys import parse_patterns
from exporters.redis.metrics import CATALOGUE
from exporters.redis.settings import RedisSettings
from exporters.settings import Secret, SettingsError
from exporters.targets import TargetRules
from exporters.webconfig import TlsFiles, WebAccess

_EXAMPLES = """
redis-exporter --redis.addr=redis://10.0.0.5:6379 --redis.password-file=/run/secrets/redis
redis-exporter --check-keys='db0=queue:*' --include-system-metrics
redis-exporter --targets='redis-*.prod:6379'   then GET /scrape?target=redis-1.prod:6379
redis-exporter --once | grep redis_up
"""


def _build(settings: RedisSettings, rules: TargetRules[RedisSettings]) -> Exporter:
    """The exporter, after checking what would otherwise fail in every scrape."""
    if settings.password_file:
        check_password_file(settings.password_file)
    for flag, raw in (
        ("check-keys", settings.check_keys),
        ("check-single-keys", settings.check_single_keys),
        ("check-streams", settings.check_streams),
        ("check-single-streams", settings.check_single_streams),
        ("count-keys", settings.count_keys),
    ):
        parse_patterns(raw, flag)
    if not re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*", settings.namespace):
        raise SettingsError(f"--namespace: {settings.namespace!r} cannot begin a metric name")
    if settings.disable_scrape_endpoint and rules.enabled:
        raise SettingsError("--disable-scrape-endpoint and --targets contradict each other")
    if settings.debug:
        logging.getLogger("exporters").setLevel(logging.DEBUG)
    if settings.batch_size < 1:
        raise SettingsError("--check-keys-batch-size must be at least 1")
    flags = ("--tls-client-cert-file", "--tls-client-key-file")
    check_key_pair(settings.tls_client_cert, settings.tls_client_key, flags)
    try:
        re.compile(settings.check_search_indexes)
    except re.error as error:
        raise SettingsError(f"--check-search-indexes: {error}") from None
    return RedisExporter(settings, rules)


def _web_access(settings: RedisSettings, access: WebAccess) -> WebAccess:
    """TLS and the user of upstream's own flags; the web configuration file wins where it says something."""
    tls = access.tls
    if tls is None and settings.tls_server_cert and settings.tls_server_key:
        version = settings.tls_server_min_version.replace(".", "").upper()
        tls = TlsFiles(
            settings.tls_server_cert,
            settings.tls_server_key,
            settings.tls_server_ca,
            min_version={"TLS10": "TLS10", "TLS1": "TLS10"}.get(version, version),
        )
    users = access.users or _user(settings)
    changed = WebAccess(tls, users, access.headers)
    changed.context()
    return changed


def _user(settings: RedisSettings) -> Mapping[str, str]:
    if not settings.basic_auth_username:
        return {}
    if settings.basic_auth_hash:
        return {settings.basic_auth_username: settings.basic_auth_hash.reveal()}
    if not settings.basic_auth_password:
        raise SettingsError("--basic-auth-username needs --basic-auth-password or --basic-auth-hash-password")
    return {settings.basic_auth_username: _hashed(settings.basic_auth_password)}


def _hashed(password: Secret) -> str:
    import bcrypt

    return bcrypt.hashpw(password.reveal().encode()[:72], bcrypt.gensalt(10)).decode()


def _routes(exporter: Exporter) -> Mapping[str, Handler]:
    assert isinstance(exporter, RedisExporter)

    def discover(request: Request) -> Response:
        """The nodes of the cluster for Prometheus' http_sd_configs."""
        try:
            targets = _node_targets(exporter)
        except ScrapeError as error:
            return Response(503, f"cannot read the cluster's nodes: {error.reason}\n".encode())
        body = json.dumps([{"targets": targets, "labels": {}}]).encode()
        return Response(200, body, "application/json")

    def reload(request: Request) -> Response:
        """Password files are read at every scrape, so there is only something to check."""
        _, settings = exporter.endpoint()
        try:
            if settings.password_file:
                check_password_file(settings.password_file)
        except SettingsError:
            return Response(500, b"the password file cannot be used\n")
        return Response(200, b"ok\n")

    return {"/discover-cluster-nodes": discover, "/-/reload": reload}


def _node_targets(exporter: RedisExporter) -> Sequence[str]:
    endpoint, settings = exporter.endpoint()
    deadline = Deadline.after(min(settings.connection_timeout, 10))
    with connect(endpoint, settings, deadline) as client:
        nodes = cluster_nodes(client)
    names = settings.discover_hostnames
    return [
        f"{node.hostname}:{node.address.port}" if names and node.hostname else str(node.address)
        for node in nodes
        if node.is_usable
    ]


KIND = Kind(
    name="redis-exporter",
    title="Exports the metrics of Redis, Valkey, KeyDB, Sentinel and Cluster to Prometheus.",
    env_prefix="REDIS_EXPORTER",
    port=9121,
    target_port=PORT,
    settings=RedisSettings,
    build=_build,
    examples=_EXAMPLES,
    web_access=_web_access,
    routes=_routes,
    catalogue=CATALOGUE,
    namespace="redis",
)


def main() -> None:
    """Entry point of the console script."""
    run(KIND)
