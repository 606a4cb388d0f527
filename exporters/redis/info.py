"""The text of INFO as sections of fields."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from exporters.redis.resp import number


@dataclass(slots=True)
class Info:
    """Fields in order, by section; a field may appear in a section that this program does not know."""

    sections: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    _values: dict[str, str] = field(default_factory=dict)

    def get(self, name: str) -> str:
        """The value of a field, or ""."""
        return self._values.get(name, "")

    def has(self, name: str) -> bool:
        return name in self._values

    def section(self, name: str) -> list[tuple[str, str]]:
        return self.sections.get(name, [])

    @property
    def is_sentinel(self) -> bool:
        return self.get("redis_mode") == "sentinel" or self.get("server_mode") == "sentinel"

    @property
    def is_cluster(self) -> bool:
        return self.get("cluster_enabled") == "1"

    @property
    def version(self) -> tuple[int, ...]:
        """The version of Redis that the server says it is compatible with, e.g. (7, 0, 15)."""
        parts = self.get("redis_version").split(".")
        return tuple(int(part) for part in parts if part.isdecimal())

    @property
    def valkey_version(self) -> tuple[int, ...]:
        return tuple(int(part) for part in self.get("valkey_version").split(".") if part.isdecimal())


def parse_info(raw: str) -> Info:
    """Read INFO; lines that are no field are skipped."""
    info = Info()
    fields: list[tuple[str, str]] = []
    for line in raw.replace("\r\n", "\n").split("\n"):
        if line.startswith("# "):
            fields = info.sections.setdefault(line[2:].strip(), [])
            continue
        name, separator, value = line.partition(":")
        if separator:
            fields.append((name, value))
            info._values[name] = value
    return info


def pairs(value: str) -> dict[str, str]:
    """`keys=4,expires=1` as a map."""
    return dict(part.split("=", 1) for part in value.split(",") if "=" in part)


def numbers(value: str) -> dict[str, int | float]:
    """`calls=4,usec=1.5` as a map of those that are numbers."""
    return dict(_numbers(value))


def _numbers(value: str) -> Iterator[tuple[str, int | float]]:
    for name, raw in pairs(value).items():
        found = number(raw)
        if found is not None:
            yield name, found
