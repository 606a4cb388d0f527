"""A store that refuses the password: one message that says what to set, exit code 3, nothing else."""

import subprocess
import sys
from pathlib import Path

import pytest
from logq.stores import LIMIT, environment

COMMANDS = [
    ("logq.cli", "search", "error"),
    ("logq.cli", "tail"),
    ("logq.cli", "fields"),
    ("logq.cli", "hist"),
    ("logq.cli", "export", "{directory}/all.jsonl"),
    ("logq.cli", "saved", "list"),
    ("cli", "ship", "--once", "--state-dir", "{directory}/state", "{directory}/app.log"),
    ("cli", "migrate"),
]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("where", ["address", "file"])
def test_a_wrong_password_is_told(
    logs_address: str, tmp_path: Path, words: tuple[str, ...], where: str
) -> None:
    (tmp_path / "app.log").write_text("a line\n")
    (tmp_path / "secret").write_text("wr0ng\n")
    place = logs_address.partition("://")[2]
    variables = {"LOGQ_URL": f"clickhouse://default:wr0ng@{place.rpartition('@')[2]}"}
    if where == "file":
        variables = {"LOGQ_URL": logs_address, "LOGQ_PASSWORD_FILE": str(tmp_path / "secret")}
    module, *arguments = (word.format(directory=tmp_path) for word in words)
    done = subprocess.run(
        [sys.executable, "-c", f"from loghouse.{module} import main; main()", *arguments],
        env=environment(**variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert (done.returncode, done.stdout) == (3, "")
    first, second = done.stderr.splitlines()
    assert first.startswith("error: ClickHouse at 127.0.0.1:")
    assert first.endswith('refused user "default" (wrong name or password)')
    assert "LOGQ_PASSWORD_FILE" in second
    assert "wr0ng" not in done.stderr
    assert not (tmp_path / "all.jsonl").exists()
