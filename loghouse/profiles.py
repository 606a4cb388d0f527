"""Profiles: defaults of `logq` from the user's file and from `.logq.toml` of the project one stands in.

They are defaults for the variables LOGQ_*, so an option wins over a variable and a variable over a profile.

A project file comes with a checkout, from people who need not be trusted with passwords. It cannot name a
password file, and a store that it names gets no password that was meant for another one.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loghouse.errors import UsageError

PROJECT_FILE = ".logq.toml"
SECRETS = ("url", "password_file")
KNOWN = (
    *SECRETS,
    *("namespace", "pod", "container", "label", "level", "node", "since", "tz", "utc"),
    *("output", "template", "fields", "color", "limit", "stats", "quiet"),
    *("wrap", "indent", "pager", "web"),
    *("budget", "max_time", "max_memory", "max_rows"),
)
_REPEATABLE = ("namespace", "pod", "container", "label", "level", "node")
_EXAMPLE = '[profiles.prod]\nurl = "clickhouse://reader@logs:9000/loghouse"\nnamespace = ["prod"]'


@dataclass(frozen=True, slots=True)
class Profile:
    """The settings that hold: variable, value and the file each comes from."""

    name: str
    variables: Mapping[str, str]
    sources: Mapping[str, str]
    names: tuple[str, ...]


def load_profile(name: str | None, directory: Path, environ: Mapping[str, str]) -> Profile:
    """The profile of this name, else the one that the files or LOGQ_PROFILE choose.

    Nearer wins: the project's profile, the project's own settings, the user's profile, the user's settings.
    """
    user, project = user_file(environ), project_file(directory)
    files = [(path, _read(path)) for path in (user, project) if path is not None and path.is_file()]
    chosen = name or environ.get("LOGQ_PROFILE") or ""
    for _, settings in files:
        chosen = chosen if name or environ.get("LOGQ_PROFILE") else settings.get("profile", chosen)
    names = sorted({each for _, settings in files for each in settings.get("profiles", {})})
    if chosen and chosen not in names:
        raise UsageError(f'unknown profile "{chosen}"', f"Known: {', '.join(names) or 'none'}")
    variables: dict[str, str] = {}
    sources: dict[str, str] = {}
    for path, settings in files:
        own = {key: value for key, value in settings.items() if key not in ("profile", "profiles")}
        for part in (own, settings.get("profiles", {}).get(chosen, {})):
            if path == project:
                _refuse_secret(path, part)
                if "url" in part:
                    variables["LOGQ_PASSWORD_FILE"] = ""
            for key, value in part.items():
                variable = f"LOGQ_{key.upper()}"
                variables[variable] = _text(path, key, value)
                sources[variable] = str(path)
    if variables.get("LOGQ_PASSWORD_FILE") != "" and environ.get("LOGQ_PASSWORD_FILE"):
        variables.pop("LOGQ_PASSWORD_FILE", None)
    return Profile(chosen, variables, sources, tuple(names))


def with_profile(profile: Profile, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables to set: what the profile says and the environment does not."""
    given = {key for key in environ if key != "LOGQ_PASSWORD_FILE" or environ.get("LOGQ_URL")}
    return {key: value for key, value in profile.variables.items() if key not in given}


def user_file(environ: Mapping[str, str]) -> Path:
    """`~/.config/logq/config.toml`, or below XDG_CONFIG_HOME; LOGQ_CONFIG names another."""
    if environ.get("LOGQ_CONFIG"):
        return Path(environ["LOGQ_CONFIG"])
    base = environ.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
    return Path(base, "logq", "config.toml")


def project_file(directory: Path) -> Path | None:
    """The nearest `.logq.toml`, from this directory up to the root of the repository."""
    for place in (directory, *directory.parents):
        path = place / PROJECT_FILE
        if path.is_file():
            return path
        if (place / ".git").exists():
            return None
    return None


def _read(path: Path) -> dict[str, Any]:
    import tomllib

    try:
        settings = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(
            f'cannot read the settings in "{path}" ({error})', f"Write them like\n{_EXAMPLE}"
        ) from None
    profiles = settings.get("profiles", {})
    if not isinstance(profiles, dict) or not all(isinstance(each, dict) for each in profiles.values()):
        raise UsageError(f'"profiles" in {path} is not a table', f"Write it like\n{_EXAMPLE}")
    if not isinstance(settings.get("profile", ""), str):
        raise UsageError(f'"profile" in {path} is not a name', 'Write it like profile = "prod"')
    for part in (settings, *profiles.values()):
        for key in part:
            if key not in KNOWN and not (part is settings and key in ("profile", "profiles")):
                raise UsageError(f'unknown setting "{key}" in {path}', f"Known: {', '.join(KNOWN)}")
    return settings


def _refuse_secret(path: Path, settings: Mapping[str, Any]) -> None:
    if "password_file" in settings:
        raise UsageError(
            f'"password_file" stands in {path}, a file of the project',
            "Passwords belong into your own file; `profile = NAME` in the project's chooses a profile of it",
        )


def _text(path: Path, key: str, value: Any) -> str:
    """A value as the variable takes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int)):
        return str(value)
    if isinstance(value, list) and key in _REPEATABLE and all(isinstance(each, str) for each in value):
        if any(not each or each.split() != [each] for each in value):
            raise UsageError(
                f'"{key}" in {path} has a value that is empty or has spaces', "Name each on its own"
            )
        return " ".join(value)
    raise UsageError(f'"{key}" in {path} is neither text nor a number', f"Write it like\n{_EXAMPLE}")
