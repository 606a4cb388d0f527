"""Real Apache and nginx for tests and benchmarks, on free ports, with their status pages in several guises.

Both have /forbidden, and /private for the user "status" with PASSWORD.
"""

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from exporter_servers import accepts, free_port, process, until

PASSWORD = 'p@ss:w/ö r"d'

_APACHE = """
ServerRoot {folder}
DefaultRuntimeDir {folder}
PidFile {folder}/pid
ErrorLog {folder}/error.log
ServerName localhost
{modules}
{user}
Listen 127.0.0.1:{port}
DocumentRoot {open}
<Location /server-status>
  SetHandler server-status
</Location>
<Location /forbidden>
  SetHandler server-status
  Require all denied
</Location>
<Location /private>
  SetHandler server-status
  AuthType Basic
  AuthName x
  AuthUserFile {open}/passwords
  Require valid-user
</Location>
ProxyStatus On
<Proxy balancer://app>
  BalancerMember http://127.0.0.1:1
  BalancerMember http://127.0.0.1:2 status=+H
</Proxy>
ProxyPass /app balancer://app
{more}
"""
_APACHE_TLS = """
SSLSessionCache shmcb:{folder}/sessions(512000)
Listen 127.0.0.1:{tls_port}
<VirtualHost 127.0.0.1:{tls_port}>
  SSLEngine on
  SSLCertificateFile {cert}
  SSLCertificateKeyFile {key}
</VirtualHost>
"""
# One process, so that it reads files of the user who runs the tests.
_NGINX = """
daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
  access_log {folder}/access.log;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    listen unix:{folder}/status.sock;
    listen 127.0.0.1:{proxy_port} proxy_protocol;
    {tls}
    location = /stub_status {{ stub_status; }}
    location = /forbidden {{ deny all; }}
    location = /private {{ stub_status; auth_basic x; auth_basic_user_file {folder}/passwords; }}
  }}
}}
"""
_NGINX_TLS = "listen 127.0.0.1:{tls_port} ssl; ssl_certificate {cert}; ssl_certificate_key {key};"
_MODULES = (
    *("authn_core", "authn_file", "authz_core", "authz_user", "auth_basic", "status"),
    *("proxy", "proxy_http", "proxy_balancer", "lbmethod_byrequests", "slotmem_shm"),
)


@dataclass(frozen=True)
class Web:
    """A running server, with the log of its faults; nginx also has status.sock there."""

    folder: Path
    port: int
    tls_port: int
    # nginx only: a port that wants a PROXY header first.
    proxy_port: int = 0

    def url(self, page: str) -> str:
        return f"http://127.0.0.1:{self.port}{page}"


@contextlib.contextmanager
def apache(
    folder: Path, cert: tuple[str, str] | None = None, mpm: str = "event", more: str = ""
) -> Iterator[Web]:
    """Apache with /server-status and a balancer of two workers that are not there."""
    folder.mkdir(parents=True, exist_ok=True)
    web = Web(folder, free_port(), free_port())
    modules = [f"mpm_{mpm}", *_MODULES]
    if cert is not None:
        modules += ["ssl", "socache_shmcb"]
        more += _APACHE_TLS.format(folder=folder, tls_port=web.tls_port, cert=cert[0], key=cert[1])
    # Apache's children leave root, and pytest's folders are closed to others.
    with tempfile.TemporaryDirectory() as opened:
        Path(opened).chmod(0o755)
        _write_passwords(Path(opened))
        text = _APACHE.format(
            folder=folder,
            open=opened,
            port=web.port,
            modules="\n".join(
                f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so" for name in modules
            ),
            user="User www-data\nGroup www-data" if os.getuid() == 0 else "",
            more=more,
        )
        config = folder / "apache.conf"
        config.write_text(text)
        # When it ends, Apache ends its whole process group.
        with process(["apache2", "-DFOREGROUND", "-f", str(config)], folder, process_group=0):
            until(lambda: accepts(web.port), "apache2")
            yield web


@contextlib.contextmanager
def nginx(folder: Path, cert: tuple[str, str] | None = None) -> Iterator[Web]:
    """nginx with /stub_status."""
    folder.mkdir(parents=True, exist_ok=True)
    web = Web(folder, free_port(), free_port(), free_port())
    _write_passwords(folder)
    tls = "" if cert is None else _NGINX_TLS.format(tls_port=web.tls_port, cert=cert[0], key=cert[1])
    config = folder / "nginx.conf"
    config.write_text(_NGINX.format(folder=folder, port=web.port, proxy_port=web.proxy_port, tls=tls))
    command = ["nginx", "-c", str(config), "-p", str(folder), "-e", str(folder / "error.log")]
    with process(command, folder):
        until(lambda: accepts(web.port), "nginx")
        yield web


@contextlib.contextmanager
def debian_exporter(command: Sequence[str], port_flag: str, folder: Path) -> Iterator[int]:
    """An exporter that Debian packages; gives the port of its pages."""
    port = free_port()
    folder.mkdir(parents=True, exist_ok=True)
    with process([*command, f"{port_flag}=127.0.0.1:{port}"], folder):
        until(lambda: accepts(port), command[0])
        yield port


def _write_passwords(folder: Path) -> None:
    command = ["openssl", "passwd", "-apr1", "-salt", "saltsalt", "-stdin"]
    done = subprocess.run(
        command, input=f"{PASSWORD}\n".encode(), capture_output=True, check=True, timeout=30
    )
    path = folder / "passwords"
    path.write_text(f"status:{done.stdout.decode().strip()}\n")
    path.chmod(0o644)
