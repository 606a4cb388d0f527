"""A verb is a function of one dataclass of options; here its fields become the options of a typer command."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from enum import StrEnum
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

import typer

from loghouse.console import guarded
from loghouse.errors import ExitCode
from loghouse.logq.options import Common
from loghouse.version import VERSION

HELP_OPTIONS = ["-h", "--help"]
VERSION_OPTION = "--version"

Options = TypeVar("Options", bound=Common)
_TRUTHS = {
    **dict.fromkeys(("1", "true", "yes", "on"), True),
    **dict.fromkeys(("0", "false", "no", "off"), False),
}


def add(app: typer.Typer, name: str, options: type[Options], verb: Callable[[Options], ExitCode]) -> None:
    """Make `verb` the command `name` of `app`; its docstring is the help."""

    def callback(context: typer.Context, **values: Any) -> ExitCode:
        tupled: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in values.items()
        }
        given = options(**_without_weaker(context, tupled))
        return guarded(lambda: verb(given), given.debug)

    hints = get_type_hints(options, include_extras=True)
    parameters = [_parameter(field.name, hints[field.name], field.default) for field in fields(options)]
    context = inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
    callback.__signature__ = inspect.Signature([context, *parameters])  # type: ignore[attr-defined]
    app.command(name, help=verb.__doc__)(callback)


def add_version(app: typer.Typer, name: str) -> None:
    """Let `name --version` print the version."""

    def show(wanted: bool) -> None:
        if wanted:
            typer.echo(f"{name} {VERSION}")
            raise typer.Exit

    option = typer.Option(
        False, VERSION_OPTION, help="Show the version and exit.", is_eager=True, callback=show
    )

    @app.callback()
    def before_the_verb(version: bool = option) -> None:
        """Its option is all that stands before a verb."""


def _without_weaker(context: typer.Context, values: dict[str, Any]) -> dict[str, Any]:
    """Of `--since` and `--from`, which exclude each other, the one on the command line holds over that of a
    variable or a profile.
    """
    told = [name for name in ("since", "from_") if values.get(name) is not None]
    by_hand = [
        name for name in told if getattr(context.get_parameter_source(name), "name", "") == "COMMANDLINE"
    ]
    return {**values, **dict.fromkeys(name for name in told if by_hand and name not in by_hand)}


def command_line(app: typer.Typer) -> Any:
    """The commands of `app`, ready to run, without pydantic.

    typer 0.29 converts each value through it, which takes 80 ms of a search that may take 300; other versions
    do not have the attribute and are left alone.
    """
    command: Any = typer.main.get_command(app)
    for verb in (command, *getattr(command, "commands", {}).values()):
        for parameter in verb.get_params(typer.Context(verb, help_option_names=HELP_OPTIONS)):
            kind = getattr(getattr(parameter, "type_descriptor", None), "annotation", None)
            if kind is not None and getattr(parameter, "_runtime_param", parameter) is None:
                parameter._runtime_param = _Conversion(kind)
    return command


@dataclass(frozen=True, slots=True)
class _Conversion:
    """What typer would make of a value of this type, for the few types our options have."""

    kind: Any

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        if get_origin(self.kind) is list:
            return list(value or ())
        if value is None or not isinstance(value, str):
            return value
        try:
            return self._converted(value)
        except (KeyError, ValueError):
            raise typer.BadParameter(f'"{value}" is not {self._expected()}', ctx=ctx, param=param) from None

    def _converted(self, value: str) -> Any:
        kinds = get_args(self.kind) or (self.kind,)
        if bool in kinds:
            return _TRUTHS[value.strip().lower()]
        if int in kinds:
            return int(value)
        return self.kind(value) if _is_choice(self.kind) else value

    def _expected(self) -> str:
        if _is_choice(self.kind):
            return f"one of {', '.join(self.kind)}"
        return "a whole number" if self.kind is not bool else "true or false"


def _is_choice(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, StrEnum)


def _parameter(name: str, hint: Any, default: Any) -> inspect.Parameter:
    """A dataclass wants a tuple as the default of a repeatable option, typer a list."""
    kind, declared = get_args(hint)
    if kind == tuple[str, ...]:
        default, hint = default if default is MISSING else [], Annotated[list[str], declared]
    if default is MISSING:
        default = inspect.Parameter.empty
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=hint)
