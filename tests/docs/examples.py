"""The shell examples of the documentation, as they stand in the pages."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MADE = ("cli.md", "plan.md")  # from the programs themselves; for those who develop
PAGES = sorted(path for path in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md")) if path.name not in MADE)
SHELL = ("", "sh")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its language and its lines, each with its number in the page."""

    page: Path
    language: str
    lines: tuple[tuple[int, str], ...]

    @property
    def name(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.lines[0][0]}"

    @property
    def text(self) -> str:
        return "\n".join(line for _, line in self.lines)

    def commands(self) -> Iterator[tuple[int, str]]:
        """The command lines; a backslash at the end continues one."""
        held = ""
        for number, line in self.lines:
            held += line.strip()
            if held.endswith("\\"):
                held = held[:-1] + " "
            elif held:
                yield number, held
                held = ""


def blocks(page: Path) -> Iterator[Block]:
    """Every fenced block of a page."""
    language, lines = None, list[tuple[int, str]]()
    for number, line in enumerate(page.read_text("utf-8").splitlines(), 1):
        fence = re.match(r"\s*```(\w*)", line)
        if fence is None:
            if language is not None:
                lines.append((number, line))
        elif language is None:
            language = fence[1]
        else:
            yield Block(page, language, tuple(lines))
            language, lines = None, []


def blocks_of(*languages: str) -> list[Block]:
    """Every block of every page in one of these languages."""
    return [block for page in PAGES for block in blocks(page) if block.language in languages]


def block_of(page: str, language: str, number: int = 0) -> str:
    """The text of the n-th block of a language on a page of docs/."""
    return [block.text for block in blocks(ROOT / "docs" / page) if block.language == language][number]
