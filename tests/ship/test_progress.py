"""What a person sees of a run."""

from pathlib import Path

import pytest
from shipping import RecordingStore, Runtime, ship_once

from loghouse.ship.progress import shown_on_terminal
from loghouse.ship.shipper import Summary


def test_no_progress_without_a_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    with shown_on_terminal() as on_progress:
        assert on_progress is None
    assert capfd.readouterr().err == ""


def test_progress_on_a_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    app = Runtime(tmp_path / "pods")
    app.write(b"line")
    store = RecordingStore()
    with shown_on_terminal() as on_progress:
        assert on_progress
        ship_once(tmp_path / "pods", tmp_path / "state", store, on_progress=on_progress)
    assert store.records() == app.written
    assert capfd.readouterr().out == ""


def test_the_summary_tells_what_happened() -> None:
    summary = Summary(files=2, lines=3000, bytes=1_500_000, seconds=2.0, retries=1)
    assert (
        str(summary)
        == "3,000 lines (1.5 MB) of 2 files stored in 2.0 s (1,500 lines/s); 1 inserts tried again"
    )
    summary = Summary(problems={"cannot read file": 1}, complete=False)
    assert "cannot read file: 1" in str(summary)
    assert "the next run goes on from there" in str(summary)
