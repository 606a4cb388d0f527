"""Alert rules: as their source makes them, read and tested by promtool, each with a runbook and a command."""

import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards.source.catalogue import known
from dashboards.source.lint import metrics_of
from dashboards.source.rules import DIRECTORY, encoded, groups, rule_tests

GROUPS = groups()
RECORDED = {recording.name for group in GROUPS for recording in group.recordings}


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed")
    return subprocess.run(["promtool", *arguments], capture_output=True, text=True, timeout=120)


def test_the_files_are_what_the_source_makes() -> None:
    """After a change of the source: python -m dashboards.source.rules"""
    files = {path.stem: path.read_text() for path in DIRECTORY.glob("*.yml")}
    assert files == {group.name: encoded(group) for group in GROUPS}


def test_prometheus_can_read_the_rules() -> None:
    checked = promtool("check", "rules", *map(str, sorted(DIRECTORY.glob("*.yml"))))
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
def test_each_alert_fires_when_it_should_and_only_then(group: Any, tmp_path: Path) -> None:
    path = tmp_path / "test.yml"
    made = rule_tests(group, str(DIRECTORY / f"{group.name}.yml"))
    # What always fires has nothing that keeps it quiet.
    made["tests"] = [test for test in made["tests"] if test["name"] != "Watchdog stays quiet"]
    path.write_text(yaml.safe_dump(made))
    tested = promtool("test", "rules", str(path))
    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert len(made["tests"]) >= 2 * len(group.alerts) - 1


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
def test_rules_name_only_metrics_that_exist(group: Any) -> None:
    for rule in (*group.alerts, *group.recordings):
        assert metrics_of(rule.expr) <= known() | RECORDED, rule.name


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
def test_each_alert_says_what_to_do(group: Any) -> None:
    for alert in group.alerts:
        assert alert.severity in ("critical", "warning", "none")
        assert alert.summary.endswith(".") and alert.runbook.endswith((".", "?", ")", "on.")), alert.name
        assert shlex.split(alert.logq)[0] in ("logq", "kubectl"), alert.name


def test_names_are_unique() -> None:
    names = [alert.name for group in GROUPS for alert in group.alerts]
    assert len(names) == len(set(names)) > 30
