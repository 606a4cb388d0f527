"""Reading a node's files beside rsyslog and syslog-ng: lines a second and a second of CPU.

    python benchmarks/shipper_peers.py TREE

Each reads all files of TREE/var/log/pods from their beginning and hands every line on: rsyslog (imfile) and
syslog-ng (wildcard-file) into a pipe that this script empties, ours into its spool with every sync
(`benchmarks/shipper.py`). What the peers do not do: identity by content, parts of long lines and stack traces
joined, batches that survive a crash. Ends when as many lines came as the files have.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

PATIENCE = 60  # seconds without a line until a tool is given up
PIECE = 1 << 20


def main(tree: Path) -> None:
    """Print a line for each tool that is installed."""
    lines = json.loads((tree / "manifest.json").read_text())["totals"]["cri_lines"]
    size = sum(path.stat().st_size for path in (tree / "var/log/pods").rglob("*.log"))
    sys.stdout.write(f"{lines:,} lines, {size / 1e6:,.0f} MB\n")
    sys.stdout.flush()
    ours = [sys.executable, str(Path(__file__).with_name("shipper.py")), str(tree)]
    for multiline in ("off", "auto"):
        sys.stdout.write(f"logq, stack traces {multiline}:\n")
        sys.stdout.flush()
        subprocess.run([*ours, multiline], check=True)
    for name, prepare in (("rsyslogd", _rsyslog), ("syslog-ng", _syslog_ng)):
        if shutil.which(name):
            _measure(name, prepare, tree / "var/log/pods", lines)


def _rsyslog(pods: Path, work: Path, pipe: Path) -> list[str]:
    config = work / "rsyslog.conf"
    config.write_text(
        'global(maxMessageSize="64k")\nmodule(load="imfile")\n'
        'template(name="line" type="string" string="%msg%\\n")\n'
        f'input(type="imfile" File="{pods}/*/*/*.log" Tag="pods" ReadMode="0")\n'
        f'action(type="omfile" File="{pipe}" template="line")\n'
        f'global(workDirectory="{work}")\n'
    )
    return ["rsyslogd", "-n", "-f", str(config), "-i", str(work / "rsyslog.pid")]


def _syslog_ng(pods: Path, work: Path, pipe: Path) -> list[str]:
    config = work / "syslog-ng.conf"
    config.write_text(
        "@version: 3.38\noptions { log-msg-size(65536); };\n"
        f'source pods {{ wildcard-file(base-dir("{pods}") filename-pattern("*.log") recursive(yes) '
        "max-files(1000) flags(no-parse) follow-freq(0.1)); };\n"
        f'destination out {{ pipe("{pipe}" template("$MSG\\n")); }};\n'
        "log { source(pods); destination(out); flags(flow-control); };\n"
    )
    own = [f"--{name}={work / name}" for name in ("pidfile", "persist-file", "control")]
    return ["syslog-ng", "--foreground", "--no-caps", f"--cfgfile={config}", *own]


def _measure(name: str, prepare: Callable[[Path, Path, Path], list[str]], pods: Path, wanted: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        pipe = work / "pipe"
        os.mkfifo(pipe)
        reader = os.open(pipe, os.O_RDWR)  # also a writer, so that there is no end of the file
        began = time.monotonic()
        process = subprocess.Popen(
            prepare(pods, work, pipe), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            seen = _drain(reader, wanted, began)
            seconds = time.monotonic() - began
            cpu, peak = _cpu(process.pid), _peak(process.pid)
        finally:
            process.terminate()
            process.wait(30)
            os.close(reader)
    sys.stdout.write(
        f"{name}: {seen:,} lines, {seen / seconds:,.0f} a second, "
        f"{seen / cpu:,.0f} a second of CPU, {peak:.0f} MB\n"
    )
    sys.stdout.flush()


def _drain(reader: int, wanted: int, last: float) -> int:
    """Read until so many lines came, or none for a while; the number of lines."""
    os.set_blocking(reader, False)
    seen = 0
    while seen < wanted and time.monotonic() - last < PATIENCE:
        try:
            seen += os.read(reader, PIECE).count(b"\n")
            last = time.monotonic()
        except BlockingIOError:
            time.sleep(0.001)
    return seen


def _cpu(pid: int) -> float:
    """Seconds of CPU that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _peak(pid: int) -> float:
    """The most memory that a process had, in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) / 1024


if __name__ == "__main__":
    main(Path(sys.argv[1]))
