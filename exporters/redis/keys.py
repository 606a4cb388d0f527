"""Checked keys: sizes, values and counts, in pipelines and within bounds."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from exporters.catalogue import Page
from exporters.errors import ScrapeError
from exporters.families import text
from exporters.redis.client import Client, refusal
from exporters.redis.resp import Command, ErrorReply, as_list, as_number, as_text, number
from exporters.settings import SettingsError

_GLOB = re.compile(rb"[?*\[\]^]")
_DATABASE = re.compile(r"(?:db)?(\d+)")
_SIZES = {
    "list": "LLEN",
    "set": "SCARD",
    "zset": "ZCARD",
    "hash": "HLEN",
    "stream": "XLEN",
    "string": "STRLEN",
}
# As much of a string value as a label may hold, and then some for its checksum.
_VALUE_BYTES = 1024
_HYPERLOGLOG = b"HYLL"
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class KeyPattern:
    """One entry of --check-keys and its like: a key or a pattern in a database."""

    database: int
    key: bytes

    @property
    def is_pattern(self) -> bool:
        return _GLOB.search(self.key) is not None

    @property
    def label(self) -> str:
        return f"db{self.database}"


def parse_patterns(raw: str, flag: str) -> tuple[KeyPattern, ...]:
    """`db0=queue:*,db3=jobs,plain`; keys are URL-encoded if they hold a comma. Else SettingsError."""
    found = []
    for item in filter(None, (item.strip() for item in raw.split(","))):
        left, separator, right = item.partition("=")
        database = _DATABASE.fullmatch(left.strip()) if separator else None
        key = right.strip() if database else item
        if not key:
            raise SettingsError(f"--{flag}: {item!r} names no key")
        found.append(KeyPattern(int(database[1]) if database else 0, unquote_to_bytes(key.replace("+", " "))))
    return tuple(found)


class Budget:
    """How many keys a scrape may still check, over all patterns and nodes."""

    def __init__(self, most: int) -> None:
        self.left = most
        self.exceeded = False

    def take(self, keys: Sequence[bytes]) -> Sequence[bytes]:
        """As many of the keys as may be checked."""
        taken = keys[: self.left]
        self.exceeded = self.exceeded or len(taken) < len(keys)
        self.left -= len(taken)
        return taken


def select_database(client: Client, database: int) -> None:
    """SELECT; database 0 is not selected on a cluster, which knows no other."""
    reply = client.call("SELECT", database)
    if isinstance(reply, ErrorReply) and (database or reply.code == "NOPERM"):
        raise refusal(("SELECT", database), reply)


def scan(client: Client, pattern: KeyPattern, batch: int, type_: str = "") -> Iterator[list[bytes]]:
    """Keys that match, in steps; a key may come twice, as SCAN says."""
    kind = ("TYPE", type_) if type_ else ()
    cursor = b"0"
    while True:
        reply = client.demand("SCAN", cursor, "MATCH", pattern.key, "COUNT", batch, *kind)
        parts = as_list(reply)
        if len(parts) != 2 or not isinstance(parts[0], bytes):
            raise ScrapeError("protocol", "the reply to SCAN is no cursor with keys")
        yield [key for key in as_list(parts[1]) if isinstance(key, bytes)]
        cursor = parts[0]
        if cursor == b"0":
            return


def find_keys(
    client: Client, patterns: Iterable[KeyPattern], batch: int, budget: Budget, type_: str = ""
) -> Iterator[tuple[int, list[bytes]]]:
    """Databases and the keys to check in them; patterns are expanded, each key comes once."""
    by_database: dict[int, list[KeyPattern]] = {}
    for pattern in patterns:
        by_database.setdefault(pattern.database, []).append(pattern)
    for database, wanted in by_database.items():
        select_database(client, database)
        found: dict[bytes, None] = {}
        for pattern in wanted:
            steps = scan(client, pattern, batch, type_) if pattern.is_pattern else [[pattern.key]]
            for step in steps:
                new = [key for key in dict.fromkeys(step) if key not in found]
                found.update(dict.fromkeys(budget.take(new)))
                if budget.exceeded:
                    break
        yield database, list(found)


def add_keys(page: Page, client: Client, database: int, keys: Sequence[bytes], with_values: bool) -> None:
    """Size, memory and value of keys, in three round trips for every few hundred of them."""
    label = f"db{database}"
    for start in range(0, len(keys), _CHUNK):
        chunk = keys[start : start + _CHUNK]
        types = [as_text(reply) for reply in client.pipeline([("TYPE", key) for key in chunk])]
        _add_chunk(page, client, label, list(zip(chunk, types, strict=True)), with_values)


def count_keys(page: Page, client: Client, patterns: Iterable[KeyPattern], batch: int) -> None:
    """How many keys match each pattern."""
    for pattern, count in counts(client, patterns, batch):
        page.add("keys_count", count, pattern.label, text(pattern.key))


def counts(client: Client, patterns: Iterable[KeyPattern], batch: int) -> Iterator[tuple[KeyPattern, int]]:
    """Every pattern with the number of keys SCAN finds for it."""
    for pattern in patterns:
        select_database(client, pattern.database)
        yield pattern, sum(len(step) for step in scan(client, pattern, batch))


def _add_chunk(
    page: Page, client: Client, label: str, typed: list[tuple[bytes, str]], with_values: bool
) -> None:
    commands: list[Command] = []
    for key, type_ in typed:
        # A string's beginning tells numbers and HyperLogLogs, whose length means nothing, from other values.
        commands += [
            (_SIZES.get(type_, "EXISTS"), key),
            ("MEMORY", "USAGE", key),
            ("GETRANGE", key, 0, _VALUE_BYTES - 1) if type_ == "string" else ("EXISTS", key),
        ]
    replies = client.pipeline(commands)
    loglogs: list[bytes] = []
    for index, (key, type_) in enumerate(typed):
        size, memory, value = replies[index * 3 : index * 3 + 3]
        name = text(key)
        if type_ == "none" or type_ not in _SIZES:
            # A moved or denied key has no type; one that does not exist has the size 0, as upstream says.
            if type_ == "none":
                page.add("key_size", 0, label, name)
            continue
        usage = as_number(memory)
        if usage is not None:
            page.add("key_memory_usage_bytes", usage, label, name)
        if isinstance(value, bytes) and value.startswith(_HYPERLOGLOG):
            loglogs.append(key)
            continue
        length = as_number(size)
        if length is not None:
            page.add("key_size", length, label, name)
        if isinstance(value, bytes):
            _add_value(page, label, name, value, with_values)
    for key, reply in zip(loglogs, client.pipeline([("PFCOUNT", key) for key in loglogs]), strict=True):
        estimate = as_number(reply)
        if estimate is not None:
            page.add("key_size", estimate, label, text(key))


def _add_value(page: Page, label: str, name: str, value: bytes, with_values: bool) -> None:
    shown = text(value)
    amount = number(shown) if len(value) <= 64 and not shown[:1].isspace() else None
    if amount is not None:
        page.add("key_value", amount, label, name)
    elif with_values:
        page.add("key_value_as_string", 1, label, name, shown)
