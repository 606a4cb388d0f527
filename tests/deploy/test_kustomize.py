"""The kustomize base says what the chart says, and the example overlay builds."""

import shutil
import subprocess
import sys
from pathlib import Path

import yaml
from manifests import NEWEST, ROOT, check_schema, command

DEPLOY = ROOT / "deploy"


def test_what_is_rendered_is_not_stale(tmp_path: Path) -> None:
    copy = tmp_path / "deploy"
    shutil.copytree(DEPLOY, copy)
    shutil.copytree(ROOT / "dashboards", tmp_path / "dashboards", dirs_exist_ok=True)
    subprocess.run([sys.executable, copy / "render.py", "--helm", command("helm")], check=True, timeout=60)
    for place in ("kustomize/base", "helm/logq/files"):
        assert files_of(copy / place) == files_of(DEPLOY / place), (
            "run deploy/render.py and commit what changed"
        )


def files_of(directory: Path) -> dict[str, str]:
    return {
        str(path.relative_to(directory)): path.read_text() for path in directory.rglob("*") if path.is_file()
    }


def test_the_example_overlay_builds(tmp_path: Path) -> None:
    shutil.copytree(DEPLOY / "kustomize", tmp_path / "kustomize")
    example = tmp_path / "kustomize" / "example"
    subprocess.run(["sh", DEPLOY / "secrets.sh", example / "secrets"], check=True, timeout=20)
    built = subprocess.run(
        [command("kustomize"), "build", example], check=True, capture_output=True, text=True, timeout=60
    )
    objects = [each for each in yaml.safe_load_all(built.stdout) if each]
    for each in objects:
        check_schema(each, NEWEST)
    by_name = {(each["kind"], each["metadata"]["name"]): each for each in objects}
    assert by_name["Secret", "logq-store"]["data"].keys() >= {"users.xml", "writer-password"}
    (claim,) = by_name["StatefulSet", "logq-store"]["spec"]["volumeClaimTemplates"]
    assert claim["spec"]["resources"]["requests"]["storage"] == "200Gi"
    (subject,) = by_name["ClusterRoleBinding", "logging-logq-ship"]["subjects"]
    assert subject["namespace"] == "logging"
