"""The tests that docs/durability.md names exist, and are marked slow where it says so."""

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent.parent
PAGE = TESTS.parent / "docs" / "durability.md"
NAMED = re.compile(r"`([a-z]+/test_\w+\.py)(?:::(\w+))?`( \*slow\*)?")


def functions(path: Path) -> dict[str, bool]:
    """The tests of a file, and whether each is slow."""
    return {
        node.name: any(ast.unparse(mark) == "pytest.mark.slow" for mark in node.decorator_list)
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


@pytest.mark.parametrize(("file", "name", "slow"), sorted(set(NAMED.findall(PAGE.read_text()))))
def test_what_the_page_names_exists(file: str, name: str, slow: str) -> None:
    assert (TESTS / file).is_file()
    if name:
        found = functions(TESTS / file)
        assert name in found
        assert found[name] == bool(slow)


ROWS = {int(row[1]): row[2] for row in re.finditer(r"^\| (\d+) \|(.*)$", PAGE.read_text(), re.MULTILINE)}
QUICK = [1, 2, *range(6, 13), *range(16, 22), *range(24, 29), 33, 34, 38]  # on every commit


def test_every_case_has_a_row() -> None:
    assert list(ROWS) == list(range(1, 41))


@pytest.mark.parametrize("case", ROWS)
def test_every_case_has_a_test(case: int) -> None:
    named = [(name, slow) for _, name, slow in NAMED.findall(ROWS[case])]
    assert all(name for name, _ in named)
    assert [name for name, slow in named if not slow or case not in QUICK]
