"""The settings of php-fpm-exporter: the flags and variables of hipages' exporter, and what it lacks."""

import re
from dataclasses import dataclass
from typing import Annotated

from exporters.settings import Duration, Flag, Secret, Words


def _flag(name: str, help: str, *more_env: str, aliases: tuple[str, ...] = ()) -> Flag:
    """A flag `phpfpm.NAME` with the variable PHP_FPM_NAME."""
    variable = "PHP_FPM_" + re.sub("[.-]", "_", name).upper()
    return Flag(f"phpfpm.{name}", help, (variable, *more_env), aliases)


@dataclass(frozen=True, slots=True)
class PhpFpmSettings:
    """Everything that can be set; the shared settings of all exporters come in addition."""

    scrape_uri: Annotated[
        Words,
        _flag(
            "scrape-uri",
            "Status pages, with commas between them: `tcp://host:port/status`, `unix:///path;/status` "
            "(`*` in the path finds sockets at each scrape, `unix://@name` is an abstract one), `http://` "
            "or `https://`.",
            "FASTCGI_URL",
            "ENDPOINT_URL",
            aliases=("fastcgi", "endpoint"),
        ),
    ] = ("tcp://127.0.0.1:9000/status",)
    status_path: Annotated[
        str, _flag("status-path", "pm.status_path of pools whose URI has no path, and of other targets.")
    ] = "/status"
    timeout: Annotated[Duration, _flag("timeout", "How long each pool may take for a scrape.")] = Duration(3)
    fix_process_count: Annotated[
        bool,
        _flag(
            "fix-process-count",
            "Count active and idle processes from the list of processes, where PHP's own counters drift.",
        ),
    ] = False
    per_process: Annotated[
        bool, _flag("per-process", "Series for each process (`phpfpm_process_*`), as upstream has them.")
    ] = True
    max_processes: Annotated[
        int, _flag("max-processes", "Processes of a pool that get series of their own.")
    ] = 1000
    max_pools: Annotated[int, _flag("max-pools", "Pools read in a scrape; more are left out.")] = 200
    bakins_names: Annotated[
        bool,
        _flag(
            "bakins-names",
            "Also the names of bakins' exporter: without labels for one pool, else by pool and scrape_uri.",
        ),
    ] = False
    max_children: Annotated[
        Words,
        _flag("max-children", "pm.max_children by pool, such as `www=50,api=8`, for phpfpm_max_children."),
    ] = ()
    listen_socket: Annotated[
        Words,
        _flag(
            "listen-socket",
            "The socket a pool listens on, such as `www=/run/php/www.sock`, to count the connections that "
            "wait there when its status is read elsewhere (pm.status_listen).",
        ),
    ] = ()
    pool_config: Annotated[
        str,
        _flag(
            "config-file",
            "php-fpm.conf, to take pm.max_children and listen of each pool from it and what it includes.",
        ),
    ] = ""
    opcache_script: Annotated[
        str,
        _flag(
            "opcache-script",
            "Where PHP-FPM finds opcache.php of this exporter, for phpfpm_opcache_*.",
        ),
    ] = ""
    http_user: Annotated[str, _flag("http-user", "User of status pages read over HTTP.")] = ""
    http_password: Annotated[Secret, _flag("http-password", "Password of that user.")] = Secret("")
    tls_ca: Annotated[str, _flag("tls.ca-file", "CA of https status pages.")] = ""
    tls_skip_verification: Annotated[
        bool, _flag("tls.insecure-skip-verify", "Accept any certificate of https status pages.")
    ] = False
