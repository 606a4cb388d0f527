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

from exporters.memcached.cli import KIND as MEMCACHED
from exporters.redis.cli import KIND as REDIS

CONFIG = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: exporters
    static_configs: [{{targets: ["127.0.0.1:{redis}", "127.0.0.1:{memcached}"]}}]
"""


def test_prometheus_scrapes_the_exporters(tmp_path: Path) -> None:
    port = free_port()
    with contextlib.ExitStack() as stack:
        redis = stack.enter_context(redis_server(tmp_path / "redis"))
        memcached = stack.enter_context(memcached_server(tmp_path / "memcached"))
        ports = {
            "redis": stack.enter_context(serving(REDIS, {"addr": f"127.0.0.1:{redis}"})),
            "memcached": stack.enter_context(serving(MEMCACHED, {"address": f"127.0.0.1:{memcached}"})),
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
        until(lambda: _value(port, "min(up)") == 1, "Prometheus")
        until(lambda: _value(port, "count(up)") == 2, "both targets")
        assert _value(port, "redis_up") == 1
        assert _value(port, "memcached_up") == 1
        assert _value(port, "redis_memory_used_bytes") > 0
        metadata = _ask(port, "/api/v1/metadata")
        assert metadata["redis_total_error_replies"][0]["type"] == "counter"
        assert metadata["redis_latency_percentiles_usec"][0]["type"] == "summary"
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
