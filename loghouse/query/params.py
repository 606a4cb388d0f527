"""Values on their way to ClickHouse: bound on the server side, never part of the text of a query."""

from collections.abc import Mapping
from typing import TypeAlias

Scalar: TypeAlias = str | int | float


class Params:
    """Collects the values of one query; the same value of the same type is bound once."""

    def __init__(self, prefix: str = "p") -> None:
        self._prefix = prefix
        self._values: dict[str, Scalar] = {}
        self._names: dict[tuple[str, Scalar], str] = {}

    def bind(self, value: object, type_name: str) -> str:
        """The placeholder that stands for `value` in the text of the query."""
        if not isinstance(value, (str, int, float)):
            raise TypeError(f"only text and numbers can be bound, not {type(value).__name__}")
        known = (type_name, value)
        if known not in self._names:
            self._names[known] = f"{self._prefix}{len(self._names)}"
            self._values[self._names[known]] = value
        return f"{{{self._names[known]}:{type_name}}}"

    def text(self, value: str) -> str:
        """The placeholder of a String."""
        return self.bind(value, "String")

    def number(self, value: float) -> str:
        """The placeholder of a Float64."""
        return self.bind(value, "Float64")

    def integer(self, value: int) -> str:
        """The placeholder of an Int64."""
        return self.bind(value, "Int64")

    def named(self, name: str, value: int) -> str:
        """The placeholder of a UInt8 under a name of its own, by which `Store` knows to fill it in."""
        self._values[name] = value
        return f"{{{name}:UInt8}}"

    @property
    def values(self) -> Mapping[str, Scalar]:
        """All bound values by the name of their placeholder."""
        return dict(self._values)
