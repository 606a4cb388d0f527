"""The chart renders valid objects, refuses wrong values, and gives nobody more than needed."""

import base64
import json
import subprocess
from hashlib import sha256
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml
from manifests import (
    CHART,
    EXAMPLES,
    NEWEST,
    OLDEST,
    ROOT,
    check_schema,
    command,
    containers,
    pod_specs,
    rendered,
)

MATRIX = [None, *EXAMPLES]
NAMES = [values.stem if values else "defaults" for values in MATRIX]
VARIANTS = (
    ("store.mode=embedded", "networkPolicies.enabled=false"),
    ("ship.enabled=false", "web.enabled=false", "receive.enabled=true"),
    (
        "image.registry=registry.example/mirror",
        "image.tag=1.2.3",
        "receive.enabled=true",
        "receive.syslog=true",
    ),
)


@pytest.mark.parametrize("values", MATRIX, ids=NAMES)
def test_helm_finds_nothing_wrong(values: Path | None) -> None:
    arguments = [command("helm"), "lint", "--strict", str(CHART), "--kube-version", f"{NEWEST}.0"]
    done = subprocess.run(
        [*arguments, *(["--values", str(values)] if values else [])],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("kubernetes", [OLDEST, NEWEST])
@pytest.mark.parametrize("values", MATRIX, ids=NAMES)
def test_every_object_fits_the_schema_of_kubernetes(values: Path | None, kubernetes: str) -> None:
    objects = rendered(values, kubernetes=kubernetes)
    checked = [check_schema(each, kubernetes) for each in objects]
    assert sum(checked) >= 10


@pytest.mark.parametrize("settings", VARIANTS, ids=[variant[0] for variant in VARIANTS])
def test_other_settings_render_too(settings: tuple[str, ...]) -> None:
    for each in rendered(None, *settings):
        check_schema(each, NEWEST)


@pytest.mark.parametrize(
    ("setting", "named"),
    [
        ("store.mode=postgres", "mode"),
        ("store.storage.size=plenty", "size"),
        ("store.clickhouse.tag=latest", "tag"),
        ("web.replicas=-1", "replicas"),
        ("rules.alertmanager=alertmanager:9093", "alertmanager"),
        ("shp.enabled=true", "shp"),
        ("store.database=a b", "database"),
    ],
)
def test_a_wrong_value_is_refused_by_its_name(setting: str, named: str) -> None:
    done = subprocess.run(
        [command("helm"), "template", str(CHART), "--kube-version", f"{NEWEST}.0", "--set-string", setting],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert named in done.stderr


def test_an_external_store_needs_its_host() -> None:
    done = subprocess.run(
        [
            command("helm"),
            "template",
            str(CHART),
            "--kube-version",
            f"{NEWEST}.0",
            "--set",
            "store.mode=external",
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "store.external.host is needed" in done.stderr


@pytest.mark.parametrize("values", MATRIX, ids=NAMES)
def test_no_container_may_more_than_it_needs(values: Path | None) -> None:
    for place, pod, container in containers(rendered(values)):
        security = {**pod.get("securityContext", {}), **container["securityContext"]}
        assert security["allowPrivilegeEscalation"] is False, place
        assert security["readOnlyRootFilesystem"] is True, place
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}, place
        assert security["capabilities"]["drop"] == ["ALL"], place
        assert not security.get("privileged"), place
        if "/ship" in place:
            # It reads what only root may read, and may do nothing else of what root may.
            assert security["capabilities"]["add"] == ["DAC_READ_SEARCH"]
        else:
            assert "add" not in security["capabilities"], place
            assert security["runAsNonRoot"] is True and security["runAsUser"] > 0, place
        assert not pod.get("hostNetwork") and not pod.get("hostPID") and not pod.get("hostIPC"), place


@pytest.mark.parametrize("values", MATRIX, ids=NAMES)
def test_every_container_has_limits_probes_and_a_fixed_image(values: Path | None) -> None:
    for place, _, container in containers(rendered(values)):
        assert container["resources"]["limits"]["memory"], place
        assert container["resources"]["requests"]["cpu"], place
        tag = container["image"].rpartition(":")[2]
        assert tag and tag != "latest" and tag[0].isdigit(), place
        assert place.startswith("Job/") or "livenessProbe" in container, place


@pytest.mark.parametrize("values", MATRIX, ids=NAMES)
def test_no_secret_is_in_an_environment_or_an_argument(values: Path | None) -> None:
    objects = rendered(values)
    secrets = {
        base64.b64decode(data).decode()
        for each in objects
        if each["kind"] == "Secret"
        for name, data in each["data"].items()
        if name.endswith("-password")
    }
    for place, _, container in containers(objects):
        for variable in container.get("env", []):
            assert "secretKeyRef" not in variable.get("valueFrom", {}), place
            assert "@" not in variable.get("value", "") or ":" not in userinfo(variable["value"]), place
        words = yaml.safe_dump([container.get("args"), container.get("command"), container.get("env")])
        assert not any(secret in words for secret in secrets), place


def userinfo(url: str) -> str:
    return url.partition("://")[2].partition("@")[0]


def test_the_shipper_reads_pods_and_nothing_else() -> None:
    roles = [each for each in rendered(None) if each["kind"] in ("ClusterRole", "Role")]
    allowed = {
        (resource, verb)
        for role in roles
        for rule in role["rules"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    assert allowed == {("pods", "get"), ("pods", "list"), ("pods", "watch"), ("jobs", "get")}


@pytest.mark.parametrize("values", MATRIX, ids=NAMES)
def test_only_the_shipper_has_a_token_of_the_api(values: Path | None) -> None:
    for place, pod in pod_specs(rendered(values)):
        assert pod["automountServiceAccountToken"] is place.startswith("DaemonSet/"), place


def test_host_paths_are_read_only_but_the_shippers_own() -> None:
    for place, pod in pod_specs(rendered(None)):
        paths = {
            volume["name"]: volume["hostPath"]["path"] for volume in pod["volumes"] if "hostPath" in volume
        }
        assert not paths or place.startswith("DaemonSet/")
        for mount in pod["containers"][0]["volumeMounts"]:
            if mount["name"] in paths and paths[mount["name"]] != "/var/lib/loghouse":
                assert mount["readOnly"] is True, mount


def test_every_pod_is_behind_a_policy() -> None:
    objects = rendered(CHART / "ci" / "external.yaml")
    guarded = {
        each["spec"]["podSelector"]["matchLabels"]["app.kubernetes.io/component"]
        for each in objects
        if each["kind"] == "NetworkPolicy"
    }
    workloads = {
        each["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/component"]
        for each in objects
        if each["kind"] in ("DaemonSet", "Deployment", "StatefulSet")
    }
    assert guarded == workloads


def test_the_users_of_the_store_have_the_passwords_of_the_secret() -> None:
    (secret,) = [each for each in rendered(None) if each["kind"] == "Secret"]
    files = {name: base64.b64decode(data).decode() for name, data in secret["data"].items()}
    assert users_of(files["users.xml"]) == {
        user: sha256(files[f"{role}-password"].encode()).hexdigest()
        for user, role in (
            ("default", "admin"),
            ("logq_writer", "writer"),
            ("logq_reader", "reader"),
            ("logq_web", "web"),
        )
    }


def users_of(xml: str) -> dict[str, str]:
    """Who there is in a users.xml of ClickHouse, with the sum of the password."""
    users = ElementTree.fromstring(xml).find("users")
    assert users is not None
    return {user.tag: user.findtext("password_sha256_hex", "") for user in users}


def test_the_script_makes_the_same_users_as_the_chart(tmp_path: Path) -> None:
    subprocess.run(["sh", ROOT / "deploy" / "secrets.sh", tmp_path], check=True, timeout=20)
    (secret,) = [each for each in rendered(None) if each["kind"] == "Secret"]
    of_chart = base64.b64decode(secret["data"]["users.xml"]).decode()
    of_script = (tmp_path / "users.xml").read_text()
    assert shape(of_script) == shape(of_chart)
    assert users_of(of_script)["logq_web"] == sha256((tmp_path / "web-password").read_bytes()).hexdigest()
    before = (tmp_path / "admin-password").read_text()
    subprocess.run(["sh", ROOT / "deploy" / "secrets.sh", tmp_path], check=True, timeout=20)
    assert (tmp_path / "admin-password").read_text() == before


def shape(xml: str) -> Any:
    """A document without its password sums and white space."""

    def of(element: ElementTree.Element) -> Any:
        text = (element.text or "").strip() if element.tag != "password_sha256_hex" else ""
        return (element.tag, text, sorted(element.attrib.items()), [of(child) for child in element])

    return of(ElementTree.fromstring(xml))


def test_exporters_are_containers_of_other_charts(tmp_path: Path) -> None:
    """The library chart, used as in its comment, for every exporter."""
    chart = tmp_path / "shop"
    (chart / "templates").mkdir(parents=True)
    library = ROOT / "deploy" / "helm" / "logq-exporters"
    (chart / "Chart.yaml").write_text(
        "apiVersion: v2\nname: shop\nversion: 1.0.0\ndependencies:\n"
        f"  - {{name: logq-exporters, version: 0.1.0, repository: 'file://{library}'}}\n"
    )
    kinds = ("php-fpm", "rabbitmq", "redis", "apache", "memcached", "nginx")
    calls = "".join(
        f'      {{{{- include "logq-exporters.container" (dict "kind" "{kind}") | nindent 6 }}}}\n'
        for kind in kinds
    )
    (chart / "templates" / "pod.yaml").write_text(
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: shop\n  annotations:\n"
        '    {{- include "logq-exporters.annotations" (dict "kind" "redis") | nindent 4 }}\n'
        f"spec:\n  containers:\n{calls}"
    )
    subprocess.run(
        [command("helm"), "dependency", "build", str(chart)], check=True, capture_output=True, timeout=60
    )
    (pod,) = rendered(None, chart=chart)
    check_schema(pod, NEWEST)
    assert [each["command"] for each in pod["spec"]["containers"]] == [[f"{kind}-exporter"] for kind in kinds]
    assert pod["metadata"]["annotations"]["prometheus.io/port"] == "9121"


def test_rules_and_dashboards_of_the_chart_are_those_of_the_repository(tmp_path: Path) -> None:
    objects = rendered(CHART / "ci" / "external.yaml")
    rules = [each["spec"] for each in objects if each["kind"] == "PrometheusRule"]
    assert len(rules) == len(list((ROOT / "dashboards" / "rules").glob("*.yml")))
    for number, spec in enumerate(rules):
        path = tmp_path / f"{number}.yml"
        path.write_text(yaml.safe_dump(spec))
        done = subprocess.run(
            [command("promtool"), "check", "rules", path],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    boards = {
        name: json.loads(text)
        for each in objects
        if each["kind"] == "ConfigMap" and "grafana_dashboard" in each["metadata"]["labels"]
        for name, text in each["data"].items()
    }
    sources = (ROOT / "dashboards" / "grafana").glob("*.json")
    assert boards == {path.name: json.loads(path.read_text()) for path in sources}
