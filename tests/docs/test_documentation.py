"""The documentation builds, pages made from code are fresh, and the programs take every command in it."""

import importlib.util
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from examples import ROOT, SHELL, blocks_of

from exporters.command import click_command, go_style
from exporters.several import KINDS
from exporters.several import main as several
from loghouse.cli import app as loghouse
from loghouse.logq.cli import VERBS, _app
from loghouse.logq.verbs import command_line
from loghouse.query import parse

VERBS_WITH_QUERY = frozenset(("search", "tail", "hist", "stats", "patterns", "context", "export", "explain"))


ALL = [
    pytest.param(line, id=f"{block.page.relative_to(ROOT)}:{number}")
    for block in blocks_of(*SHELL)
    for number, line in block.commands()
    if re.match(r"(\S+=\S+ )*(\S*/)?(logq|loghouse|logq-exporters|[a-z-]+-exporter)( |$)", line)
]


@pytest.mark.parametrize("line", ALL)
def test_a_command_of_the_documentation_is_accepted(line: str) -> None:
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|;&<>")
    lexer.whitespace_split = True
    lexer.commenters = "#"
    words: list[str] = []
    for word in lexer:
        if re.fullmatch(r"[|;&<>]+", word):
            break
        words.append(word)
    while "=" in words[0]:
        words.pop(0)  # a variable before the command
    accept(words)


def accept(words: list[str]) -> None:
    program, *arguments = words
    program = program.rpartition("/")[2]
    if program == "logq":
        accept_logq(arguments)
    elif program == "loghouse":
        parsed(command_line(loghouse), program, arguments)
    elif program == "logq-exporters":
        parsed(several, program, arguments)
    else:
        kind = importlib.import_module(KINDS[program.removesuffix("-exporter").replace("-", "_")]).KIND
        parsed(click_command(kind), program, go_style(arguments, kind.all_settings()))


def accept_logq(arguments: list[str]) -> None:
    verb = arguments[0] if arguments and arguments[0] in VERBS else "search"
    if verb == "search" and arguments[:1] != ["search"]:
        arguments = ["search", *arguments]
    given = parsed(command_line(_app(verb)), "logq", arguments)
    if given and verb in VERBS_WITH_QUERY and isinstance(given.get("query"), list | tuple):
        parse(" ".join(given["query"]))


def parsed(command: Any, name: str, arguments: list[str]) -> dict[str, Any] | None:
    """The values of the options, None for --help."""
    try:
        context = command.make_context(name, list(arguments))
    except Exception as end:
        if type(end).__name__ == "Exit":
            return None
        raise AssertionError(f"{name} {' '.join(arguments)}: {end}") from end
    if hasattr(command, "commands"):
        sub, found, rest = command.resolve_command(context, [*context._protected_args, *context.args])
        return parsed(found, str(sub), rest)
    return dict(context.params)


def test_commands_were_found() -> None:
    assert len(ALL) > 80


def test_pages_made_from_code_are_fresh() -> None:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec and spec.loader
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    for name, text in generate.pages().items():
        stale = (ROOT / "docs" / name).read_text("utf-8") != text
        assert not stale, f"docs/{name} is stale: run docs/generate.py"


def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-d", tmp_path / "site"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=ROOT,
        env={"DISABLE_MKDOCS_2_WARNING": "true", "PATH": "/usr/bin:/bin"},
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "site" / "index.html").exists()
