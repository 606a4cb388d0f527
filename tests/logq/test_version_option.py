"""`--version` names the command and the package that is installed."""

import subprocess
import sys
from importlib.metadata import version

import pytest
from logq.stores import LIMIT, environment


@pytest.mark.parametrize(("command", "module"), [("logq", "loghouse.logq"), ("loghouse", "loghouse")])
def test_a_command_tells_its_version(command: str, module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", module, "--version"],
        env=environment(),
        stdin=subprocess.PIPE,  # to which a query would otherwise be a query over that
        capture_output=True,
        timeout=LIMIT,
        check=True,
    )
    assert (done.stdout.decode(), done.stderr) == (f"{command} {version('logq')}\n", b"")
