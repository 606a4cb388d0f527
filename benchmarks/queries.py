"""How long questions take, from the command line to the last byte, beside grep-like tools on the same files.

    python benchmarks/queries.py clickhouse://HOST:PORT/DATABASE [TREE] [QUESTION...]

The store holds what TREE/var/log/pods holds (`loghouse ship --once` brings it there); TREE/manifest.json
names a token that stands in one record. Each command runs six times, the first one uncounted, and the median
counts; nothing but this should run on the machine. Peers that are not installed are left out. Their figures
depend on the size of the files: `rg`, `grep` and `lnav` read all of them for each question. `lnav -n` has no
count: it prints the lines. Questions to files are asked of the greatest log of the tree, packed with gzip.
"""

from __future__ import annotations

import compileall
import gzip
import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import loghouse

RUNS = 5
PATIENCE = 600  # seconds a command may take


@dataclass(frozen=True)
class Question:
    """`logq` asks it in one way, each peer in its own; `target` in seconds, 0 for none."""

    name: str
    target: float
    logq: Sequence[str]
    peers: Sequence[Sequence[str]] = ()
    runs: int = RUNS


def lnav(regex: str, files: str) -> tuple[str, ...]:
    """`lnav` without a screen prints the lines that its filter leaves."""
    return ("lnav", "-n", "-r", "-c", f":filter-in {regex}", files)


def questions(rare: str, files: str, window: Sequence[str]) -> list[Question]:
    """The questions of docs/performance.md; `rare` stands in one record."""
    everything = (*window, "--quiet")
    return [
        Question("help", 0.15, ("--help",)),
        Question(
            "rare token, raw",
            0.25,
            ("search", rare, "-o", "raw", *everything),
            (
                ("rg", "-w", rare, files),
                ("grep", "-rw", rare, files),
                lnav(rf"\b{rare}\b", files),
            ),
        ),
        Question("rare token, pretty", 0.3, ("search", rare, *everything)),
        Question(
            "count of a common token",
            0.25,
            ("stats", "count()", "order", *everything),
            (
                ("rg", "-wic", "order", files),
                ("grep", "-rwic", "order", files),
                lnav(r"(?i)\border\b", files),
            ),
        ),
        Question("hist 1m by level", 0.4, ("hist", "--every", "1m", *everything)),
        Question(
            "p99 of a number by a text",
            1.5,
            ("stats", "p99(context.duration_ms) by extra.url", *everything),
        ),
        Question("newest 100 of a namespace", 0.25, ("search", "-n", "prod", "--limit", "100", *everything)),
        Question(
            "regex over all messages",
            3,
            ("stats", "count()", 'message =~ "connection (was )?refused"', *everything),
            (("rg", "-c", "connection (was )?refused", files), lnav("connection (was )?refused", files)),
        ),
        Question(
            "regex without a plain text",
            0,
            ("stats", "count()", 'message =~ "[0-9]{3} [a-z]+"', *everything),
            (("rg", "-c", "[0-9]{3} [a-z]+", files), lnav("[0-9]{3} [a-z]+", files)),
        ),
        Question("fields", 0.3, ("fields", *everything)),
        Question("patterns", 0, ("patterns", *everything), runs=1),
        Question("raw of everything", 0, ("search", "--limit", "0", "-o", "raw", *everything), runs=1),
    ]


def questions_to_files(packed: str) -> list[Question]:
    """Questions that need no store: `logq --file` beside the tools that unpack as they read."""
    own = ("--file", packed, "--quiet")
    return [
        Question(
            "gz: a token, raw",
            0,
            ("search", "warning", "-o", "raw", "--limit", "0", *own),
            (("zgrep", "-wi", "warning", packed), ("rg", "-zwi", "warning", packed)),
        ),
        Question(
            "gz: count of a token",
            0,
            ("stats", "count()", "warning", *own),
            (("zgrep", "-wic", "warning", packed), lnav(r"(?i)\bwarning\b", packed)),
        ),
    ]


def main(url: str, tree: str = "", *wanted: str) -> None:
    """Print one line for each question and each peer."""
    # As an installation has it; a checkout that Python may not write to is compiled at each start.
    compileall.compile_dir(str(Path(loghouse.__file__).parent), quiet=1)
    manifest = json.loads((Path(tree) / "manifest.json").read_text()) if tree else {"needles": []}
    rare = next((needle["token"] for needle in manifest["needles"] if needle["count"] == 1), "needle")
    window = ("--from", manifest["from"], "--to", manifest["to"]) if tree else ("--since", "30d")
    with tempfile.TemporaryDirectory() as directory:
        asked = questions(rare, f"{tree}/var/log/pods" if tree else "", window)
        if tree:
            asked += questions_to_files(_packed(Path(tree), Path(directory)))
        for question in asked:
            if wanted and question.name not in wanted:
                continue
            # `--url` stands in the way of `--file`.
            store = () if "--file" in question.logq else ("--url", url)
            _report(question.name, question.target, "logq", ("logq", *question.logq, *store), question.runs)
            for peer in question.peers if tree else ():
                if shutil.which(peer[0]):
                    _report(question.name, 0, peer[0], peer, min(question.runs, 3))


def _packed(tree: Path, directory: Path) -> str:
    """The greatest log of the tree as a file of gzip."""
    greatest = max((tree / "var/log/pods").rglob("*.log"), key=lambda path: path.stat().st_size)
    packed = directory / "greatest.log.gz"
    with greatest.open("rb") as source, gzip.open(packed, "wb", compresslevel=6) as target:
        shutil.copyfileobj(source, target)
    return str(packed)


def _report(name: str, target: float, tool: str, command: Sequence[str], runs: int) -> None:
    if command[1] == "--help":
        command = command[:2]
    _run(command)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = [_run(command) for _ in range(runs)]
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / runs
    wanted = f"target {target:5.2f} s" if target else ""
    sys.stdout.write(
        f"{name:28} {tool:6} {statistics.median(seconds):7.3f} s  own CPU {cpu:6.3f} s  {wanted}\n"
    )
    sys.stdout.flush()


def _run(command: Sequence[str]) -> float:
    """Seconds from start to end; what it prints is read and thrown away, as a terminal would read it."""
    began = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        while process.stdout.read(1 << 20):
            pass
        if process.wait(PATIENCE) not in (0, 1):
            raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return time.monotonic() - began


if __name__ == "__main__":
    main(*sys.argv[1:])
