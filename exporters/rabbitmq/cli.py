"""The command rabbitmq-exporter."""

from collections.abc import Mapping

from exporters.clienttls import check_key_pair
from exporters.command import Kind, run
from exporters.exporter import Exporter
from exporters.rabbitmq import kbudde, official
from exporters.rabbitmq.endpoint import API_PORT, check_endpoints
from exporters.rabbitmq.exporter import NAMESPACE, RabbitExporter
from exporters.rabbitmq.rules import exchange_rules, queue_rules
from exporters.rabbitmq.settings import PARTS, QUEUE_PAGES, STYLES, RabbitSettings
from exporters.settings import SettingsError
from exporters.targets import TargetRules

_EXAMPLES = """
rabbitmq-exporter --rabbit.url=http://10.0.0.5:15672 --rabbit.password-file=/run/secrets/rabbit
rabbitmq-exporter --metrics-style=kbudde --rabbit.exporters=exchange,node,queue,connections
rabbitmq-exporter --skip-queues='^amq[.]gen-' --max-queues=1000
rabbitmq-exporter --once | grep rabbitmq_up
"""


def _build(settings: RabbitSettings, rules: TargetRules[RabbitSettings]) -> Exporter:
    """The exporter, after checking what would otherwise fail in every scrape."""
    _one_of("metrics-style", settings.style, STYLES)
    _one_of("plugin.queues", settings.plugin_queues, QUEUE_PAGES)
    _one_of("rabbit.connection", settings.connection, ("direct", "loadbalancer"))
    for part in settings.parts:
        _one_of("rabbit.exporters", part, ("overview", *PARTS))
    check_key_pair(settings.cert, settings.key, ("--rabbit.cert-file", "--rabbit.key-file"))
    queue_rules(settings)
    exchange_rules(settings)
    check_endpoints(settings)
    return RabbitExporter(rules)


def _one_of(flag: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise SettingsError(f"--{flag}: {value!r} is not one of {', '.join(known)}")


def _translated(environ: Mapping[str, str]) -> Mapping[str, str]:
    """kbudde's variables for the listener and the log, as the shared settings have them."""
    changed = dict(environ)
    if "PUBLISH_PORT" in environ or "PUBLISH_ADDR" in environ:
        address = f"{environ.get('PUBLISH_ADDR', '')}:{environ.get('PUBLISH_PORT', KIND.port)}"
        changed.setdefault("RABBITMQ_EXPORTER_WEB_LISTEN_ADDRESS", address)
    if "OUTPUT_FORMAT" in environ:
        style = "json" if environ["OUTPUT_FORMAT"].upper() == "JSON" else "txt"
        changed.setdefault("RABBITMQ_EXPORTER_LOG_FORMAT", style)
    return changed


KIND = Kind(
    name="rabbitmq-exporter",
    title="Exports the metrics of RabbitMQ to Prometheus.",
    env_prefix="RABBITMQ_EXPORTER",
    port=9419,
    target_port=API_PORT,
    settings=RabbitSettings,
    build=_build,
    examples=_EXAMPLES,
    shared_env={"log.level": ("LOG_LEVEL",)},
    environ=_translated,
    catalogue=official.CATALOGUE,
    other_catalogues={"--metrics-style=kbudde": kbudde.CATALOGUE},
    namespace=NAMESPACE,
)


def main() -> None:
    """Entry point of the console script."""
    run(KIND)
