"""The settings of rabbitmq-exporter: the variables of kbudde's exporter, and what it lacks."""

from dataclasses import dataclass
from typing import Annotated

from exporters.settings import Duration, Flag, Secret, Words

STYLES = ("official", "kbudde")
QUEUE_PAGES = ("per-object", "detailed", "aggregated")
# Parts beside the overview, which is always read: those of kbudde's exporter, then ours.
PARTS = (
    "node",
    "queue",
    "exchange",
    "connections",
    "shovel",
    "federation",
    "memory",
    "aliveness",
    "health",
    "plugin",
    "queue_details",
)
DEFAULT_PARTS = {
    "official": ("plugin", "queue", "node", "shovel", "federation", "health"),
    "kbudde": ("exchange", "node", "queue"),
}


@dataclass(frozen=True, slots=True)
class RabbitSettings:
    """Everything that can be set; the shared settings of all exporters come in addition."""

    url: Annotated[
        str,
        Flag(
            "rabbit.url",
            "The management API: http:// or https://, host, port and the path prefix if there is one.",
            env=("RABBIT_URL",),
            aliases=("rabbit_url",),
        ),
    ] = "http://127.0.0.1:15672"
    user: Annotated[
        str,
        Flag("rabbit.user", "User with the tag monitoring.", env=("RABBIT_USER",), aliases=("rabbit_user",)),
    ] = "guest"
    user_file: Annotated[
        str, Flag("rabbit.user-file", "File with the user; read at each scrape.", env=("RABBIT_USER_FILE",))
    ] = ""
    password: Annotated[
        Secret,
        Flag(
            "rabbit.password",
            "Password of the user.",
            env=("RABBIT_PASSWORD",),
            aliases=("rabbit_pass",),
            from_file=False,
        ),
    ] = Secret("guest")
    password_file: Annotated[
        str,
        Flag(
            "rabbit.password-file",
            "File with the password; read at each scrape.",
            env=("RABBIT_PASSWORD_FILE",),
        ),
    ] = ""
    timeout: Annotated[
        Duration,
        Flag("rabbit.timeout", "How long RabbitMQ may take for a scrape.", env=("RABBIT_TIMEOUT",)),
    ] = Duration(30)
    connection: Annotated[
        str,
        Flag(
            "rabbit.connection",
            "direct: the URL is one node; loadbalancer: it is any node, and the label self is lb.",
            env=("RABBIT_CONNECTION",),
            aliases=("rabbit_connection",),
        ),
    ] = "direct"
    ca: Annotated[str, Flag("rabbit.ca-file", "CA of the server's certificate.", env=("CAFILE",))] = ""
    cert: Annotated[str, Flag("rabbit.cert-file", "Client certificate.", env=("CERTFILE",))] = ""
    key: Annotated[str, Flag("rabbit.key-file", "Key of the client certificate.", env=("KEYFILE",))] = ""
    skip_verification: Annotated[
        bool,
        Flag(
            "rabbit.insecure-skip-verify",
            "Accept any certificate.",
            env=("SKIPVERIFY",),
            aliases=("insecure_skip_verify",),
        ),
    ] = False
    style: Annotated[
        str,
        Flag(
            "metrics-style",
            "official: the names of rabbitmq_prometheus; kbudde: those of kbudde's exporter.",
        ),
    ] = "official"
    plugin_url: Annotated[
        str,
        Flag(
            "plugin.url",
            "Where rabbitmq_prometheus answers (style official); by default port 15692 of the host of "
            "--rabbit.url, 15691 with TLS. none: only the management API is read.",
        ),
    ] = ""
    plugin_queues: Annotated[
        str,
        Flag(
            "plugin.queues",
            "per-object: rabbitmq_queue_* by queue; detailed: sums, and rabbitmq_detailed_queue_* by queue; "
            "aggregated: sums only.",
        ),
    ] = "per-object"
    plugin_families: Annotated[
        Words,
        Flag(
            "plugin.families",
            "Further families of the plugin's page /metrics/detailed, e.g. exchange_bindings.",
        ),
    ] = ()
    parts: Annotated[
        Words,
        Flag(
            "rabbit.exporters",
            f"Parts to export, of {', '.join(PARTS)}; by default "
            f"{','.join(DEFAULT_PARTS['official'])}, with the style kbudde "
            f"{','.join(DEFAULT_PARTS['kbudde'])}.",
            env=("RABBIT_EXPORTERS",),
            aliases=("enabled_exporters",),
        ),
    ] = ()
    include_vhost: Annotated[
        str,
        Flag(
            "include-vhost",
            "Regular expression, found anywhere in the name: only these vhosts.",
            env=("INCLUDE_VHOST",),
            aliases=("include_vhost",),
        ),
    ] = ".*"
    skip_vhost: Annotated[
        str,
        Flag(
            "skip-vhost",
            "Regular expression: none of these vhosts.",
            env=("SKIP_VHOST",),
            aliases=("skip_vhost",),
        ),
    ] = ""
    include_queues: Annotated[
        str,
        Flag(
            "include-queues",
            "Regular expression: only these queues.",
            env=("INCLUDE_QUEUES",),
            aliases=("include_queues",),
        ),
    ] = ".*"
    skip_queues: Annotated[
        str,
        Flag(
            "skip-queues",
            "Regular expression: none of these queues.",
            env=("SKIP_QUEUES",),
            aliases=("skip_queues",),
        ),
    ] = ""
    include_exchanges: Annotated[
        str,
        Flag(
            "include-exchanges",
            "Regular expression: only these exchanges.",
            env=("INCLUDE_EXCHANGES",),
            aliases=("include_exchanges",),
        ),
    ] = ".*"
    skip_exchanges: Annotated[
        str,
        Flag(
            "skip-exchanges",
            "Regular expression: none of these exchanges.",
            env=("SKIP_EXCHANGES",),
            aliases=("skip_exchanges",),
        ),
    ] = ""
    max_queues: Annotated[
        int,
        Flag(
            "max-queues",
            "Queues exported after the rules, those with most messages first; 0 is all.",
            env=("MAX_QUEUES",),
            aliases=("max_queues",),
        ),
    ] = 5000
    max_exchanges: Annotated[int, Flag("max-exchanges", "Exchanges exported after the rules; 0 is all.")] = (
        5000
    )
    max_connections: Annotated[
        int, Flag("max-connections", "Connections read for the part connections; 0 is all.")
    ] = 20000
    exclude_metrics: Annotated[
        Words,
        Flag(
            "exclude-metrics",
            "Fields of the API that are not exported (style kbudde), e.g. messages_ready.",
            env=("EXCLUDE_METRICS",),
            aliases=("exclude_metrics",),
        ),
    ] = ()
    health_checks: Annotated[
        Words,
        Flag(
            "health.checks",
            "Checks of /api/health/checks for the part health, e.g. certificate-expiration/1/months or "
            "port-listener/5672.",
        ),
    ] = ("alarms", "local-alarms", "virtual-hosts", "node-is-quorum-critical", "ready-to-serve-clients")
    aliveness_vhost: Annotated[
        str,
        Flag(
            "aliveness-vhost",
            "The vhost of the part aliveness, which declares a queue there and sends a message.",
            env=("ALIVENESS_VHOST",),
            aliases=("aliveness_vhost",),
        ),
    ] = "/"
