"""A real Prometheus scrapes the exporters and keeps names and types."""

import contextlib
import json
import urllib.parse
from pathlib import Path
from typing import Any

from exporter_servers import (
    free_port,
    get,
    memcached_server,
    process,
    redis_server,
    serving,
    until,
)
from php_fpm_server import php_fpm
from web_servers import apache, nginx

from exporters.apache.cli import KIND as APACHE
from exporters.memcached.cli import KIND as MEMCACHED
from exporters.nginx.cli import KIND as NGINX
from exporters.php_fpm.cli import KIND as PHP_FPM
from exporters.redis.cli import KIND as REDIS

CONFIG = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: exporters
    static_configs: [{{targets: ["127.0.0.1:{redis}", "127.0.0.1:{memcached}", "127.0.0.1:{php_fpm}",
      "127.0.0.1:{apache}", "127.0.0.1:{nginx}"]}}]
"""


def test_prometheus_scrapes_the_exporters(tmp_path: Path) -> None:
    port = free_port()
    with contextlib.ExitStack() as stack:
        redis = stack.enter_context(redis_server(tmp_path / "redis"))
        memcached = stack.enter_context(memcached_server(tmp_path / "memcached"))
        pools = {
            name: f"listen = $folder/{name}.sock\npm = static\npm.max_children = 1\npm.status_path = /status"
            for name in ("www", "api")
        }
        fpm = stack.enter_context(php_fpm(tmp_path / "fpm", pools))
        httpd = stack.enter_context(apache(tmp_path / "apache"))
        web = stack.enter_context(nginx(tmp_path / "nginx"))
        ports = {
            "apache": stack.enter_context(serving(APACHE, {"scrape_uri": httpd.url("/server-status?auto")})),
            "nginx": stack.enter_context(serving(NGINX, {"scrape_uri": web.url("/stub_status")})),
            "redis": stack.enter_context(serving(REDIS, {"addr": f"127.0.0.1:{redis}"})),
            "memcached": stack.enter_context(serving(MEMCACHED, {"address": f"127.0.0.1:{memcached}"})),
            "php_fpm": stack.enter_context(serving(PHP_FPM, {"scrape_uri": f"unix://{fpm.folder}/*.sock"})),
        }
        config = tmp_path / "prometheus.yml"
        config.write_text(CONFIG.format(**ports))
        command = [
            "prometheus",
            f"--config.file={config}",
            f"--storage.tsdb.path={tmp_path / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ]
        stack.enter_context(process(command, tmp_path))
        until(lambda: _value(port, "count(up == 1)") == 5, "all targets")
        assert _value(port, "redis_up") == 1
        assert _value(port, "apache_up") == 1
        assert _value(port, "nginx_up") == 1
        assert _value(port, "sum(apache_scoreboard)") > 0
        assert _value(port, "memcached_up") == 1
        assert _value(port, "redis_memory_used_bytes") > 0
        assert _value(port, "count(phpfpm_up == 1)") == 2
        assert _value(port, 'phpfpm_max_children{pool="api"}') == 1
        metadata = _ask(port, "/api/v1/metadata")
        assert metadata["redis_total_error_replies"][0]["type"] == "counter"
        assert metadata["redis_latency_percentiles_usec"][0]["type"] == "summary"
        assert metadata["phpfpm_accepted_connections"][0]["type"] == "counter"
        assert metadata["nginx_connections_accepted"][0]["type"] == "counter"
        # Apache's counters all end with _total, so the page is OpenMetrics, where a family's name does not.
        assert metadata["apache_uptime_seconds"][0]["type"] == "counter"
        assert metadata["memcached_commands_total"][0]["type"] == "counter"


def _value(port: int, query: str) -> float:
    result = _ask(port, "/api/v1/query?" + urllib.parse.urlencode({"query": query})).get("result", [])
    return float(result[0]["value"][1]) if result else -1


def _ask(port: int, path: str) -> dict[str, Any]:
    with contextlib.suppress(OSError):
        answer = get(port, path)
        if answer.status == 200:
            data: dict[str, Any] = json.loads(answer.body)["data"]
            return data
    return {}
