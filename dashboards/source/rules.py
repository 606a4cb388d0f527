"""Alert and recording rules: `python -m dashboards.source.rules` writes dashboards/rules/*.yml.

Each alert says what to do (runbook), shows the logs it is about as a `logq` command, and carries the input of
its own test: series under which it fires and series under which it does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from dashboards.source import rules_pipeline, rules_services
from dashboards.source.rule import Alert, Group

DIRECTORY = Path(__file__).parent.parent / "rules"
HEAD = "# Made by `python -m dashboards.source.rules`; change dashboards/source/.\n"


def groups() -> list[Group]:
    """All services."""
    return [*rules_services.GROUPS, *rules_pipeline.GROUPS]


def rule_file(group: Group) -> dict[str, Any]:
    """A group as Prometheus reads it."""
    rules: list[Mapping[str, Any]] = [
        {"record": each.name, "expr": each.expr, "labels": {"longterm": "true"}} for each in group.recordings
    ]
    rules += [_alert(group, alert) for alert in group.alerts]
    return {"groups": [{"name": group.name, "rules": rules}]}


def _alert(group: Group, alert: Alert) -> Mapping[str, Any]:
    return {
        "alert": alert.name,
        "expr": alert.expr,
        "for": alert.hold,
        "labels": {"severity": alert.severity, "service": group.name},
        "annotations": {
            "summary": alert.summary,
            "runbook": alert.runbook,
            "logq": alert.logq,
            "dashboard": f"/d/{group.board}?var-namespace={{{{ $labels.namespace }}}}",
        },
    }


def rule_tests(group: Group, rule_path: str) -> dict[str, Any]:
    """What `promtool test rules` is to check: each alert fires on its series, and not on the quiet ones."""
    tests = []
    for alert in group.alerts:
        for series, fires in ((alert.fires, True), (alert.quiet, False)):
            tests.append(
                {
                    "name": f"{alert.name} {'fires' if fires else 'stays quiet'}",
                    "interval": "1m",
                    "input_series": [{"series": name, "values": values} for name, values in series],
                    "promql_expr_test": [
                        {
                            "expr": f'count(ALERTS{{alertname="{alert.name}",alertstate="firing"}}) > 0',
                            "eval_time": alert.at,
                            "exp_samples": [{"labels": "{}", "value": 1}] if fires else [],
                        }
                    ],
                }
            )
    return {"rule_files": [rule_path], "evaluation_interval": "1m", "tests": tests}


def main() -> None:
    """Write the files."""
    DIRECTORY.mkdir(exist_ok=True)
    for group in groups():
        (DIRECTORY / f"{group.name}.yml").write_text(encoded(group), encoding="utf-8")


def encoded(group: Group) -> str:
    """The text of a group's file."""
    return HEAD + yaml.safe_dump(rule_file(group), sort_keys=False, width=110, allow_unicode=True)


if __name__ == "__main__":
    main()
