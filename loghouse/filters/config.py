"""The file of filter rules: TOML, checked as a whole before anything is read."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loghouse.errors import QueryError, UsageError
from loghouse.filters.conditions import check, of_writer_only
from loghouse.filters.masks import CARDS, SECRETS, Mask
from loghouse.linear import linear
from loghouse.query import parse
from loghouse.query.ast import Everything, Filter

_GROUPS: Mapping[str, tuple[Mask, ...]] = {"secrets": SECRETS, "cards": CARDS}
_TABLES = ("redact", "mask", "drop", "sample", "limit")
_HINT = "docs/shipping.md describes the file"


@dataclass(frozen=True, slots=True)
class MaskRule:
    """A mask of the operator, for the writers that `where` names."""

    mask: Mask
    where: Filter


@dataclass(frozen=True, slots=True)
class DropRule:
    """Records that are not kept, or only one in so many: `keep` is the share that is."""

    name: str
    where: Filter
    keep: float = 0.0


@dataclass(frozen=True, slots=True)
class LimitRule:
    """How many lines a second each namespace may write that `where` names."""

    name: str
    where: Filter
    lines: float


@dataclass(frozen=True, slots=True)
class FilterRules:
    """What a file says; without a file the built-in masks and nothing else."""

    builtin: tuple[Mask, ...] = (*SECRETS, *CARDS)
    masks: tuple[MaskRule, ...] = ()
    drops: tuple[DropRule, ...] = ()
    limits: tuple[LimitRule, ...] = ()


def read_rules(path: str) -> FilterRules:
    """The rules of a file. Raises UsageError that says what is wrong where."""
    try:
        text = Path(path).read_text(encoding="utf-8")
        data = tomllib.loads(text)
    except OSError as error:
        raise UsageError(f'cannot read the filter rules "{path}" ({error.strerror})') from None
    except ValueError as error:
        raise UsageError(f'"{path}" is not TOML: {error}', _HINT) from None
    return _Reader(path).rules(data)


def rules_of(path: str, redact: bool) -> FilterRules | None:
    """The rules that a command line asks for: those of a file, or the built-in masks, or none."""
    if path:
        return read_rules(path)
    return FilterRules() if redact else None


class _Reader:
    def __init__(self, path: str) -> None:
        self._path = path

    def rules(self, data: Mapping[str, Any]) -> FilterRules:
        for name in data:
            if name not in _TABLES:
                raise self._wrong(f'unknown "{name}"', f"Known: {', '.join(_TABLES)}")
        return FilterRules(
            builtin=tuple(self._builtin(data.get("redact", list(_GROUPS)))),
            masks=tuple(self._mask(each, at) for each, at in self._tables(data, "mask", ("pattern",))),
            drops=(
                *(self._drop(each, at) for each, at in self._tables(data, "drop", ("where",))),
                *(self._sample(each, at) for each, at in self._tables(data, "sample", ("where", "keep"))),
            ),
            limits=tuple(
                self._limit(each, at) for each, at in self._tables(data, "limit", ("lines_per_second",))
            ),
        )

    def _builtin(self, groups: Any) -> Iterator[Mask]:
        if not isinstance(groups, list):
            raise self._wrong("redact is a list", 'Write: redact = ["secrets", "cards"]')
        for group in groups:
            if group not in _GROUPS:
                raise self._wrong(f'redact: unknown "{group}"', f"Known: {', '.join(_GROUPS)}")
            yield from _GROUPS[group]

    def _tables(
        self, data: Mapping[str, Any], kind: str, required: tuple[str, ...]
    ) -> Iterator[tuple[Mapping[str, Any], str]]:
        tables = data.get(kind, [])
        if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
            raise self._wrong(f"{kind} is a table", f"Write: [[{kind}]]")
        known = {"name", "where", *required}
        for number, table in enumerate(tables, 1):
            at = f"{kind} {table.get('name', number)}"
            for key in required:
                if key not in table:
                    raise self._wrong(f'{at}: "{key}" is missing')
            for key in table:
                if key not in known:
                    raise self._wrong(f'{at}: unknown "{key}"', f"Known: {', '.join(sorted(known))}")
            yield table, at

    def _mask(self, table: Mapping[str, Any], at: str) -> MaskRule:
        pattern, where = table["pattern"], self._where(table, at, writer=True)
        try:
            compiled = linear(str(pattern).encode())
        except ValueError as error:
            raise self._wrong(f"{at}: {error}") from None
        if compiled.search(b"") is not None:
            raise self._wrong(f"{at}: the pattern matches the empty text")
        return MaskRule(Mask(str(table.get("name", at)), str(pattern)), where)

    def _drop(self, table: Mapping[str, Any], at: str) -> DropRule:
        return DropRule(str(table.get("name", at)), self._where(table, at))

    def _sample(self, table: Mapping[str, Any], at: str) -> DropRule:
        keep = self._number(table, "keep", at)
        if not 0 < keep < 1:
            raise self._wrong(f"{at}: keep is a share between 0 and 1", "Write 0.1 for one record in ten")
        return DropRule(str(table.get("name", at)), self._where(table, at), keep)

    def _limit(self, table: Mapping[str, Any], at: str) -> LimitRule:
        lines = self._number(table, "lines_per_second", at)
        if lines <= 0:
            raise self._wrong(f"{at}: lines_per_second is more than 0")
        return LimitRule(str(table.get("name", at)), self._where(table, at, writer=True), lines)

    def _number(self, table: Mapping[str, Any], key: str, at: str) -> float:
        value = table[key]
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong(f"{at}: {key} is a number")
        return float(value)

    def _where(self, table: Mapping[str, Any], at: str, writer: bool = False) -> Filter:
        text = table.get("where")
        if text is None:
            return Everything()
        if not isinstance(text, str):
            raise self._wrong(f"{at}: where is a text", "Write a filter of the query language in quotes")
        try:
            query = parse(text)
            if query.stages:
                raise self._wrong(
                    f"{at}: where is a filter, without stages", "Leave out what follows the bar"
                )
            where = query.filter or Everything()
            check(where)
        except QueryError as error:
            raise self._wrong(f"{at}: {error.message}", error.hint) from None
        if writer and not of_writer_only(where):
            raise self._wrong(
                f"{at}: where may only ask who writes",
                "That is namespace, workload, pod, container, node and ~label",
            )
        return where

    def _wrong(self, message: str, hint: str = _HINT) -> UsageError:
        return UsageError(f"{self._path}: {message}", hint)
