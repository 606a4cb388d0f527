"""The settings of memcached-exporter, under the flags of prometheus' exporter."""

from dataclasses import dataclass
from typing import Annotated

from exporters.settings import Duration, Flag


@dataclass(frozen=True, slots=True)
class MemcachedSettings:
    """Everything that can be set; the shared settings of all exporters come in addition."""

    address: Annotated[str, Flag("memcached.address", "host:port, or the path of a unix socket.")] = (
        "localhost:11211"
    )
    timeout: Annotated[Duration, Flag("memcached.timeout", "How long memcached may take for a scrape.")] = (
        Duration(1)
    )
    pid_file: Annotated[
        str, Flag("memcached.pid-file", "File with memcached's process id, for memcached_process_*.")
    ] = ""
    tls: Annotated[bool, Flag("memcached.tls.enable", "Use TLS.")] = False
    tls_cert: Annotated[str, Flag("memcached.tls.cert-file", "Client certificate.")] = ""
    tls_key: Annotated[str, Flag("memcached.tls.key-file", "Key of the client certificate.")] = ""
    tls_ca: Annotated[str, Flag("memcached.tls.ca-file", "CA of the server's certificate.")] = ""
    tls_skip_verification: Annotated[
        bool, Flag("memcached.tls.insecure-skip-verify", "Accept any certificate.")
    ] = False
    tls_server_name: Annotated[
        str, Flag("memcached.tls.server-name", "Name expected in the server's certificate.")
    ] = ""
