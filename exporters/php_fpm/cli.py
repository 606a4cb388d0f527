"""The command php-fpm-exporter."""

import sys
from collections.abc import Sequence

from exporters.command import Kind, run
from exporters.exporter import Exporter
from exporters.php_fpm.exporter import PhpFpmExporter
from exporters.php_fpm.metrics import BAKINS, CATALOGUE
from exporters.php_fpm.poolconfig import flag_configs
from exporters.php_fpm.poolpage import NAMESPACE
from exporters.php_fpm.settings import PhpFpmSettings
from exporters.php_fpm.uri import PORT, parse_uri
from exporters.settings import SettingsError
from exporters.targets import TargetRules

_EXAMPLES = """
php-fpm-exporter --phpfpm.scrape-uri='unix:///run/php/www.sock;/status'
php-fpm-exporter --phpfpm.scrape-uri='unix:///run/php/*.sock;/status' --no-phpfpm.per-process
php-fpm-exporter --targets='php-*.prod:9000'   then GET /probe?target=php-1.prod:9000
php-fpm-exporter --once | grep phpfpm_up
"""


def _build(settings: PhpFpmSettings, rules: TargetRules[PhpFpmSettings]) -> Exporter:
    """The exporter, after checking what would otherwise fail in every scrape."""
    if not settings.status_path.startswith("/"):
        raise SettingsError(f"--phpfpm.status-path: {settings.status_path!r} does not begin with /")
    uris = [parse_uri(text, settings.status_path) for text in settings.scrape_uri]
    if not uris:
        raise SettingsError("--phpfpm.scrape-uri names no pool")
    if settings.max_pools < 1:
        raise SettingsError("--phpfpm.max-pools must be at least 1")
    if settings.opcache_script and all(uri.web for uri in uris) and not rules.enabled:
        raise SettingsError("--phpfpm.opcache-script needs a pool that is read over FastCGI (tcp or unix)")
    flag_configs(settings)
    return PhpFpmExporter(uris, rules)


KIND = Kind(
    name="php-fpm-exporter",
    title="Exports the metrics of PHP-FPM's pools to Prometheus.",
    env_prefix="PHP_FPM",
    port=9253,
    target_port=PORT,
    settings=PhpFpmSettings,
    build=_build,
    examples=_EXAMPLES,
    shared_env={
        "web.listen-address": ("PHP_FPM_WEB_LISTEN_ADDRESS", "LISTEN_ADDR"),
        "web.telemetry-path": ("PHP_FPM_WEB_TELEMETRY_PATH", "TELEMETRY_PATH"),
    },
    shared_aliases={"web.listen-address": ("addr",)},
    catalogue=CATALOGUE,
    other_catalogues={"--phpfpm.bakins-names": BAKINS},
    namespace=NAMESPACE,
)


def main() -> None:
    """Entry point of the console script."""
    run(KIND, upstream_arguments(sys.argv[1:]))


def upstream_arguments(arguments: Sequence[str]) -> Sequence[str]:
    """Upstream's subcommands as ours: `server` serves, as no subcommand does, and `get` prints once."""
    if arguments[:1] == ["server"]:
        return arguments[1:]
    return ["--once", *arguments[1:]] if arguments[:1] == ["get"] else arguments
