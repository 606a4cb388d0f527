"""The dashboards as files: made from their source, whole, and only of metrics and variables that exist."""

import copy
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards.lab.expand import promql, queries
from dashboards.source.build import DIRECTORY, boards, encoded
from dashboards.source.catalogue import known
from dashboards.source.lint import complaints, metrics_of

FILES = sorted(DIRECTORY.glob("*.json"))
BOARDS: list[dict[str, Any]] = [json.loads(path.read_text()) for path in FILES]
UIDS = {board["uid"] for board in BOARDS}


def test_the_files_are_what_the_source_makes() -> None:
    """After a change of the source: python -m dashboards.source.build"""
    made = {f"{board.uid.removeprefix('lq-')}.json": encoded(board) for board in boards()}
    assert {path.name: path.read_text() for path in FILES} == made


def test_there_is_a_board_for_each_service_and_for_the_logs() -> None:
    services = {"lq-php-fpm", "lq-rabbitmq", "lq-redis", "lq-apache", "lq-memcached", "lq-nginx"}
    assert services | {"lq-logs", "lq-logs-explorer", "lq-pipeline", "lq-store", "lq-namespace"} == UIDS


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board["uid"])
def test_the_models_of_grafana_take_it(board: dict[str, Any]) -> None:
    read = Dashboard.from_json(board)
    assert read.uid == board["uid"] and read.panels is not None
    assert len(read.panels) == len(board["panels"])


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board["uid"])
def test_it_keeps_our_rules(board: dict[str, Any]) -> None:
    assert list(complaints(board, known(), UIDS)) == []


def test_the_rules_find_what_they_are_for() -> None:
    board = copy.deepcopy(next(board for board in BOARDS if board["uid"] == "lq-redis"))
    panels = [panel for panel in board["panels"] if panel["type"] != "row"]
    panels[0]["targets"][0]["expr"] = 'sum(redis_upp{namespace=~"$nothere"})'
    panels[1]["gridPos"] = panels[2]["gridPos"]
    del panels[3]["fieldConfig"]["defaults"]["unit"]
    panels[4]["description"] = ""
    panels[5]["links"] = [{"url": "/d/elsewhere"}]
    told = "\n".join(complaints(board, known(), UIDS))
    for what in ("redis_upp", "$nothere", "overlap", "no unit", "no description", "elsewhere"):
        assert what in told


def test_names_of_metrics_are_found_in_expressions() -> None:
    assert metrics_of(
        'topk(3, sum by (a, b) (rate(x_total{c="d_total"}[5m])) / on (e) y > 1e3 or vector(0))'
    ) == {
        "x_total",
        "y",
    }


def test_prometheus_can_read_every_expression(tmp_path: Path) -> None:
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed")
    asked = [each for board in BOARDS for each in queries(board) if each.kind == "prometheus"]
    rules = [
        {"record": f"panel:{number}", "expr": promql(each.text), "labels": {"panel": each.title}}
        for number, each in enumerate(asked)
    ]
    path = tmp_path / "panels.yml"
    path.write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))
    checked = subprocess.run(["promtool", "check", "rules", str(path)], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr
    assert len(asked) > 100
