"""The compose file is valid, publishes on loopback only and keeps its containers small."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from manifests import ROOT, command

COMPOSE = ROOT / "deploy" / "compose"
FILE: dict[str, Any] = yaml.safe_load((COMPOSE / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = FILE["services"]


def test_compose_accepts_it(tmp_path: Path) -> None:
    copy = tmp_path / "deploy"
    shutil.copytree(ROOT / "deploy", copy)
    subprocess.run(["sh", copy / "compose" / "secrets.sh"], check=True, timeout=20)
    done = subprocess.run(
        [command("docker-compose"), "-f", copy / "compose" / "compose.yaml", "config", "--quiet"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_script_makes_every_secret_and_keeps_it(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    script = tmp_path / "deploy" / "compose" / "secrets.sh"
    subprocess.run(["sh", script], check=True, timeout=20)
    files = [Path(secret["file"]).name for secret in FILE["secrets"].values()]
    made = {name: (script.parent / "secrets" / name).read_text() for name in files}
    assert all(made.values())
    assert os.stat(script.parent / "secrets").st_mode & 0o077 == 0
    subprocess.run(["sh", script], check=True, timeout=20)
    assert made == {name: (script.parent / "secrets" / name).read_text() for name in files}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_closed_and_bounded(name: str) -> None:
    service = SERVICES[name]
    assert all(re.match(r"127\.0\.0\.1:", port) for port in service.get("ports", []))
    assert "no-new-privileges:true" in service["security_opt"]
    assert not service.get("privileged")
    assert service["logging"]["options"] == {"max-size": "10m", "max-file": "3"}
    assert re.search(r":v?\d+(\.\d+)+", service["image"])
    assert name == "migrate" or service.get("mem_limit"), "a memory limit is missing"


@pytest.mark.parametrize("name", SERVICES)
def test_no_secret_is_in_an_environment(name: str) -> None:
    for variable, value in SERVICES[name].get("environment", {}).items():
        assert not re.search(r"PASSWORD|TOKEN|SECRET", variable) or variable.endswith("FILE"), variable
        assert not re.search(r"://[^/]*:[^/]*@", str(value)), variable


def test_each_mounted_file_is_there() -> None:
    made_by_script = {"secrets"}
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith(".") and source.split("/")[1] not in made_by_script:
                assert (COMPOSE / source).exists(), source


def test_logs_only_needs_no_profile() -> None:
    unprofiled = {name for name, service in SERVICES.items() if not service.get("profiles")}
    assert unprofiled == {"clickhouse", "migrate", "ship", "receive", "web"}


def test_the_rules_of_the_example_are_accepted() -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from loghouse.cli import main; main()",
            "rules",
            "check",
            COMPOSE / "config" / "log-rules",
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_accepts_its_configurations_where_compose_mounts_them(tmp_path: Path) -> None:
    """Laid out as in the containers, targets included."""
    config = tmp_path / "config"
    shutil.copytree(ROOT / "dashboards" / "prometheus", config)
    shutil.copytree(ROOT / "dashboards" / "rules", tmp_path / "rules")
    shutil.rmtree(config / "targets")
    shutil.copytree(COMPOSE / "config" / "targets", config / "targets")
    for name in ("prometheus.yml", "longterm.yml"):
        done = subprocess.run(
            [command("promtool"), "check", "config", config / name],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_every_target_is_a_service_at_the_port_it_has() -> None:
    targets = yaml.safe_load((COMPOSE / "config" / "targets" / "compose.yml").read_text())
    for group in targets:
        for target in group["targets"]:
            assert target.partition(":")[0] in SERVICES, target
    names = {"alertmanager", "prometheus", "prometheus-longterm", "clickhouse"}
    assert names <= SERVICES.keys(), "the configurations of dashboards/ name these"


def test_grafana_reads_as_the_reader() -> None:
    sources = yaml.safe_load((ROOT / "dashboards" / "provisioning" / "datasources.yml").read_text())
    (logs,) = [each for each in sources["datasources"] if each["name"] == "Logs"]
    assert logs["jsonData"]["username"] == "logq_reader"
    assert "/run/secrets/clickhouse-reader-password" in logs["secureJsonData"]["password"]
    (secret,) = [each for each in SERVICES["grafana"]["secrets"] if isinstance(each, dict)]
    assert secret == {"source": "reader-password", "target": "clickhouse-reader-password"}
