"""What a status page does not say about a pool: pm.max_children and the socket it listens on.

Both come from flags or from php-fpm.conf and the files it includes, read again when they change.
"""

import glob
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from exporters.errors import ScrapeError, from_os_error
from exporters.php_fpm.settings import PhpFpmSettings
from exporters.settings import SettingsError

# More files than any host has pools, and bytes than any of them needs.
_MOST_FILES = 1000
_MOST_BYTES = 1024 * 1024
_Lines = Sequence[tuple[str, str, str]]
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class PoolConfig:
    """What is known of one pool; None and "" stand for unknown."""

    max_children: int | None = None
    # The path of a unix socket, else "".
    socket: str = ""


def flag_configs(settings: PhpFpmSettings) -> Mapping[str, PoolConfig]:
    """What the flags say, by pool; SettingsError when one is wrong."""
    limits = _by_pool("max-children", settings.max_children, _whole)
    sockets = _by_pool("listen-socket", settings.listen_socket, _socket_path)
    return {pool: PoolConfig(limits.get(pool), sockets.get(pool, "")) for pool in {**limits, **sockets}}


def file_configs(path: str) -> Mapping[str, PoolConfig]:
    """What php-fpm.conf and the files it includes say, by pool; ScrapeError when one cannot be read."""
    pools: dict[str, dict[str, str]] = {}
    for section, key, value in _lines(path):
        pools.setdefault(section, {})[key] = value.replace("$pool", section)
    pools.pop("global", None)
    return {pool: _config(values) for pool, values in pools.items()}


def merged(flags: Mapping[str, PoolConfig], files: Mapping[str, PoolConfig]) -> Mapping[str, PoolConfig]:
    """Both together; where both know something, the flags win."""
    unknown = PoolConfig()
    found = {}
    for pool in {**files, **flags}:
        flag, file = flags.get(pool, unknown), files.get(pool, unknown)
        limit = file.max_children if flag.max_children is None else flag.max_children
        found[pool] = PoolConfig(limit, flag.socket or file.socket)
    return found


def _by_pool(flag: str, words: Sequence[str], parse: Callable[[str], Value]) -> dict[str, Value]:
    values = {}
    for word in words:
        pool, separator, raw = word.partition("=")
        try:
            if not separator or not pool:
                raise ValueError
            values[pool] = parse(raw)
        except ValueError:
            raise SettingsError(f"--phpfpm.{flag}: {word!r} is not POOL=VALUE") from None
    return values


def _whole(raw: str) -> int:
    if not raw.isdecimal():
        raise ValueError
    return int(raw)


def _socket_path(raw: str) -> str:
    if not raw.startswith(("/", "@")):
        raise ValueError
    return raw.replace("@", "\0", 1) if raw.startswith("@") else raw


def _config(values: Mapping[str, str]) -> PoolConfig:
    limit, listen = values.get("pm.max_children", ""), values.get("listen", "")
    return PoolConfig(int(limit) if limit.isdecimal() else None, listen if listen.startswith("/") else "")


def _lines(path: str) -> Iterator[tuple[str, str, str]]:
    """Section, key and value of every line of a file and of those it includes."""
    for section, key, value in _read(path):
        if key != "include":
            yield section, key, value
            continue
        # An include in an included file is not followed: PHP-FPM's own packages have none.
        for included in sorted(glob.glob(value))[:_MOST_FILES]:
            yield from _read(included, section)


def _read(path: str, section: str = "global") -> _Lines:
    try:
        stamp = os.stat(path).st_mtime_ns
        return _parsed(path, section, stamp)
    except OSError as error:
        raise from_os_error(error, f"read {path}") from None


@lru_cache(maxsize=2 * _MOST_FILES)
def _parsed(path: str, section: str, stamp: int) -> _Lines:
    with Path(path).open("rb") as file:
        raw = file.read(_MOST_BYTES + 1)
    if len(raw) > _MOST_BYTES:
        raise ScrapeError("too_large", f"{path} has more than {_MOST_BYTES} bytes")
    lines = []
    for line in raw.decode("utf-8", "replace").splitlines():
        content = line.partition(";")[0].strip()
        if content.startswith("[") and content.endswith("]"):
            section = content[1:-1].strip()
        elif "=" in content:
            key, _, value = content.partition("=")
            lines.append((section, key.strip(), value.strip().strip("\"'")))
    return tuple(lines)
