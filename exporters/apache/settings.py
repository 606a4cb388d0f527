"""The settings of apache-exporter, under the flags of Lusitaniae's exporter."""

from dataclasses import dataclass
from typing import Annotated

from exporters.settings import Flag, Secret, Words


@dataclass(frozen=True, slots=True)
class ApacheSettings:
    """Everything that can be set; the shared settings of all exporters come in addition."""

    scrape_uri: Annotated[
        str,
        Flag(
            "scrape_uri",
            "mod_status' page for programs: http://, https:// or unix:/path/of/socket:/server-status?auto.",
            ("SCRAPE_URI",),
        ),
    ] = "http://localhost/server-status?auto"
    host_override: Annotated[str, Flag("host_override", "Host header to send instead of the URI's host.")] = (
        ""
    )
    insecure: Annotated[bool, Flag("insecure", "Accept any certificate of an https page.")] = False
    custom_headers: Annotated[
        Words,
        Flag("custom_headers", "Headers to send, as Name=value; repeated, or with commas between them."),
    ] = ()
    user: Annotated[str, Flag("apache.user", "User of the page, unless the URI names one.")] = ""
    password: Annotated[Secret, Flag("apache.password", "Password of that user.")] = Secret("")
    tls_ca: Annotated[str, Flag("apache.tls.ca-file", "CA of the server's certificate.")] = ""
    tls_cert: Annotated[str, Flag("apache.tls.cert-file", "Client certificate.")] = ""
    tls_key: Annotated[str, Flag("apache.tls.key-file", "Key of the client certificate.")] = ""
    max_balancer_workers: Annotated[
        int, Flag("apache.max-balancer-workers", "Workers of proxy balancers that get series.")
    ] = 1000
