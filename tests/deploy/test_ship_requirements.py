"""The shipper runs with what its image has: deploy/images/ship.requirements.txt, and nothing else."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from manifests import ROOT
from servers import free_port

from loghouse.config import StoreUrl
from loghouse.store.client import Store
from loghouse.store.migrate import migrate

REQUIREMENTS = ROOT / "deploy" / "images" / "ship.requirements.txt"
RULES = """
redact = ["secrets", "cards"]

[[mask]]
name = "customer"
pattern = 'customer=(\\d+)'
where = "container:php*"

[[drop]]
name = "probes"
where = 'container:nginx "kube-probe"'

[[sample]]
name = "debug"
where = "level:debug not stream:stderr"
keep = 0.1

[[limit]]
name = "flood"
where = "namespace:review-*"
lines_per_second = 500
"""
# Like the image: what is not among its packages cannot be imported.
PROGRAM = """
import sys
for name in sys.argv.pop(1).split(","):
    sys.modules[name] = None
from loghouse.__main__ import main
main()
"""


def named(requirements: list[str]) -> set[str]:
    """The packages of these requirements."""
    found = (re.match(r"[A-Za-z0-9._-]+", each) for each in requirements)
    return {each[0].lower() for each in found if each}


def not_in_the_image() -> list[str]:
    """What the other packages that loghouse depends on are imported as."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extra = [each for group in project["optional-dependencies"].values() for each in group]
    missing = named([*project["dependencies"], *extra]) - named(REQUIREMENTS.read_text().splitlines())
    return [
        module
        for module, distributions in packages_distributions().items()
        if {each.lower() for each in distributions} & missing
    ]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """`loghouse` where no other package is."""
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, ",".join(not_in_the_image()), *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def store(store_url: StoreUrl) -> Iterator[Store]:
    with Store(replace(store_url, database="shipped_by_image")) as connection:
        migrate(connection)
        yield connection


def test_other_packages_cannot_be_imported_here() -> None:
    assert {"msgpack", "starlette", "chdb", "pyarrow"} <= set(not_in_the_image())


def test_it_ships_with_rules(store: Store, tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text(RULES)
    state, url = (
        f"--state-dir={tmp_path / 'state'}",
        f"--url=clickhouse://{store.url.address}/shipped_by_image",
    )
    rules, listen = f"--filters={tmp_path / 'rules.toml'}", f"--listen=127.0.0.1:{free_port()}"
    pods = str(ROOT / "tests" / "data" / "node" / "var" / "log" / "pods")
    done = run("ship", "--once", "--redact", "--kubernetes=off", "--node=n", rules, listen, state, url, pods)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    assert store.rows("SELECT count() > 1000 FROM logs") == [(1,)]
    kept = run("quarantine", "ls", state)
    assert (kept.returncode, "Traceback" in kept.stderr) == (0, False), kept.stderr


@pytest.mark.parametrize("command", ["ship", "status", "doctor", "quarantine", "verify"])
def test_what_looks_after_it_starts(command: str) -> None:
    done = run(command, "--help")
    assert done.returncode == 0, done.stderr
