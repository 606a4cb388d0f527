"""The command memcached-exporter."""

from exporters.clienttls import check_key_pair
from exporters.command import Kind, run
from exporters.connection import parse_address
from exporters.exporter import Exporter
from exporters.memcached.exporter import NAMESPACE, PORT, MemcachedExporter
from exporters.memcached.metrics import CATALOGUE
from exporters.memcached.settings import MemcachedSettings
from exporters.settings import SettingsError
from exporters.targets import TargetRules

_EXAMPLES = """
memcached-exporter --memcached.address=10.0.0.5:11211
memcached-exporter --memcached.address=/run/memcached/memcached.sock
memcached-exporter --targets='cache-*.prod:11211'   then GET /scrape?target=cache-1.prod:11211
memcached-exporter --once | grep memcached_up
"""


def _build(settings: MemcachedSettings, rules: TargetRules[MemcachedSettings]) -> Exporter:
    try:
        parse_address(settings.address, PORT)
    except ValueError as error:
        raise SettingsError(f"--memcached.address: {error}") from None
    flags = ("--memcached.tls.cert-file", "--memcached.tls.key-file")
    check_key_pair(settings.tls_cert, settings.tls_key, flags)
    return MemcachedExporter(rules)


KIND = Kind(
    name="memcached-exporter",
    title="Exports the metrics of memcached to Prometheus.",
    env_prefix="MEMCACHED_EXPORTER",
    port=9150,
    target_port=PORT,
    settings=MemcachedSettings,
    build=_build,
    examples=_EXAMPLES,
    catalogue=CATALOGUE,
    namespace=NAMESPACE,
)


def main() -> None:
    """Entry point of the console script."""
    run(KIND)
