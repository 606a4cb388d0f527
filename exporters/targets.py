"""Which targets /probe and /scrape may reach, and with which settings.

Without rules they are off: an exporter that connects wherever a URL says is a way into the network
and a way to collect its passwords.
"""

import os.path
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Generic, TypeVar

from exporters.connection import Address, parse_address
from exporters.settings import File, SettingsError, override
from exporters.tally import Tally

Settings = TypeVar("Settings")


class TargetRefused(Exception):
    """The target or module of a request is not allowed; the message says why, without echoing the input."""


@dataclass(frozen=True, slots=True)
class TargetRules(Generic[Settings]):
    """The allow-list, and the settings by target and module."""

    base: Settings
    default_port: int
    allowed: Sequence[str]
    modules: Mapping[str, Mapping[str, str]]
    targets: Sequence[tuple[str, Mapping[str, str]]]
    # Requests for other targets that were refused.
    refused: Tally = field(default_factory=Tally)

    @classmethod
    def build(
        cls, base: Settings, default_port: int, allowed: Sequence[str], file: File | None
    ) -> "TargetRules[Settings]":
        modules = file.modules if file else {}
        targets = file.targets if file else ()
        return cls(base, default_port, (*allowed, *(match for match, _ in targets)), modules, targets)

    def overridden(self) -> Iterator[tuple[str, Settings]]:
        """Where the file overrides settings, and the settings there; SettingsError for a bad override."""
        for name, changes in self.modules.items():
            yield f"[modules.{name}]", override(self.base, changes, f"[modules.{name}]")
        for match, changes in self.targets:
            where = f'[[targets]] match = "{match}"'
            yield where, override(self.base, changes, where)

    @property
    def enabled(self) -> bool:
        return bool(self.allowed)

    def allow(self, target: str) -> Address:
        """The address of an allowed target. A scheme and credentials written into it are dropped."""
        try:
            address = parse_address(_bare(target), self.default_port)
        except ValueError:
            raise TargetRefused("target is not host:port") from None
        if address.path and os.path.normpath(address.path) != address.path:
            raise TargetRefused("target is not a plain path")
        if not any(_matches(address, pattern) for pattern in self.allowed):
            raise TargetRefused("target is not in the list of allowed targets")
        return address

    def settings(self, address: Address | None, module: str) -> Settings:
        """The settings for a target: the exporter's own, then the module's, then those of its [[targets]]."""
        settings = self.base
        if module:
            if module not in self.modules:
                raise TargetRefused("unknown module")
            settings = override(settings, self.modules[module], "the module")
        for match, changes in self.targets:
            if address is not None and _matches(address, match):
                return override(settings, changes, "the target")
        return settings


def check_patterns(patterns: Sequence[str]) -> None:
    """SettingsError for a pattern that would allow every host and port."""
    for pattern in patterns:
        if not pattern.strip("*?:"):
            raise SettingsError(f"the target pattern {pattern!r} allows every address; name hosts or a port")


def _matches(address: Address, pattern: str) -> bool:
    return fnmatchcase(str(address).lower(), pattern.lower())


def _bare(target: str) -> str:
    """`target` without scheme, credentials and the part after the address."""
    scheme, separator, rest = target.partition("://")
    if not separator or scheme == "unix":
        return target
    authority = rest.split("/", 1)[0].split("?", 1)[0].split("#", 1)[0]
    return authority.rpartition("@")[2]
