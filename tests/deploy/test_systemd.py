"""The units are valid and closed, and the script installs what they start."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from image_build import PATH, Stage, can_build, run_in
from manifests import ROOT, command

from exporters.several import prepare_all

SYSTEMD = ROOT / "deploy" / "systemd"
UNITS = sorted(SYSTEMD.glob("*.service"))
WORST_EXPOSURE = 5.0  # of 10, by systemd's own measure

needs_namespaces = pytest.mark.skipif(not can_build(), reason="needs root, mount namespaces and Python 3.11")


@needs_namespaces
def test_the_units_verify_where_their_commands_are(tmp_path: Path) -> None:
    """As after an installation, which the slow test below does for real."""
    upper = tmp_path / "machine"
    shutil.copytree(SYSTEMD, upper / "etc/systemd/system")
    (upper / "opt").mkdir()
    (upper / "opt/logq").symlink_to(sys.prefix)
    machine = Stage("machine", upper, {"PATH": PATH})
    units = [f"/etc/systemd/system/{unit.name}" for unit in UNITS]
    verified = run_in(machine, [command("systemd-analyze"), "verify", *units], limit=60, user="0:0")
    assert verified.returncode == 0, verified.stderr
    assert [line for line in verified.stderr.splitlines() if "loghouse" in line or "logq" in line] == []


@needs_namespaces
@pytest.mark.slow
def test_the_script_installs_what_the_units_start(tmp_path: Path) -> None:
    """In a view of this machine's root: the units verify only when their commands are there."""
    upper = tmp_path / "machine"
    shutil.copytree(
        ROOT,
        upper / "src",
        ignore=shutil.ignore_patterns(".git", ".venv", "var", ".mypy_cache", ".*_cache", "node_modules"),
    )
    machine = Stage("machine", upper, {"PATH": PATH})
    for _ in ("first installation", "upgrade"):
        done = run_in(machine, ["sh", "/src/deploy/systemd/install.sh"], limit=300, user="0:0")
        assert done.returncode == 0, done.stdout + done.stderr
        (upper / "etc/loghouse/ship.env").write_text("LOGHOUSE_PATHS=/mine\n")
    assert (upper / "etc/loghouse/ship.env").read_text() == "LOGHOUSE_PATHS=/mine\n"
    units = [f"/etc/systemd/system/{unit.name}" for unit in UNITS]
    verified = run_in(machine, [command("systemd-analyze"), "verify", *units], limit=60, user="0:0")
    assert verified.returncode == 0, verified.stderr
    ours = [line for line in verified.stderr.splitlines() if "loghouse" in line or "logq" in line]
    assert ours == []
    for name in ("loghouse-ship", "loghouse-receive", "loghouse-journal", "logq-exporters"):
        assert re.search(rf"^{name}:", (upper / "etc/passwd").read_text(), re.MULTILINE)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_may_little(unit: Path) -> None:
    done = subprocess.run(
        [command("systemd-analyze"), "security", "--offline=true", "--no-pager", unit],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    found = re.search(r"exposure level for .*: ([\d.]+)", done.stdout)
    assert found and float(found[1]) <= WORST_EXPOSURE, done.stdout[-400:]


def test_the_example_of_the_exporters_is_one_they_take() -> None:
    running = prepare_all(str(SYSTEMD / "logq-exporters.toml"))
    listening = [address for each in running for address in each.serve.listen_address]
    assert listening == ["127.0.0.1:9121", "127.0.0.1:9253"]


def test_rsyslog_takes_the_forwarding_rule(tmp_path: Path) -> None:
    done = subprocess.run(
        [command("rsyslogd"), "-N1", "-f", SYSTEMD / "60-loghouse.conf"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
