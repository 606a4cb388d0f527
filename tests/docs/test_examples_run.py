"""The commands of the first pages are run, as printed, on the sample node."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from loghouse.config import StoreUrl
from loghouse.ship.command import ship
from loghouse.store.client import Store
from loghouse.store.migrate import migrate

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("first-minutes.md", "recipes.md")
ENDLESS = re.compile(r"logq tail|kubectl")
FOUND_OR_NOT = (0, 1)


def lines(page: str) -> Iterator[str]:
    fenced = re.findall(
        r"^```\n(.*?)^```", (ROOT / "docs" / page).read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    for block in fenced:
        for line in block.splitlines():
            if re.match(r"(\.venv/bin/)?logq ", line) and not ENDLESS.search(line):
                yield line


@pytest.fixture(scope="module")
def sample(store_url: StoreUrl, tmp_path_factory: pytest.TempPathFactory) -> StoreUrl:
    url = StoreUrl(store_url.host, store_url.port, "documented")
    with Store(url) as store:
        migrate(store)
    state: Path = tmp_path_factory.mktemp("state")
    ship([str(ROOT / "tests/data/node/var/log/pods")], url, str(state), "node-1", once=True)
    return url


@pytest.mark.parametrize(
    "line", [pytest.param(line, id=f"{page}: {line}") for page in PAGES for line in lines(page)]
)
def test_an_example_runs(line: str, sample: StoreUrl, tmp_path: Path) -> None:
    words = shlex.split(line)[1:]
    # Of `make up` there are the sample node's files; others are made here.
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    (tmp_path / "access.log.gz").write_bytes(b"")
    done = subprocess.run(
        [sys.executable, "-c", "from loghouse.logq.cli import main; main()", *words],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=tmp_path,
        env={
            "LOGQ_URL": f"clickhouse://{sample.address}/documented",
            "PATH": "/usr/bin:/bin",
            "HOME": str(tmp_path),
        },
    )
    assert done.returncode in FOUND_OR_NOT, done.stderr
    assert "Traceback" not in done.stderr
    if "--since 365d" in line:
        assert done.stdout, "the sample node has records of this"
