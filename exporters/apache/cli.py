"""The command apache-exporter."""

from exporters.apache.exporter import NAMESPACE, PORT, ApacheExporter, status_page
from exporters.apache.metrics import CATALOGUE
from exporters.apache.settings import ApacheSettings
from exporters.command import Kind, run
from exporters.exporter import Exporter
from exporters.targets import TargetRules

_EXAMPLES = """
apache-exporter --scrape_uri='http://localhost/server-status?auto'
apache-exporter --scrape_uri='https://status@10.0.0.5/server-status?auto' --insecure
apache-exporter --targets='web-*.prod:80'   then GET /probe?target=web-1.prod:80
apache-exporter --once | grep apache_up
"""


def _build(settings: ApacheSettings, rules: TargetRules[ApacheSettings]) -> Exporter:
    status_page(settings)
    return ApacheExporter(rules)


KIND = Kind(
    name="apache-exporter",
    title="Exports the metrics of Apache's mod_status to Prometheus.",
    env_prefix="APACHE_EXPORTER",
    port=9117,
    target_port=PORT,
    settings=ApacheSettings,
    build=_build,
    examples=_EXAMPLES,
    # Those of the version in Debian 12.
    shared_aliases={
        "web.listen-address": ("telemetry.address",),
        "web.telemetry-path": ("telemetry.endpoint",),
        "web.config.file": ("web.config",),
    },
    catalogue=CATALOGUE,
    namespace=NAMESPACE,
)


def main() -> None:
    """Entry point of the console script."""
    run(KIND)
