"""Pictures of boards, from answers of a test."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dashboards.lab.contact_sheet import render
from dashboards.source.build import DIRECTORY


@pytest.mark.parametrize("name", ["apache", "logs-explorer"])
def test_a_board_becomes_a_picture_whatever_its_answers_hold(tmp_path: Path, name: str) -> None:
    asked: list[str] = []
    odd = "$a_{b}^c\n<b>\x1b[31m"

    def prometheus(expression: str) -> list[tuple[dict[str, str], list[tuple[float, float]]]]:
        asked.append(expression)
        return [({"instance": odd, "cmd": "get"}, [(0.0, 1.0), (60.0, float("nan")), (120.0, 3e9)])]

    def store(statement: str) -> tuple[list[str], list[tuple[object, ...]]]:
        asked.append(statement)
        when = datetime(1970, 1, 1, 0, 1, tzinfo=UTC)
        return ["time", "body", "level", "records"], [(when, odd, "error", 3), (when, odd, "info", 0)]

    path = tmp_path / "board.png"
    board = json.loads((DIRECTORY / f"{name}.json").read_text())
    render(board, prometheus, store, 0, 120, path)
    assert path.read_bytes().startswith(b"\x89PNG") and path.stat().st_size > 10_000
    assert len(asked) == sum(len(panel.get("targets") or ()) for panel in board["panels"])
    assert not any("$" in text for text in asked)
