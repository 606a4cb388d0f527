"""A verb imports only what it needs: start-up is part of every search."""

import subprocess
import sys
from importlib import import_module

import pytest
from logq.stores import LIMIT, Logq, environment

from loghouse.logq.cli import VERBS


def imported(*arguments: str, **variables: str) -> set[str]:
    """The packages that a command has imported when it ends."""
    script = (
        "import sys, loghouse.console as console\n"
        "from loghouse.logq.cli import main\n"
        "def leave(code): sys.stderr.write('\\n' + ' '.join(sys.modules)); sys.exit(code)\n"
        "console.leave = leave\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env=environment(**variables),
        capture_output=True,
        timeout=LIMIT,
        check=False,
    )
    return set(done.stderr.decode().splitlines()[-1].split())


def test_help_needs_neither_the_driver_nor_the_language() -> None:
    modules = imported("--help")
    assert "typer" in modules
    assert not modules & {
        "clickhouse_driver",
        "loghouse.query",
        "rich",
        "pydantic",
        "chdb",
        "json",
        "zoneinfo",
    }


@pytest.mark.parametrize("output", ["raw", "pretty", "jsonl"])
def test_a_search_needs_neither_rich_nor_pydantic(logs_address: str, output: str) -> None:
    modules = imported("search", "-o", output, LOGQ_URL=logs_address)
    assert "clickhouse_driver" in modules
    assert not modules & {"rich", "pydantic", "certifi", "chdb", "numpy"}
    assert ("loghouse.render.pretty" in modules) == (output == "pretty")


def test_values_are_converted_as_typer_would(logq: Logq, known: list[bytes]) -> None:
    done = logq("search", "--limit", "0x", LOGQ_QUIET="perhaps")
    assert done.stderr.startswith(b"error: invalid value for '-q' / '--quiet'") or b"'--limit'" in done.stderr
    assert logq("search", LOGQ_QUIET="yes", LOGQ_LIMIT="1").stderr == b""
    assert logq("search", LOGQ_QUIET="off", LOGQ_LIMIT="1").stderr.startswith(b"note: ")


def test_the_list_of_verbs_says_what_each_says_of_itself() -> None:
    for verb, summary in VERBS.items():
        own = getattr(import_module(f"loghouse.logq.{verb}"), verb).__doc__
        assert own.splitlines()[0] == summary


def test_a_verb_is_loaded_without_the_others() -> None:
    modules = imported("search", "--help")
    assert "loghouse.logq.search" in modules
    assert not modules & {f"loghouse.logq.{verb}" for verb in VERBS if verb != "search"}
