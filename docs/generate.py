"""Writes the pages made from code: cli.md, configuration.md, metrics.md. A test fails while one is stale.

.venv/bin/python docs/generate.py
"""

import inspect
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from prometheus_client.metrics_core import Metric

DOCS = Path(__file__).resolve().parent
FEW = 4  # commands that are named one by one
HEAD = "<!-- Made by docs/generate.py from the code: change that. -->\n\n"


def main() -> None:
    """The command."""
    for name, text in pages().items():
        (DOCS / name).write_text(text, encoding="utf-8")
        sys.stderr.write(f"wrote docs/{name}\n")


def pages() -> dict[str, str]:
    """Each page that is made, by its file."""
    return {"cli.md": cli_page(), "configuration.md": configuration_page(), "metrics.md": metrics_page()}


def cli_page() -> str:
    """Every command with its options, as `--help` has them, one section each."""
    from loghouse.cli import app as loghouse
    from loghouse.logq.cli import VERBS, _app
    from loghouse.logq.verbs import command_line

    parts = [
        HEAD + "# Commands\n",
        "`logq` reads logs, `loghouse` runs what stores and ships them. An option that a variable can set",
        "names it. Exit codes: 0 found or done, 1 nothing found, 2 wrong usage, 3 the store failed, 4 partly",
        "done or not well, 130 interrupted.\n",
    ]
    for verb in VERBS:
        parts.extend(_section(f"logq {verb}", command_line(_app(verb)).commands[verb]))
    for name, command in command_line(loghouse).commands.items():
        parts.extend(_sections(f"loghouse {name}", command))
    return "\n".join(parts) + "\n"


def _sections(name: str, command: Any) -> Iterator[str]:
    if hasattr(command, "commands"):
        for sub, each in command.commands.items():
            yield from _sections(f"{name} {sub}", each)
    else:
        yield from _section(name, command)


def _section(name: str, command: Any) -> Iterator[str]:
    yield f"## {name}\n"
    yield inspect.cleandoc(command.help or "").replace("Example:", "\nExample:").replace("\n\n\n", "\n\n")
    yield ""
    rows = [row for parameter in command.params if (row := _row(parameter))]
    if rows:
        yield "| option | | |"
        yield "| --- | --- | --- |"
        yield from rows
        yield ""


def _row(parameter: Any) -> str:
    names = [*parameter.opts, *parameter.secondary_opts]
    if getattr(parameter, "hidden", False) or "--help" in names:
        return ""
    if parameter.param_type_name == "argument":
        names = [parameter.name.upper()]
    text = (parameter.help or "").replace("|", "\\|")
    notes = []
    default = parameter.default
    if default not in (None, "", False, (), []) and "default:" not in text and isinstance(default, str | int):
        notes.append(f"default `{default}`")
    variable = parameter.envvar
    if variable:
        notes.append(f"`{variable if isinstance(variable, str) else variable[0]}`")
    return f"| {', '.join(f'`{name}`' for name in names)} | {text} | {', '.join(notes)} |"


def configuration_page() -> str:
    """Every variable, with the options that it sets, and the files of settings."""
    from loghouse.cli import app as loghouse
    from loghouse.logq.cli import VERBS, _app
    from loghouse.logq.verbs import command_line

    commands = {f"logq {verb}": command_line(_app(verb)).commands[verb] for verb in VERBS}
    for name, command in command_line(loghouse).commands.items():
        commands.update(_leaves(f"loghouse {name}", command))
    found: dict[str, tuple[str, str, list[str]]] = {}
    for name, command in commands.items():
        for each in command.params:
            for variable in [each.envvar] if isinstance(each.envvar, str) else each.envvar or []:
                text = (each.help or "").replace("|", "\\|")
                found.setdefault(variable, (each.opts[0], text, []))[2].append(name)
    parts = [HEAD + "# Configuration\n", _CONFIGURATION]
    parts += ["## Variables\n", "| variable | option | commands | |", "| --- | --- | --- | --- |"]
    for variable, (option, text, users) in sorted(found.items()):
        reading = [name for name in users if name.startswith("logq ")]
        others = [name for name in users if name not in reading]
        shown = reading if len(reading) <= FEW else ["logq"]
        shown += others if len(others) <= FEW else ["loghouse"]
        parts.append(f"| `{variable}` | `{option}` | {', '.join(shown)} | {text} |")
    return "\n".join(parts) + "\n"


_CONFIGURATION = """An option of the command line wins over a variable, a variable over a profile, a profile
over the default. A bad value stops the start and says where it came from. Every option of every command is in
[Commands](cli.md); the exporters have [settings of their own](exporters/README.md#settings).

| file | of | page |
| --- | --- | --- |
| `~/.config/logq/config.toml` | profiles of `logq`, chosen with `--profile` | [logq](logq.md) |
| `--access` | who may read what on the page | [Access](access.md) |
| `--filters` | what the shipper masks, drops, samples and limits | [Shipping](shipping.md#filters) |
| rules of `loghouse rules` | alerts on logs | [Alerts](alerts.md) |
| rules of `loghouse retention` | how long records are kept, tiers | [Retention](retention.md) |
| `--config` of `logq-exporters` | several exporters in one process | [Exporters](exporters/README.md) |

Passwords and keys are read from files, so that neither a process list nor a variable shows them:
`LOGQ_PASSWORD_FILE` (of the store in `LOGQ_URL`), `--token-file`, `--shared-key-file`, `--s3-credentials`.
`LOGQ_CONFIG` names another file of profiles.
"""


def _leaves(name: str, command: Any) -> dict[str, Any]:
    if not hasattr(command, "commands"):
        return {name: command}
    found: dict[str, Any] = {}
    for sub, each in command.commands.items():
        found.update(_leaves(f"{name} {sub}", each))
    return found


def metrics_page() -> str:
    """What the daemons expose; the exporters' pages have their own tables."""
    parts = [HEAD + "# Metrics of loghouse\n"]
    for title, families in (
        ("loghouse ship --listen", _of_shipper()),
        ("loghouse receive", _of_receiver()),
        ("loghouse journal --listen", _of_journal()),
        ("loghouse rules run --listen", _of_rules()),
    ):
        parts += [f"## {title}\n", "| metric | type | labels | |", "| --- | --- | --- | --- |"]
        for family in families:
            name = f"{family.name}_total" if family.type == "counter" else family.name
            labels = ", ".join(f"`{label}`" for label in getattr(family, "_labelnames", ()))
            parts.append(f"| `{name}` | {family.type} | {labels} | {family.documentation} |")
        parts.append("")
    parts += ["The exporters have tables in their pages.", ""]
    return "\n".join(parts)


def _of_shipper() -> list[Metric]:
    from loghouse.filters.config import FilterRules
    from loghouse.filters.filters import Filters
    from loghouse.ship.problems import Problems
    from loghouse.ship.reading import Reading
    from loghouse.ship.reading_metrics import ReadingMetrics
    from loghouse.ship.report import Beat, Report
    from loghouse.spool.delivery import Delivered
    from loghouse.spool.spool import Spool

    class Idle:
        """A delivery that has nothing to do."""

        done = Delivered()
        failing_since = None

    class Nobody:
        """A Kubernetes API that tells of no pod."""

        answering = False
        errors = 0

    watched: Any = Nobody()
    reading = Reading(filters=Filters(FilterRules(builtin=())), pods=watched)
    with tempfile.TemporaryDirectory() as directory:
        spool = Spool(directory)
        report: Any = Report(list, Beat(), spool, Idle(), Problems())  # type: ignore[arg-type]
        families = [*report.collect(), *ReadingMetrics(reading).collect()]
        spool.close()
    return families


def _of_receiver() -> list[Metric]:
    from loghouse.receive.exposition import Exposition

    class Quiet:
        """An intake that has taken nothing."""

        counts: Counter[tuple[str, str]] = Counter()
        waiting_bytes = 0
        failing_since = None

    quiet: Any = Quiet()
    return list(Exposition(quiet).collect())


def _of_journal() -> list[Metric]:
    from loghouse.client.journal_report import Progress, Report

    return list(Report(Progress()).collect())


def _of_rules() -> list[Metric]:
    registry = import_module("loghouse.rules.exposition").Metrics().registry
    return sorted(registry.collect(), key=lambda family: str(family.name))


if __name__ == "__main__":
    main()
