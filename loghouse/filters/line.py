"""A record as the conditions of rules see it, taken apart only as far as they ask.

Format, level and fields are found with the expressions that the ingest view is made of.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any

import orjson

from loghouse.formats import level as levels
from loghouse.formats.catalogue import PACKS
from loghouse.formats.fields import MESSAGE_KEYS
from loghouse.formats.pack import Pack
from loghouse.formats.view import HEAD_BYTES
from loghouse.linear import linear

_PACK = linear(b"|".join(b"(%s)" % pack.pattern.encode() for pack in PACKS if pack.pattern))
_WORD_BYTES = 100
_WORD = linear(levels.WORD.encode())
_SURROUNDED = linear(levels.SURROUNDED.encode())
_PACK_LEVELS = {pack.name: linear(pack.level.encode()) for pack in PACKS if pack.level}
_PACK_FIELDS = {pack.name: linear(f"(?s){pack.regex}".encode()) for pack in PACKS if pack.regex}
# A pair, or a text in quotes: what looks like a pair inside is none.
_PAIR = re.compile(rb'"(?:[^"\\]|\\.)*"|([A-Za-z_@][\w.@/-]*)=(?:"((?:[^"\\]|\\.)*)"|([^\s,;]*))')
_NUMBERS = {**levels.SPELLINGS, **levels.MARKS, **levels.NUMBERS}
_UNKNOWN: Any = object()


class Line:
    """One record: `raw` as its program wrote it, and the stream it came on."""

    __slots__ = ("_level", "_object", "_pack", "raw", "stream")

    def __init__(self, raw: bytes, stream: bytes) -> None:
        self.raw = raw
        self.stream = stream
        self._object: Any = _UNKNOWN
        self._pack: Any = _UNKNOWN
        self._level = -1

    @property
    def object(self) -> dict[str, Any] | None:
        """The record as a JSON object, if it is one."""
        if self._object is _UNKNOWN:
            self._object = None
            if self.raw.startswith(b"{"):
                with suppress(orjson.JSONDecodeError):
                    self._object = orjson.loads(self.raw) or None
        return self._object  # type: ignore[no-any-return]

    @property
    def pack(self) -> Pack | None:
        """The text format that the record has."""
        if self._pack is _UNKNOWN:
            self._pack = None
            if not self.raw.startswith(b"{"):
                self._pack = _pack_of(self.raw[:HEAD_BYTES])
        return self._pack  # type: ignore[no-any-return]

    @property
    def format(self) -> bytes:
        """The name of its format."""
        return b"json" if self.object else self.pack.name.encode() if self.pack else b"text"

    @property
    def message(self) -> bytes:
        """A JSON record's own text where it has one, any other record as it is."""
        if self.object:
            for key in MESSAGE_KEYS:
                value = self.object.get(key)
                if isinstance(value, str) and value:
                    return value.encode(errors="surrogatepass")
        return self.raw

    @property
    def level(self) -> int:
        """The place of its level on the scale, 0 if it states none."""
        if self._level < 0:
            self._level = _status_level(self) if self.pack and "status" in self.pack.numeric else _level(self)
        return self._level

    def field(self, name: str) -> bytes | None:
        """The text of a field, None if it is not there; of JSON by dotted path, of text by its format."""
        if self.object:
            return _json_text(self.object, name)
        if self.pack and name in self.pack.fields and (regex := _PACK_FIELDS.get(self.pack.name)):
            match = regex.search(self.raw)
            found: bytes | None = match.group(1 + self.pack.fields.index(name)) if match else None
            return found or None
        if (self.pack is None or self.pack.pairs) and b"=" in self.raw:
            wanted = name.encode()
            for key, in_quotes, bare in _PAIR.findall(self.raw):
                if key == wanted:
                    return in_quotes or bare  # type: ignore[no-any-return]
        return None


def _pack_of(head: bytes) -> Pack | None:
    match = _PACK.search(head)
    return _BY_GROUP[match.lastindex] if match else None


def _groups() -> dict[int, Pack]:
    place, found = 1, {}
    for pack in PACKS:
        if pack.pattern:
            groups = linear(pack.pattern.encode()).groups
            found.update(dict.fromkeys(range(place, place + groups + 1), pack))
            place += groups + 1
    return found


_BY_GROUP = _groups()


def _level(line: Line) -> int:
    if line.object:
        word = _json_level(line.object)
    elif line.pack:
        word = _found(_PACK_LEVELS.get(line.pack.name), line.raw[:HEAD_BYTES])
    else:
        word = _found(_WORD, line.raw[:_WORD_BYTES]) or _found(_SURROUNDED, line.raw[:HEAD_BYTES])
    return _NUMBERS.get(word.lower(), 0)


def _json_level(value: dict[str, Any]) -> str:
    for key in levels.JSON_KEYS:
        if key in value:
            return _scalar(value[key])
    log = value.get("log")
    level = log.get("level") if isinstance(log, dict) else None
    return level if isinstance(level, str) else ""


def _status_level(line: Line) -> int:
    status = line.field("status") or b""
    if status >= b"5":
        return levels.ERROR
    return levels.WARNING if status >= b"4" else levels.INFO if status >= b"1" else 0


def _found(pattern: Any, head: bytes) -> str:
    match = pattern.search(head) if pattern else None
    return (match.group(1) or b"").decode(errors="replace") if match else ""


def _json_text(value: dict[str, Any], name: str) -> bytes | None:
    """A field by its dotted path, else by the name as it is."""
    at: Any = value
    for part in name.split("."):
        if not isinstance(at, dict) or part not in at:
            at = value.get(name, _UNKNOWN)
            break
        at = at[part]
    return None if at is _UNKNOWN else _scalar(at).encode(errors="surrogatepass")


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else orjson.dumps(value).decode()
