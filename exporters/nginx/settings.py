"""The settings of nginx-exporter, under the flags and variables of nginx' own exporter."""

from dataclasses import dataclass
from typing import Annotated

from exporters.settings import Duration, Flag, Secret, Words


@dataclass(frozen=True, slots=True)
class NginxSettings:
    """Everything that can be set; the shared settings of all exporters come in addition."""

    scrape_uri: Annotated[
        Words,
        Flag(
            "nginx.scrape-uri",
            "stub_status pages: http://, https:// or unix:/path/of/socket:/page. With several (repeated, or "
            "with commas between them) every series has the label addr.",
            ("SCRAPE_URI",),
        ),
    ] = ("http://127.0.0.1:8080/stub_status",)
    timeout: Annotated[Duration, Flag("nginx.timeout", "How long each page may take.", ("TIMEOUT",))] = (
        Duration(5)
    )
    host_header: Annotated[
        str, Flag("nginx.hostheader", "Host header to send instead of the URI's host.", ("HOST_HEADER",))
    ] = ""
    user: Annotated[str, Flag("nginx.user", "User of the page, unless the URI names one.")] = ""
    password: Annotated[Secret, Flag("nginx.password", "Password of that user.")] = Secret("")
    ssl_verify: Annotated[
        bool, Flag("nginx.ssl-verify", "Check the certificate of https pages.", ("SSL_VERIFY",))
    ] = True
    ssl_ca: Annotated[str, Flag("nginx.ssl-ca-cert", "CA of the server's certificate.", ("SSL_CA_CERT",))] = (
        ""
    )
    ssl_cert: Annotated[str, Flag("nginx.ssl-client-cert", "Client certificate.", ("SSL_CLIENT_CERT",))] = ""
    ssl_key: Annotated[
        str, Flag("nginx.ssl-client-key", "Key of the client certificate.", ("SSL_CLIENT_KEY",))
    ] = ""
    proxy_protocol: Annotated[
        bool,
        Flag(
            "nginx.proxy-protocol",
            "Begin with a PROXY header, for listeners that want one.",
            ("PROXY_PROTOCOL",),
        ),
    ] = False
    const_labels: Annotated[
        Words,
        Flag(
            "prometheus.const-label",
            "Labels for every nginx metric, as name=value; repeated, or with commas between them.",
            ("CONST_LABELS",),
            ("prometheus.const-labels",),
        ),
    ] = ()
    metrics_only: Annotated[
        bool,
        Flag(
            "web.nginx-metrics-only",
            "Leave out the metrics of the exporter's own process.",
            ("NGINX_METRICS_ONLY",),
        ),
    ] = False
    plus: Annotated[
        bool, Flag("nginx.plus", "Refused: the API of NGINX Plus is not read.", ("NGINX_PLUS",))
    ] = False
    retries: Annotated[
        int,
        Flag(
            "nginx.retries",
            "Without effect: the exporter starts whether nginx answers or not.",
            ("NGINX_RETRIES",),
        ),
    ] = 0
    retry_interval: Annotated[
        Duration, Flag("nginx.retry-interval", "Without effect, as above.", ("NGINX_RETRY_INTERVAL",))
    ] = Duration(5)
    secured: Annotated[
        bool,
        Flag(
            "web.secured-metrics",
            "Serve over TLS with the two files below; --web.config.file can say more.",
            ("SECURED_METRICS",),
        ),
    ] = False
    server_cert: Annotated[
        str, Flag("web.ssl-server-cert", "Certificate of the exporter's pages.", ("SSL_SERVER_CERT",))
    ] = ""
    server_key: Annotated[
        str, Flag("web.ssl-server-key", "Key of that certificate.", ("SSL_SERVER_KEY",))
    ] = ""
