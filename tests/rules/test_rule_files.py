"""What is wrong in a rule file is told with its place; nothing else happens."""

import subprocess
import sys
from pathlib import Path

import pytest

from loghouse.errors import ExitCode
from loghouse.rules.load import load

GOOD = """rules:
  - {name: A, query: error, window: 5m, condition: any}
"""


def places(directory: Path, text: str) -> list[str]:
    """Each mistake of a file: line:column and its message."""
    path = directory / "r.yml"
    path.write_text(text)
    return [mistake.message.removeprefix(f"{path}:") for mistake in load([path]).mistakes]


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ("query: 'ns=prod statsu>>4', window: 5m, condition: any", '2:37: there is no operator ">>"'),
        ("query: error, window: 5, condition: any", '2:37: window: "5" is not a duration'),
        ("query: error, condition: any", '2:5: "window" is missing'),
        ("query: error, window: 5m, condition: anny", 'unknown condition "anny", did you mean "any"?'),
        ("query: error, window: 5m, condition: {frequency: {abov: 3}}", '"above" or "below" is missing'),
        ("query: error, window: 5m, condition: {frequency: {above: x}}", 'above must be a number, not "x"'),
        ("query: error, window: 5m, condition: {frequency: {above: .nan}}", "above must be a number"),
        ("query: error, window: 5m, condition: frequency", "frequency needs to be told how much"),
        ("query: error, window: 5m, condition: {spike: {times: 1}}", "times must be more than 1"),
        (
            "query: error, window: 5m, condition: any, widnow: 3",
            'unknown key "widnow", did you mean "window"?',
        ),
        ("query: error, window: 5m, condition: any, by: [a b]", 'found "b"'),
        ("query: error, window: 5m, condition: any, by: ['count(']", "is not the name of one field"),
        ("query: error, window: 5m, condition: any, by: [a.b, a_b]", 'would be called "a_b"'),
        ("query: error, window: 5m, condition: any, labels: {a-b: x}", '"a-b" cannot name a label'),
        ("query: error, window: 5m, condition: any, labels: {severity: x}", "is set already"),
        ("query: error, window: 0s, condition: any", "must be longer than nothing"),
        ("query: [error], window: 5m, condition: any", "query must be a text"),
        ("query: error | stats count(), window: 5m, condition: any", "a rule counts records"),
        (
            "query: error, window: 5m, condition: {new_value: {field: pattern}}, by: [pod]",
            "cannot be grouped",
        ),
        ("query: error, query: other, window: 5m, condition: any", '"query" comes twice'),
    ],
)
def test_a_mistake_is_placed(tmp_path: Path, rule: str, told: str) -> None:
    found = places(tmp_path, f"rules:\n  - {{name: A, {rule}}}\n")
    assert len(found) == 1
    assert told in found[0]
    assert found[0].startswith("2:")


def test_the_place_in_a_query_of_several_lines(tmp_path: Path) -> None:
    text = (
        "rules:\n  - name: A\n    query: |\n      ns=prod\n      level>=>error\n"
        "    window: 5m\n    condition: any\n"
    )
    assert places(tmp_path, text) == ['5:12: there is no operator ">=>"']


def test_all_mistakes_are_told(tmp_path: Path) -> None:
    text = (
        GOOD
        + "  - {name: A, query: x, window: 5m, condition: any}\n  - {name: B}\nrecordings:\n  - {name: 1}\n"
    )
    assert [message.partition(":")[0] for message in places(tmp_path, text)] == ["3", "4", "6"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("rules: [", "this is no YAML"),
        ("rules:\n\t- a", "this is no YAML"),
        ("rule: []", 'unknown key "rule", did you mean "rules"?'),
        ("- a", "must be a mapping"),
        ("rules: {a: b}", "rules must be a list"),
        ("[" * 20_000, "this is no YAML"),
        ("a: \x00", "this is no YAML"),
    ],
)
def test_a_file_that_is_no_rule_file(tmp_path: Path, text: str, told: str) -> None:
    (message,) = places(tmp_path, text)
    assert told in message


def test_a_recording_needs_figures_and_a_name_of_a_metric(tmp_path: Path) -> None:
    text = """recordings:
  - {name: a b, query: error | count(), window: 1m}
  - {name: a, query: error, window: 1m}
  - {name: b, query: "* | stats count() by _time:5m", window: 1m}
  - {name: c, query: "* | count()", window: 1m, limit: 100000}
"""
    assert [message.partition(":")[0] for message in places(tmp_path, text)] == ["2", "3", "4", "5"]


def test_the_check_shows_the_line_and_fails(tmp_path: Path) -> None:
    path = tmp_path / "r.yml"
    path.write_text("rules:\n  - {name: A, query: 'a >> 4', window: 5m, condition: any}\n")
    ended = loghouse("rules", "check", str(path))
    assert ended.returncode == ExitCode.USAGE
    assert f"error: {path}:2:25: there is no operator" in ended.stderr
    assert "  a >> 4\n    ^^\n" in ended.stderr
    path.write_text(GOOD)
    ended = loghouse("rules", "check", str(path))
    assert (ended.returncode, ended.stderr) == (ExitCode.OK, "1 rules, 0 recordings, 0 mistakes\n")


def test_files_that_are_not_there(tmp_path: Path) -> None:
    ended = loghouse("rules", "check", str(tmp_path), str(tmp_path / "none.yml"))
    assert ended.returncode == ExitCode.USAGE
    assert "has no rule files" in ended.stderr and "cannot read" in ended.stderr


def loghouse(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    return subprocess.run(
        [sys.executable, "-c", "from loghouse.cli import main; main()", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_rules_we_ship_are_well() -> None:
    ended = loghouse("rules", "check", str(Path(__file__).parents[2] / "dashboards" / "log-rules"))
    assert (ended.returncode, ended.stderr) == (0, "7 rules, 1 recordings, 0 mistakes\n")
