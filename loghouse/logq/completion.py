"""`logq completion SHELL`: the script that makes Tab work, and the answers that it asks for."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import typer

from loghouse.errors import ExitCode, UsageError
from loghouse.logq.options import Common

_BASH = """_logq() {
    local IFS=$'\\n' word="${COMP_WORDS[COMP_CWORD]}"
    COMPREPLY=($(logq completion words -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | cut -f 1))
    [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[=/] ]] && compopt -o nospace
    [[ ${#COMPREPLY[@]} -eq 0 && $word != -* ]] && compopt -o default
    return 0
}
COMP_WORDBREAKS=${COMP_WORDBREAKS//[=:]/}
complete -F _logq logq
"""
_ZSH = """#compdef logq
_logq() {
    local -a found
    local line
    for line in "${(@f)$(logq completion words -- "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
        [[ -n $line ]] && found+=("${${line%%$'\\t'*}//:/\\\\:}:${line#*$'\\t'}")
    done
    if (( ${#found} )); then
        _describe -V 'logq' found
    else
        _files
    fi
}
compdef _logq logq
"""
_FISH = """function __logq_words
    set -l words (commandline -opc) (commandline -ct)
    logq completion words -- $words[2..-1] 2>/dev/null
end
complete -c logq -f -a '(__logq_words)'
complete -c logq -l file -r -F
"""
SCRIPTS: Mapping[str, str] = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}
_HOW = {
    "bash": "echo 'source <(logq completion bash)' >> ~/.bashrc",
    "zsh": "logq completion zsh > ~/.zfunc/_logq   # a directory of $fpath, before compinit",
    "fish": "logq completion fish > ~/.config/fish/completions/logq.fish",
}


@dataclass(frozen=True, kw_only=True)
class Options(Common):
    """Options of `logq completion`."""

    shell: Annotated[str, typer.Argument(metavar="bash|zsh|fish", help="The shell to complete in.")]
    words: Annotated[
        tuple[str, ...],
        typer.Argument(metavar="", help="For the script itself: the words so far, the last one begun."),
    ] = ()


def completion(options: Options) -> ExitCode:
    """Print the script that lets Tab complete verbs, options, namespaces, pods, fields, values.

    Example: source <(logq completion bash)
    """
    if options.shell == "words":
        from loghouse.logq.completing import answer

        sys.stdout.write("".join(f"{word}\t{hint}\n" for word, hint in answer(options.words, options.url)))
        return ExitCode.OK
    script = SCRIPTS.get(options.shell)
    if script is None:
        raise UsageError(
            f'there is no completion for "{options.shell}"',
            "\n".join(f"{shell}: {how}" for shell, how in _HOW.items()),
        )
    sys.stdout.write(f"# {_HOW[options.shell]}\n{script}" if options.shell != "zsh" else script)
    return ExitCode.OK
