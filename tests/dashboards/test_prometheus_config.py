"""The configurations of Prometheus: read by promtool, and tried with a real one."""

import http.server
import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from dashboards.prometheus_server import prometheus
from rules.notified import wait_for

ROOT = Path(__file__).parents[2] / "dashboards"
PAGE = b"""# TYPE shop_orders_total counter
shop_orders_total 7
# TYPE redis_commands_processed_total counter
redis_commands_processed_total 100
"""


@pytest.mark.parametrize("name", ["prometheus.yml", "longterm.yml"])
def test_promtool_reads_the_configuration(name: str) -> None:
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed")
    path = ROOT / "prometheus" / name
    checked = subprocess.run(["promtool", "check", "config", str(path)], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr


@pytest.fixture
def exporter() -> Iterator[int]:
    """A target with two metrics."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(PAGE)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing on stderr."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


def configured(directory: Path, name: str, **jobs: Any) -> Path:
    """Our configuration with the addresses of a test, in its own directory."""
    config = yaml.safe_load((ROOT / "prometheus" / name).read_text())
    config["global"] |= {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    config["alerting"]["alertmanagers"] = []
    files = [ROOT / "rules" / "*.yml"] if name != "longterm.yml" else [ROOT / "prometheus/longterm-rules.yml"]
    config["rule_files"] = list(map(str, files))
    for job in config["scrape_configs"]:
        job |= jobs
    path = directory / name
    path.write_text(yaml.safe_dump(config))
    return path


def found_targets(directory: Path, *targets: dict[str, Any]) -> list[dict[str, Any]]:
    """Targets as a discovery would find them, with its labels."""
    path = directory / "found.json"
    path.write_text(json.dumps(targets))
    return [{"files": [str(path)]}]


def test_pods_are_found_by_their_annotations(tmp_path: Path, exporter: int) -> None:
    """Debian's Prometheus is built without Kubernetes: a file gives the labels of its discovery."""
    meta = "__meta_kubernetes_"

    def pod(name: str, port: str, **annotations: str) -> dict[str, Any]:
        labels = {
            f"{meta}namespace": "shop",
            f"{meta}pod_name": name,
            f"{meta}pod_ip": "127.0.0.1",
            f"{meta}pod_node_name": "kube-1",
            f"{meta}pod_phase": "Running",
            f"{meta}pod_container_name": "app",
            f"{meta}pod_container_port_number": port,
            **{f"{meta}pod_annotation_{key}": value for key, value in annotations.items()},
        }
        return {"targets": [f"127.0.0.1:{port}"], "labels": labels}

    asked = {
        "prometheus_io_scrape": "true",
        "prometheus_io_port": str(exporter),
        "prometheus_io_job": "redis",
        "logq_io_longterm": "true",
    }
    pods = [pod("redis-1", "6379", **asked), pod("redis-1", "16379", **asked), pod("other", "80")]
    config = configured(
        tmp_path,
        "prometheus-kubernetes.yml",
        kubernetes_sd_configs=None,
        file_sd_configs=found_targets(tmp_path, *pods),
    )
    text = yaml.safe_load(config.read_text())
    for job in text["scrape_configs"]:
        del job["kubernetes_sd_configs"]
    config.write_text(yaml.safe_dump(text))
    with prometheus(config) as server:
        wait_for(lambda: bool(server.values('up{job="redis"} == 1')), "the target")
        (labels,) = server.values("up")
        assert dict(labels) == {
            "__name__": "up",
            "instance": f"127.0.0.1:{exporter}",
            "job": "redis",
            "longterm": "true",
            "namespace": "shop",
            "node": "kube-1",
            "pod": "redis-1",
        }


def test_the_long_instance_keeps_what_carries_the_label_after_the_short_one_is_gone(
    tmp_path: Path, exporter: int
) -> None:
    address = f"127.0.0.1:{exporter}"
    found = [
        {
            "targets": [address],
            "labels": {"job": "redis", "namespace": "shop", "pod": "r", "longterm": "true"},
        },
        {"targets": [address], "labels": {"job": "other", "namespace": "shop", "pod": "o"}},
    ]
    short = configured(tmp_path, "prometheus.yml", file_sd_configs=found_targets(tmp_path, *found))
    rate = "namespace:redis_commands:rate5m"
    with prometheus(short) as main:
        wait_for(lambda: bool(main.values(rate)), "the recording rule")
        # Arithmetic between the metrics of a target still works: all of them carry the label.
        assert main.values("shop_orders_total / redis_commands_processed_total")
        long = configured(tmp_path, "longterm.yml", static_configs=[{"targets": [f"127.0.0.1:{main.port}"]}])
        with prometheus(long, "--storage.tsdb.retention.time=1y") as kept:
            wait_for(lambda: bool(kept.values(rate)), "federation")
            wait_for(lambda: bool(kept.values('shop_orders_total{job="redis"}')), "the target's metrics")
            (series,) = kept.values("shop_orders_total")
            assert dict(series)["job"] == "redis" and dict(series)["prometheus"] == "main"
            assert "longterm" not in dict(series)
            assert kept.values("scrape_samples_scraped{job='federate'} > 0")
            main_is = main.port
    assert main_is
    with prometheus(long) as alone:
        # The short one has forgotten, is gone even; the long one answers.
        wait_for(lambda: bool(alone.values(f"last_over_time({rate}[1h])")), "what was kept")
        wait_for(lambda: bool(alone.values('ALERTS{alertname="FederationDown"}')), "the alert")
