"""axe-core, the accessibility checker, from npm into a cache outside of the repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

VERSION = "4.10.3"
DOWNLOAD_LIMIT = 60  # seconds
SERIOUS = {"serious", "critical"}


def axe_source(scratch: Path) -> str:
    """The checker's script; skips where npm or its registry is not to be had."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "logq-tests"
    kept = cache / f"axe-core-{VERSION}.js"
    if not kept.exists():
        _fetch(scratch, kept)
    return kept.read_text()


def _fetch(scratch: Path, kept: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("no npm, which fetches axe-core")
    try:
        done = subprocess.run(
            [npm, "pack", "--silent", f"axe-core@{VERSION}"],
            cwd=scratch,
            capture_output=True,
            timeout=DOWNLOAD_LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        pytest.skip("axe-core could not be fetched from npm in time")
    if done.returncode:
        pytest.skip(f"axe-core could not be fetched from npm: {done.stderr.decode(errors='replace')[-200:]}")
    with tarfile.open(scratch / f"axe-core-{VERSION}.tgz") as archive:
        script = archive.extractfile("package/axe.min.js")
        assert script is not None
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(script.read())


def serious_findings(page: Page, source: str) -> list[str]:
    """What axe finds on the page as it is now, each with the elements it is about."""
    page.evaluate(source)
    found: dict[str, Any] = page.evaluate("() => axe.run(document, { resultTypes: ['violations'] })")
    return [
        f"{each['id']} ({each['impact']}): {each['help']}: {node['target']} {node['failureSummary']}"
        for each in found["violations"]
        if each["impact"] in SERIOUS
        for node in each["nodes"]
    ]
