"""What the chart renders to, and questions about the objects."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "deploy" / "helm" / "logq"
EXAMPLES = sorted((CHART / "ci").glob("*.yaml"))
OLDEST, NEWEST = "1.27", "1.34"

Object = dict[str, Any]


def command(name: str) -> str:
    """The path of a tool, or a visible skip that names it."""
    return shutil.which(name) or pytest.skip(f"{name} is not installed (tests/install-servers.sh)")


def rendered(
    values: Path | None, *settings: str, kubernetes: str = NEWEST, chart: Path = CHART
) -> list[Object]:
    """The objects of the chart with a file of values and `name=value` settings."""
    arguments = [command("helm"), "template", "rel", str(chart), "--namespace", "logging"]
    arguments += ["--kube-version", f"{kubernetes}.0"]
    if values:
        arguments += ["--values", str(values)]
    for setting in settings:
        arguments += ["--set", setting]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return [each for each in yaml.safe_load_all(done.stdout) if each]


def pod_specs(objects: list[Object]) -> Iterator[tuple[str, Object]]:
    """Each workload's `Kind/name` and the specification of its pods."""
    for each in objects:
        template = each.get("spec", {}).get("template") if each["kind"] != "PodMonitor" else None
        if template and "spec" in template:
            yield f"{each['kind']}/{each['metadata']['name']}", template["spec"]


def containers(objects: list[Object]) -> Iterator[tuple[str, Object, Object]]:
    """Each container with its place and its pod's specification."""
    for place, pod in pod_specs(objects):
        for container in [*pod.get("initContainers", []), *pod["containers"]]:
            yield f"{place}/{container['name']}", pod, container


def check_schema(each: Object, kubernetes: str) -> bool:
    """Raises for an invalid object; False for kinds of the Prometheus operator, which have no schema here."""
    if each["apiVersion"].startswith("monitoring.coreos.com/"):
        return False
    kubernetes_validate.validate(each, kubernetes, strict=True)
    return True
