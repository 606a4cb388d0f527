"""Who may import whom: the architecture of docs/architecture.md, kept by a test."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# Parts of loghouse and the other parts they may use. The others are commands, which put parts together.
MAY_USE: dict[str, set[str]] = {
    "errors": set(),
    "record": set(),
    "linear": set(),
    "stopping": set(),
    "memory": set(),
    "native": set(),
    "formats": {"record"},
    "query": {"errors", "formats", "record"},
    "render": {"errors", "native", "query", "record"},
    "store": {"config", "errors", "formats", "native", "record"},
    "embedded": {"config", "errors", "memory", "native", "stopping"},
    "spool": {"errors", "native"},
    "kubernetes": {"errors"},
    "telemetry": {"errors"},
    "filters": {"errors", "formats", "linear", "query", "record"},
    "ship": {
        "config",
        "errors",
        "filters",
        "kubernetes",
        "linear",
        "memory",
        "spool",
        "stopping",
        "store",
        "telemetry",
    },
    "search": {"errors", "query", "record", "store"},
    "blocks": set(),
    "tail": {"blocks", "errors", "query", "record", "store"},
}
# Packages that only one module may import: what they do has one place.
ONLY_IN = {
    "clickhouse_driver": {"loghouse/store/client.py"},
    "chdb": {"loghouse/embedded/engine.py"},
    "uvicorn": {"loghouse/web/server.py"},
    "pyarrow": {"loghouse/render/parquet.py"},
}
NO_NAMES = re.compile(r"(^|_)(utils?|helpers?|manager|common|base|misc)(_|$)")


def modules(package: str) -> Iterator[Path]:
    yield from sorted((ROOT / package).rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    """Every dotted name that a module imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def part_of(path: Path) -> str:
    return path.relative_to(ROOT).with_suffix("").parts[1]


@pytest.mark.parametrize("part", MAY_USE)
def test_a_part_uses_only_what_is_below_it(part: str) -> None:
    for path in modules("loghouse"):
        if part_of(path) != part:
            continue
        used = {name.split(".")[1] for name in imported(path) if name.startswith("loghouse.")}
        assert used - {part} <= MAY_USE[part], path


def test_exporters_stand_alone() -> None:
    for path in modules("exporters"):
        assert not any(name.split(".")[0] == "loghouse" for name in imported(path)), path


def test_nothing_imports_a_command_line() -> None:
    for path in modules("loghouse"):
        assert not {"loghouse.cli", "loghouse.cli.app"} & set(imported(path)), path


@pytest.mark.parametrize("package", ONLY_IN)
def test_a_library_is_used_in_one_place(package: str) -> None:
    users = {
        str(path.relative_to(ROOT))
        for path in modules("loghouse")
        if any(name.split(".")[0] == package for name in imported(path))
    }
    assert users <= ONLY_IN[package]


def test_no_module_is_a_drawer_for_everything() -> None:
    for package in ("loghouse", "exporters", "dashboards"):
        for path in modules(package):
            assert not NO_NAMES.search(path.stem), path
