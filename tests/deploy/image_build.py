"""Builds our Dockerfiles without Docker: each step is done in a copy-on-write view of this machine's root.

The base image has to be Debian 12 with Python 3.11, which is what the tests run on. A stage is the upper
layer of an overlay; RUN happens in a chroot with its own mount namespace and writes only there.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from string import Template

from dockerfile_parse import DockerfileParser

BUILD_LIMIT = 600  # seconds for one RUN
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_IN_ROOT = """
set -eu
mount -t overlay overlay -o "lowerdir=$LOWER,upperdir=$UPPER,workdir=$WORK" "$ROOT"
mount --rbind /proc "$ROOT/proc"
mount --rbind /dev "$ROOT/dev"
[ -z "${READ_ONLY:-}" ] || mount -o remount,ro "$ROOT"
[ -z "${READ_ONLY:-}" ] || mount -t tmpfs -o mode=1777 tmpfs "$ROOT/tmp"
[ -z "${BIND:-}" ] || for pair in $BIND; do mount --bind "${pair%%=*}" "$ROOT${pair#*=}"; done
exec chroot "$ROOT" "$@"
"""


def can_build() -> bool:
    """Whether this machine lets us make mount namespaces and has what the base image has."""
    if os.geteuid() != 0 or not Path("/usr/bin/python3.11").exists():
        return False
    return subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode == 0


@dataclass
class Stage:
    """What the steps of a stage have made so far."""

    name: str
    upper: Path  # what differs from this machine's root
    environment: dict[str, str] = field(default_factory=dict)
    directory: str = "/"
    user: str = "0:0"
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)
    volumes: list[str] = field(default_factory=list)


class Build:
    """All stages of one Dockerfile, up to the wanted one."""

    def __init__(self, context: Path, dockerfile: Path, scratch: Path) -> None:
        self._context = context
        self._scratch = scratch
        self._stages: dict[str, Stage] = {}
        self._steps = DockerfileParser(fileobj=BytesIO(dockerfile.read_bytes()))

    def run(self, target: str) -> Stage:
        """Do every step of the stage `target`, and first those of the stages it is made from."""
        if target in self._stages:
            return self._stages[target]
        base, steps = self._written()[target]
        for word, value in steps:
            for other in re.findall(r"^--from=(\S+)", value) if word == "COPY" else ():
                self.run(other)
        stage = self._begin(base, target)
        for word, value in steps:
            self._do(stage, word, value)
        return stage

    def _written(self) -> dict[str, tuple[str, list[tuple[str, str]]]]:
        """Each stage's base and steps, by its name."""
        stages: dict[str, tuple[str, list[tuple[str, str]]]] = {}
        steps: list[tuple[str, str]] = []
        for step in self._steps.structure:
            if step["instruction"] == "FROM":
                base, _, name = step["value"].partition(" AS ")
                steps = []
                stages[name] = (base, steps)
            elif step["instruction"] != "COMMENT":
                steps.append((step["instruction"], step["value"]))
        return stages

    def _begin(self, base: str, name: str) -> Stage:
        upper = self._scratch / f"stage-{name}"
        upper.mkdir()
        if base in self._written():
            # A copy, because a layer may not lie inside of another one, as ours do inside of the root.
            parent = self.run(base)
            subprocess.run(["cp", "-a", f"{parent.upper}/.", upper], check=True)
            stage = replace(parent, name=name, upper=upper, environment=dict(parent.environment))
        else:
            assert base == "python:3.11.14-slim-bookworm", base
            stage = Stage(name, upper, {"PATH": PATH})
            python = upper / "usr/local/bin/python"
            python.parent.mkdir(parents=True)
            python.symlink_to("/usr/bin/python3.11")
        self._stages[name] = stage
        return stage

    def _do(self, stage: Stage, word: str, value: str) -> None:
        match word:
            case "RUN":
                done = run_in(stage, ["sh", "-c", value], limit=BUILD_LIMIT, user="0:0")
                assert done.returncode == 0, done.stdout + done.stderr
            case "COPY":
                self._copy(stage, value.split())
            case "ENV":
                for pair in value.split():
                    name, _, text = pair.partition("=")
                    stage.environment[name] = Template(text).substitute(stage.environment)
            case "WORKDIR":
                stage.directory = value
                (stage.upper / value.lstrip("/")).mkdir(parents=True, exist_ok=True)
            case "USER":
                stage.user = value
            case "ENTRYPOINT":
                stage.entrypoint = json.loads(value)
            case "CMD":
                stage.command = json.loads(value)
            case "HEALTHCHECK":
                stage.health = json.loads(value[value.index("CMD ") + 4 :])
            case "VOLUME":
                stage.volumes = json.loads(value)
            case "LABEL" | "EXPOSE":
                pass
            case _:
                raise AssertionError(f"this builder does not know {word}")

    def _copy(self, stage: Stage, words: list[str]) -> None:
        source_root = self._context
        if words[0].startswith("--from="):
            source_root = self._stages[words.pop(0).removeprefix("--from=")].upper
        *sources, target = words
        for source in sources:
            path = source_root / source.lstrip("/")
            inside = os.path.join(stage.directory, target)
            if target.endswith("/"):
                inside = os.path.join(inside, os.path.basename(source))
            place = stage.upper / os.path.normpath(inside).lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            if path.is_dir():
                shutil.copytree(path, place, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy2(path, place)


def run_in(
    stage: Stage, command: Sequence[str], *, limit: float, user: str, environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end in the stage, writable, and keep what it changed."""
    arguments, environment = _entry(stage, command, user, {})
    return subprocess.run(
        arguments,
        env={**environment, **(environ or {})},
        capture_output=True,
        text=True,
        timeout=limit,
        check=False,
    )


@contextmanager
def running(
    stage: Stage, command: Sequence[str], *, binds: Mapping[str, str] | None = None, user: str = ""
) -> Iterator[subprocess.Popen[str]]:
    """A container of the stage: read-only root, an empty /tmp, the stage's user. Ends with the block."""
    arguments, environment = _entry(stage, command, user or stage.user, {"READ_ONLY": "1", **_binds(binds)})
    process = subprocess.Popen(
        arguments, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        finally:
            process.kill()
            process.wait(5)
            assert process.stdout is not None
            process.stdout.close()


def _binds(binds: Mapping[str, str] | None) -> dict[str, str]:
    return {"BIND": " ".join(f"{outside}={inside}" for outside, inside in (binds or {}).items())}


def _entry(
    stage: Stage, command: Sequence[str], user: str, extra: Mapping[str, str]
) -> tuple[list[str], dict[str, str]]:
    root = stage.upper.parent / f"{stage.name}.root"
    work = stage.upper.parent / f"{stage.name}.work"
    for directory in (root, work):
        directory.mkdir(exist_ok=True)
    number, _, group = user.partition(":")
    inside = ["env", "-i", *(f"{name}={value}" for name, value in _environment(stage).items())]
    inside += [
        "setpriv",
        f"--reuid={number}",
        f"--regid={group or number}",
        "--clear-groups",
        "--no-new-privs",
        "sh",
        "-c",
        'cd "$0" && exec "$@"',
        stage.directory,
        *command,
    ]
    environment = {
        "PATH": os.environ["PATH"],
        "LOWER": "/",
        "UPPER": str(stage.upper),
        "WORK": str(work),
        "ROOT": str(root),
        **extra,
    }
    return ["unshare", "--mount", "sh", "-c", _IN_ROOT, "sh", *inside], environment


def _environment(stage: Stage) -> dict[str, str]:
    """The stage's, and how this machine's pip reaches its packages."""
    pip = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    return {"HOME": "/root", **pip, **stage.environment}
