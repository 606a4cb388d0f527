"""Every command line under deploy/ is one that our programs accept: a renamed option fails here."""

import importlib
import json
import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from manifests import EXAMPLES, ROOT, containers, rendered

from exporters.command import click_command, go_style
from exporters.several import KINDS
from loghouse.cli import app
from loghouse.logq.verbs import command_line


def of_compose() -> Iterator[tuple[str, list[str]]]:
    services = yaml.safe_load((ROOT / "deploy" / "compose" / "compose.yaml").read_text())["services"]
    for name, service in services.items():
        if not service["image"].startswith("logq/"):
            continue
        words = [word.replace("$$", "$") for word in service["command"]]
        yield f"compose {name}", with_entrypoint(service["image"], words)


def of_chart() -> Iterator[tuple[str, list[str]]]:
    for values in (None, *EXAMPLES):
        for place, _, container in containers(rendered(values)):
            if container["image"].startswith("logq/"):
                words = [*container.get("command", []), *container.get("args", [])]
                yield f"{values and values.stem} {place}", with_entrypoint(container["image"], words)


def of_images() -> Iterator[tuple[str, list[str]]]:
    for path in sorted((ROOT / "deploy" / "images").glob("*.Dockerfile")):
        for words in re.findall(r"^CMD (\[.*\])$", path.read_text(), re.MULTILINE):
            yield f"{path.name} {words}", with_entrypoint(path.stem, json.loads(words))


def of_systemd() -> Iterator[tuple[str, list[str]]]:
    for path in sorted((ROOT / "deploy" / "systemd").glob("*.service")):
        text = path.read_text().replace("\\\n", " ")
        for line in text.splitlines():
            if line.startswith("ExecStart="):
                yield path.name, shlex.split(line.removeprefix("ExecStart="))


def with_entrypoint(image: str, words: list[str]) -> list[str]:
    name = image.rpartition("/")[2].partition(":")[0]
    entry = {"ship": ["loghouse", "ship"], "loghouse": ["loghouse"], "loghouse-embedded": ["loghouse"]}
    return [*entry.get(name, []), *words]


def accept(words: list[str]) -> None:
    """Parse as the program would, without running it."""
    program, *arguments = words
    program = program.rpartition("/")[2]
    if program == "loghouse":
        parse(command_line(app), "loghouse", arguments)
    elif program == "logq-exporters":
        parse(importlib.import_module("exporters.several").main, program, arguments)
    else:
        kind = program.removesuffix("-exporter").replace("-", "_")
        exporter = importlib.import_module(KINDS[kind]).KIND
        parse(click_command(exporter), program, go_style(arguments, exporter.all_settings()))


def parse(command: Any, name: str, arguments: list[str]) -> None:
    """As click and typer do, whose classes are not the same; asking for help is accepted."""
    try:
        context = command.make_context(name, list(arguments))
    except Exception as end:
        if type(end).__name__ == "Exit":
            return
        raise
    if hasattr(command, "commands"):
        sub, found, rest = command.resolve_command(context, [*context._protected_args, *context.args])
        parse(found, str(sub), rest)


@pytest.mark.parametrize(("place", "words"), [*of_compose(), *of_images(), *of_systemd()])
def test_a_command_line_is_accepted(place: str, words: list[str]) -> None:
    accept(words)


def test_command_lines_of_the_chart_are_accepted() -> None:
    seen = 0
    for place, words in of_chart():
        seen += 1
        try:
            accept(words)
        except Exception as error:
            raise AssertionError(f"{place}: {' '.join(words)}: {error}") from error
    assert seen >= 10


def test_an_unknown_option_would_be_noticed() -> None:
    with pytest.raises(Exception, match="No such option"):
        accept(["loghouse", "ship", "--no-such-option"])
