"""Writes what deploy/ derives from other places: the chart's dashboards and rules, and the kustomize base.

Run it with helm at hand after a change of the chart or of dashboards/; a test fails while something is stale.

    .venv/bin/python deploy/render.py
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

DEPLOY = Path(__file__).resolve().parent
CHART = DEPLOY / "helm" / "logq"
BASE = DEPLOY / "kustomize" / "base"
KUBERNETES = "1.30.0"
# What the base is: every part that needs no settings of the reader, and a Secret that the overlay makes.
VALUES = (
    "store.existingSecret=logq-store",
    "receive.enabled=true",
    "web.replicas=1",
)
COPIES = (
    (DEPLOY.parent / "dashboards" / "grafana", "*.json", CHART / "files" / "dashboards"),
    (DEPLOY.parent / "dashboards" / "rules", "*.yml", CHART / "files" / "rules"),
)
HEAD = "# Made by deploy/render.py from the chart deploy/helm/logq: change that one.\n"


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--helm", default="helm", help="the helm command")
    copy_files()
    (BASE / "logq.yaml").write_text(base(parser.parse_args().helm), encoding="utf-8")
    sys.stderr.write(f"wrote {BASE / 'logq.yaml'}\n")


def copy_files() -> None:
    """Put dashboards and rules into the chart, since a chart reads only its own files."""
    for source, pattern, target in COPIES:
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        for path in sorted(source.glob(pattern)):
            shutil.copy(path, target / path.name)


def base(helm: str) -> str:
    """The manifests of the kustomize base: what the chart gives, without what only Helm knows."""
    command = [helm, "template", "logq", str(CHART), "--kube-version", KUBERNETES, "--namespace", "logging"]
    for value in VALUES:
        command += ["--set", value]
    rendered = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    objects = [_without_helm(each) for each in yaml.safe_load_all(rendered) if each]
    return HEAD + yaml.safe_dump_all(objects, sort_keys=False, width=110)


def _without_helm(node: Any) -> Any:
    if isinstance(node, list):
        return [_without_helm(each) for each in node]
    if not isinstance(node, dict):
        return node
    kept = {key: _without_helm(value) for key, value in node.items() if not key.startswith("helm.sh/")}
    kept.pop("app.kubernetes.io/managed-by", None)
    return {key: value for key, value in kept.items() if key != "annotations" or value}


if __name__ == "__main__":
    main()
