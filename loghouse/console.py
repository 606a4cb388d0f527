"""From an error to a message and an exit code: the one place where `logq` and `loghouse` end."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from loghouse.errors import ExitCode, LoghouseError, QueryError


def run(command: Any, name: str, arguments: Sequence[str] | None = None) -> NoReturn:
    """Run typer's commands with the arguments of the process and leave it with their exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    code = _exit_code(command, name, given)
    leave(code)


def guarded(action: Callable[[], ExitCode], debug: bool) -> ExitCode:
    """Run the work of a command; what goes wrong becomes a message on stderr, with `debug` a traceback."""
    try:
        return action()
    except BrokenPipeError:
        # The reader has seen enough, as in `logq search ... | head`.
        _silence_stdout()
        return ExitCode.OK
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except LoghouseError as error:
        if debug:
            raise
        say(told(error))
        return error.exit_code
    except Exception as error:  # the last resort: a defect of ours, told without a traceback
        if debug:
            raise
        say(f"error: unexpected {type(error).__name__}: {error}\n  Run it again with --debug and report it.")
        return ExitCode.BACKEND


def told(error: LoghouseError, gravity: str = "error") -> str:
    """An error as a person reads it: what failed, the place in the query, what to do next."""
    lines = [f"{gravity}: {error.message}"]
    if isinstance(error, QueryError):
        lines += _pointed(error)
    lines += [f"  {line}" for line in error.hint.splitlines()]
    return "\n".join(lines)


def say(text: str) -> None:
    """Write a notice to stderr; what the reader cannot take is not worth an error.

    What it quotes, of the user, of a record or of a server, must not drive the terminal.
    """
    from loghouse.render.escapes import visible

    try:
        sys.stderr.write(visible(text) + "\n")
        sys.stderr.flush()
    except OSError:
        pass


def leave(code: int) -> NoReturn:
    """End the process at once: tearing down the interpreter would take as long as a small query."""
    try:
        sys.stdout.flush()
    except OSError:
        _silence_stdout()
    sys.stderr.flush()
    os._exit(code)


def _exit_code(command: Any, name: str, arguments: list[str]) -> int:
    import typer

    try:
        code = command(arguments, prog_name=name, standalone_mode=False)
    except BrokenPipeError:
        _silence_stdout()
        return ExitCode.OK
    except (KeyboardInterrupt, typer.Abort):
        return ExitCode.INTERRUPTED
    except Exception as error:
        # The name of what typer raises for a mistake in the arguments is not public, but its subclass is.
        if not isinstance(error, typer.BadParameter.__bases__):
            raise
        return _misused(error)
    return code if isinstance(code, int) else ExitCode.OK


def _misused(error: Exception) -> int:
    """Arguments that cannot be read; a command without any arguments shows its help instead."""
    message = str(getattr(error, "format_message", lambda: error)())
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":
        say(context.get_help() if context is not None else message)
        return ExitCode.USAGE
    say(f"error: {message[:1].lower()}{message[1:]}")
    if context is not None:
        say(f"  Try: {context.command_path} --help")
    return ExitCode.USAGE


def _pointed(error: QueryError) -> list[str]:
    """The line of the query with the place marked below it."""
    from loghouse.render.escapes import visible
    from loghouse.render.width import width

    before, marked = error.text[: error.start], error.text[error.start : error.end]
    head = before.rpartition("\n")[2]
    first = marked.partition("\n")[0]
    rest = error.text[error.start + len(first) :].partition("\n")[0]
    shown_head, shown_first = (visible(part).replace("\t", " ") for part in (head, first))
    line = shown_head + shown_first + visible(rest).replace("\t", " ")
    return [f"  {line}", f"  {' ' * width(shown_head)}{'^' * max(1, width(shown_first))}"]


def _silence_stdout() -> None:
    """Send what is still buffered nowhere, so that nothing complains while the process ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
