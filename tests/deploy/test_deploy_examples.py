"""The examples are valid objects, and those of the exporters name options that these take."""

import importlib
from pathlib import Path
from typing import Any

import pytest
import yaml
from manifests import NEWEST, OLDEST, ROOT, check_schema, pod_specs, rendered

from exporters.command import click_command, go_style
from exporters.several import KINDS

EXAMPLES = ROOT / "deploy" / "examples"
SIDECARS = sorted((EXAMPLES / "sidecars").glob("*.yaml"))


def objects(path: Path) -> list[dict[str, Any]]:
    return [each for each in yaml.safe_load_all(path.read_text()) if each]


@pytest.mark.parametrize("path", SIDECARS, ids=lambda path: path.stem)
def test_a_sidecar_example_is_valid_and_its_exporter_starts_so(path: Path) -> None:
    for each in objects(path):
        check_schema(each, OLDEST)
        check_schema(each, NEWEST)
    exporters = 0
    for _, pod in pod_specs(objects(path)):
        for container in pod["containers"]:
            if container["image"].startswith("logq/exporters"):
                exporters += 1
                program, *arguments = [*container["command"], *container.get("args", [])]
                kind = importlib.import_module(
                    KINDS[program.removesuffix("-exporter").replace("-", "_")]
                ).KIND
                click_command(kind).make_context(program, go_style(arguments, kind.all_settings()))
                (port,) = container["ports"]
                assert port["containerPort"] == kind.port
                assert container["securityContext"]["runAsNonRoot"] is True
    assert exporters


@pytest.mark.parametrize("name", ["altinity", "vault"])
def test_values_of_an_example_render(name: str) -> None:
    for each in rendered(EXAMPLES / name / "values.yaml"):
        check_schema(each, NEWEST)


def test_the_cluster_of_the_example_is_the_one_its_values_name() -> None:
    cluster = next(
        each
        for each in objects(EXAMPLES / "altinity" / "clickhouse.yaml")
        if each["kind"].endswith("eInstallation")
    )
    values = yaml.safe_load((EXAMPLES / "altinity" / "values.yaml").read_text())["store"]["external"]
    (named,) = cluster["spec"]["configuration"]["clusters"]
    assert named["name"] == values["cluster"]
    assert named["layout"] == {"shardsCount": 3, "replicasCount": 2}
    host = f"clickhouse-{cluster['metadata']['name']}.{cluster['metadata']['namespace']}.svc"
    assert values["host"] == host


def test_argo_cd_gets_values_that_the_chart_takes(tmp_path: Path) -> None:
    (application,) = objects(EXAMPLES / "argocd" / "application.yaml")
    source = application["spec"]["source"]
    assert (ROOT / source["path"] / "Chart.yaml").exists()
    values = tmp_path / "values.yaml"
    values.write_text(yaml.safe_dump(source["helm"]["valuesObject"]))
    assert len(rendered(values)) > 10
