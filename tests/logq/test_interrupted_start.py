"""Ctrl-C while a command is still loading ends it like Ctrl-C later on."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


def assert_ends_silently(module: str, modules: Path) -> None:
    """A start that finds modules of the test before the real ones ends as interrupted, and says nothing."""
    done = subprocess.run(
        [sys.executable, "-m", module, "--help"],
        env={**os.environ, "PYTHONPATH": str(modules)},
        capture_output=True,
        timeout=30,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


@pytest.mark.parametrize("module", ["loghouse.logq", "loghouse"])
def test_an_interrupted_start_leaves_no_traceback(module: str, tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text("raise KeyboardInterrupt\n")
    assert_ends_silently(module, tmp_path)


@pytest.mark.parametrize("module", ["loghouse.logq", "loghouse"])
def test_an_interrupt_that_python_would_swallow_ends_the_start(module: str, tmp_path: Path) -> None:
    """In `__del__`, as in callbacks of the garbage collector, Python prints an exception and goes on."""
    (tmp_path / "typer.py").write_text(
        "import os, signal\n"
        "class Gone:\n"
        "    def __del__(self):\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "        for _ in range(100): pass\n"
        "Gone()\n"
        "raise SystemExit('went on')\n"
    )
    assert_ends_silently(module, tmp_path)


def test_the_page_ends_when_it_is_interrupted_while_it_loads(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import os, signal, sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'loghouse.web.server':\n"
        "            class Gone:\n"
        "                def __del__(self):\n"
        "                    os.kill(os.getpid(), signal.SIGINT)\n"
        "                    for _ in range(100): pass\n"
        "            Gone()\n"
        "sys.meta_path.insert(0, Finder())\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "loghouse", "web", "--url=clickhouse://127.0.0.1:1/x", "--listen=127.0.0.1:0"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stderr
