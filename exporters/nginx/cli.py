"""The command nginx-exporter."""

from exporters.command import Kind, run
from exporters.exporter import Exporter
from exporters.nginx.exporter import NAMESPACE, PORT, NginxExporter, const_labels, status_pages
from exporters.nginx.metrics import CATALOGUE
from exporters.nginx.settings import NginxSettings
from exporters.settings import SettingsError
from exporters.targets import TargetRules
from exporters.webconfig import TlsFiles, WebAccess

_EXAMPLES = """
nginx-exporter --nginx.scrape-uri=http://127.0.0.1:8080/stub_status
nginx-exporter --nginx.scrape-uri=unix:/run/nginx-status.sock:/stub_status
nginx-exporter --targets='web-*.prod:8080'   then GET /probe?target=web-1.prod:8080
nginx-exporter --once | grep nginx_up
"""


def _build(settings: NginxSettings, rules: TargetRules[NginxSettings]) -> Exporter:
    if settings.plus:
        raise SettingsError("--nginx.plus: the API of NGINX Plus is not read, only stub_status pages")
    status_pages(settings)
    const_labels(settings)
    return NginxExporter(rules)


def _web_access(settings: NginxSettings, access: WebAccess) -> WebAccess:
    """TLS of upstream's older flags; the web configuration file wins."""
    if not settings.secured or access.tls is not None:
        return access
    if not settings.server_cert or not settings.server_key:
        raise SettingsError("--web.secured-metrics needs --web.ssl-server-cert and --web.ssl-server-key")
    changed = WebAccess(TlsFiles(settings.server_cert, settings.server_key), access.users, access.headers)
    changed.context()
    return changed


KIND = Kind(
    name="nginx-exporter",
    title="Exports the metrics of nginx' stub_status to Prometheus.",
    env_prefix="NGINX_EXPORTER",
    port=9113,
    target_port=PORT,
    settings=NginxSettings,
    build=_build,
    examples=_EXAMPLES,
    web_access=_web_access,
    shared_env={
        "web.listen-address": ("LISTEN_ADDRESS",),
        "web.telemetry-path": ("TELEMETRY_PATH",),
        "web.config.file": ("CONFIG_FILE",),
        "web.systemd-socket": ("SYSTEMD_SOCKET",),
    },
    catalogue=CATALOGUE,
    namespace=NAMESPACE,
)


def main() -> None:
    """Entry point of the console script."""
    run(KIND)
