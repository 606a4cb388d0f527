"""Settings: declared once as a dataclass, read from flags, environment variables and a TOML file.

The first of these that names a setting wins: flag, variable, file, default. A bad value or an unknown key
stops the start with a message that says where it came from.
"""

import dataclasses
import re
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NewType, TypeVar

Duration = NewType("Duration", float)
Words = tuple[str, ...]
Settings = TypeVar("Settings")

# Tables of the file that hold overrides instead of settings.
_RESERVED = ("modules", "targets")


class SettingsError(Exception):
    """A setting cannot be used; the message is for the operator."""


class Secret:
    """A password that no message, log line or repr shows; `reveal()` gives it to the code that sends it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return "Secret('***')" if self._value else "Secret('')"

    __str__ = __repr__


@dataclass(frozen=True, slots=True)
class Flag:
    """How a setting is written: the flag's name without dashes, extra variables, and the help text.

    The variable's name follows from the flag (`check-keys` with the prefix REDIS_EXPORTER is
    REDIS_EXPORTER_CHECK_KEYS); `env` lists further ones that upstream reads, most important first.
    """

    name: str
    help: str
    env: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    # Whether a secret can also come from the file that `<name>-file` names.
    from_file: bool = True


@dataclass(frozen=True, slots=True)
class Setting:
    """One field of a settings dataclass, as the command line and the documentation need it."""

    field: str
    flag: Flag
    type: Any
    default: Any

    @property
    def is_switch(self) -> bool:
        return self.type is bool

    @property
    def is_secret(self) -> bool:
        return self.type is Secret

    @property
    def has_file(self) -> bool:
        return self.is_secret and self.flag.from_file

    def variables(self, prefix: str) -> tuple[str, ...]:
        """The environment variables that set it, in order of precedence."""
        own = prefix + "_" + re.sub(r"[.-]", "_", self.flag.name).upper()
        return tuple(dict.fromkeys((*self.flag.env, own)))

    def default_text(self) -> str:
        if self.is_secret or self.default in (None, "", ()):
            return ""
        if self.type is Duration:
            return f"{self.default:g}s"
        if isinstance(self.default, tuple):
            return ",".join(self.default)
        return str(self.default).lower() if self.is_switch else str(self.default)


def declared(cls: type) -> list[Setting]:
    """The settings of a dataclass: its fields annotated as `Annotated[type, Flag(...)]`."""
    found = []
    hints = typing.get_type_hints(cls, include_extras=True)
    for field in dataclasses.fields(cls):
        annotated = hints[field.name]
        found.append(
            Setting(field.name, annotated.__metadata__[0], _plain_type(annotated.__origin__), field.default)
        )
    return found


def load(
    cls: type[Settings],
    prefix: str,
    flags: Mapping[str, str],
    environ: Mapping[str, str],
    file: Mapping[str, str] | None = None,
) -> Settings:
    """An instance of `cls`. `flags` goes by field name, `file` by flag name (see `read_file`).

    A secret can also come from a file: flag, variable or key of the same name with `-file` or `_FILE` added.
    """
    return cls(**read(declared(cls), prefix, flags, environ, file or {}))


def read(
    settings: Sequence[Setting],
    prefix: str,
    flags: Mapping[str, str],
    environ: Mapping[str, str],
    file: Mapping[str, str],
) -> dict[str, Any]:
    """The values that were given, by field."""
    values: dict[str, Any] = {}
    for setting in settings:
        found = _find(setting, prefix, flags, environ, file)
        if found is not None:
            values[setting.field] = parse(setting, *found)
    return values


def override(settings: Settings, changes: Mapping[str, str], where: str) -> Settings:
    """`settings` with some of them replaced, by flag name: for modules and targets of the file."""
    by_name = {
        name: setting
        for setting in declared(type(settings))
        for name in (setting.flag.name, *setting.flag.aliases)
    }
    values: dict[str, Any] = {}
    for key, raw in changes.items():
        setting = by_name.get(key)
        secret = by_name.get(key.removesuffix("-file"))
        if setting is None and secret is not None and secret.has_file:
            setting = secret
            raw = _file_content(raw, f"{key} in {where}")
        if setting is None:
            raise SettingsError(_unknown(key, by_name, where))
        values[setting.field] = parse(setting, raw, f"{key} in {where}")
    return typing.cast(Settings, dataclasses.replace(typing.cast(Any, settings), **values))


def parse(setting: Setting, raw: str, where: str) -> Any:
    """The value of a setting from its text; SettingsError naming `where` when the text is wrong."""
    try:
        return _PARSERS[setting.type](raw)
    except ValueError as error:
        shown = "" if setting.is_secret else f" {raw!r}"
        raise SettingsError(f"{where}: bad value{shown}: {error}") from None


@dataclass(frozen=True, slots=True)
class File:
    """A configuration file: plain settings, and the overrides of its [modules.NAME] and [[targets]]."""

    settings: Mapping[str, str]
    modules: Mapping[str, Mapping[str, str]]
    targets: Sequence[tuple[str, Mapping[str, str]]]


def read_file(path: str, known: Sequence[Setting]) -> File:
    """Read TOML; keys are flag names, dotted or in tables. Unknown keys stop the start."""
    import tomllib

    try:
        data = tomllib.loads(Path(path).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"cannot read {path}: {error}") from None
    return file_from_tables(data, known, path)


def file_from_tables(data: Mapping[str, Any], known: Sequence[Setting], path: str) -> File:
    """A `File` from parsed TOML."""
    settings = _flatten({key: value for key, value in data.items() if key not in _RESERVED})
    names = {name for setting in known for name in (setting.flag.name, *setting.flag.aliases)}
    names |= {f"{setting.flag.name}-file" for setting in known if setting.has_file}
    for key in settings:
        if key not in names:
            raise SettingsError(_unknown(key, names, path))
    return File(settings, _modules(data.get("modules", {}), path), _targets(data.get("targets", []), path))


def _modules(tables: Any, path: str) -> Mapping[str, Mapping[str, str]]:
    if not isinstance(tables, Mapping) or not all(isinstance(table, Mapping) for table in tables.values()):
        raise SettingsError(f"{path}: modules are tables such as [modules.NAME]")
    return {name: _flatten(table) for name, table in tables.items()}


def _targets(tables: Any, path: str) -> Sequence[tuple[str, Mapping[str, str]]]:
    """Tables with `match`, or patterns alone for targets that need no settings of their own."""
    targets = []
    for table in tables if isinstance(tables, list) else [tables]:
        flat = dict(_flatten(table)) if isinstance(table, Mapping) else {"match": str(table)}
        match = flat.pop("match", "")
        if not match:
            raise SettingsError(
                f'{path}: each [[targets]] needs match = "host:port" (with * and ? as wildcards)'
            )
        targets.append((match, flat))
    return targets


def _find(
    setting: Setting,
    prefix: str,
    flags: Mapping[str, str],
    environ: Mapping[str, str],
    file: Mapping[str, str],
) -> tuple[str, str] | None:
    """The text of a setting and where it came from."""
    if setting.field in flags:
        return flags[setting.field], f"--{setting.flag.name}"
    if setting.has_file and f"{setting.field}_file" in flags:
        return _secret(flags[f"{setting.field}_file"], f"--{setting.flag.name}-file")
    for variable in setting.variables(prefix):
        if variable in environ:
            return environ[variable], variable
        if setting.has_file and f"{variable}_FILE" in environ:
            return _secret(environ[f"{variable}_FILE"], f"{variable}_FILE")
    for name in (setting.flag.name, *setting.flag.aliases):
        if name in file:
            return file[name], f"{name} in the configuration file"
        if setting.has_file and f"{name}-file" in file:
            return _secret(file[f"{name}-file"], f"{name}-file in the configuration file")
    return None


def _secret(path: str, where: str) -> tuple[str, str]:
    return _file_content(path, where), where


def _file_content(path: str, where: str) -> str:
    try:
        return Path(path).read_text("utf-8").rstrip("\r\n")
    except (OSError, ValueError) as error:
        raise SettingsError(f"{where}: cannot read {path}: {error}") from None


def _flatten(table: Mapping[str, Any], prefix: str = "") -> Mapping[str, str]:
    flat: dict[str, str] = {}
    for key, value in table.items():
        if isinstance(value, Mapping):
            flat.update(_flatten(value, f"{prefix}{key}."))
        elif isinstance(value, bool):
            flat[prefix + key] = str(value).lower()
        elif isinstance(value, list):
            flat[prefix + key] = ",".join(str(item) for item in value)
        else:
            flat[prefix + key] = str(value)
    return flat


def _unknown(key: str, names: typing.Iterable[str], where: str) -> str:
    import difflib

    close = difflib.get_close_matches(key, list(names), n=1)
    return f'{where}: unknown setting "{key}"' + (f', did you mean "{close[0]}"?' if close else "")


def _plain_type(annotation: Any) -> Any:
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return next(kind for kind in typing.get_args(annotation) if kind is not type(None))
    return annotation


def _duration(raw: str) -> float:
    """Go's notation (1m30s, 500ms) or plain seconds."""
    units = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|s|m|h)", raw)
    if parts and "".join(number + unit for number, unit in parts) == raw:
        seconds = sum(float(number) * units[unit] for number, unit in parts)
    elif re.fullmatch(r"\d+(?:\.\d+)?", raw):
        seconds = float(raw)
    else:
        raise ValueError("write a duration such as 10s, 500ms or 1m30s")
    if seconds <= 0:
        raise ValueError("must be more than zero")
    return seconds


def _switch(raw: str) -> bool:
    word = raw.strip().lower()
    if word in ("1", "t", "true", "yes", "on"):
        return True
    if word in ("0", "f", "false", "no", "off"):
        return False
    raise ValueError("write true or false")


def _words(raw: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in raw.split(",") if word.strip())


def _whole(raw: str) -> int:
    try:
        number = int(raw)
    except ValueError:
        raise ValueError("write a whole number") from None
    if number < 0:
        raise ValueError("must not be negative")
    return number


_PARSERS: Mapping[Any, Callable[[str], Any]] = {
    str: str,
    int: _whole,
    bool: _switch,
    Duration: _duration,
    Words: _words,
    Secret: Secret,
}
