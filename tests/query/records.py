"""The records that the tests of the query language ask about, and the table they stand in.

Each record is written down twice: as the store keeps it, and as the plain values a reader would expect, so
that expectations need nothing of the code under test.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from loghouse.record import LEVELS
from loghouse.store.client import Store
from loghouse.store.migrate import migrate

SECOND = 1_000_000_000
START = 1_785_405_600 * SECOND  # 2026-07-30T10:00:00Z
END = START + 3600 * SECOND
NOW = END

NAMED = ("namespace", "workload", "pod", "container", "node", "format", "level")

Scalar = str | float | bool | None


@dataclass(frozen=True)
class Place:
    """Where a record was written."""

    namespace: str
    pod: str
    container: str
    node: str
    workload: str
    labels: Mapping[str, str] = field(default_factory=dict)


SHOP = Place("prod", "shop-1", "app", "kube-1", "shop")
WEB = Place("prod", "web-7d5f-abc", "nginx", "kube-2", "web")
STAGING = Place("staging", "api_v1", "api", "kube-2", "api")
DB = Place(
    "prod",
    "ch-0",
    "clickhouse",
    "kube-3",
    "ch",
    {"component": "clickhouse", "app.kubernetes.io/name": "ch", "tier": "db"},
)


@dataclass(frozen=True)
class Row:
    """A record: what a reader sees. `fields` are dotted names and their values."""

    id: int
    raw: str
    fields: Mapping[str, Scalar] = field(default_factory=dict)
    format: str = "text"
    level: str = "info"
    place: Place = SHOP
    second: float = 0

    @property
    def namespace(self) -> str:
        return self.place.namespace

    @property
    def pod(self) -> str:
        return self.place.pod

    @property
    def container(self) -> str:
        return self.place.container

    @property
    def node(self) -> str:
        return self.place.node

    @property
    def workload(self) -> str:
        return self.place.workload

    @property
    def labels(self) -> Mapping[str, str]:
        return self.place.labels

    @property
    def message(self) -> str:
        return str(self.fields["msg"]) if self.format == "json" else self.raw

    @property
    def tokens(self) -> set[str]:
        """Words of the record; in JSON an escaped line break ends one, as a space does."""
        raw = re.sub(r"\\[bfnrt\\]", " ", self.raw) if self.format == "json" else self.raw
        return set(re.findall(r"[0-9a-z\x80-\U0010ffff]+", raw.lower()))

    @property
    def pairs(self) -> set[tuple[str, str]]:
        """The names of all that the record has, as one writes them in a query, and the values."""
        found = {(name, getattr(self, name)) for name in NAMED}
        found |= {
            (f"`{name}`" if name in ("level", "msg") else name, self.text(name)) for name in self.fields
        }
        if self.id == 25:  # the address in its text ends with ?a=1
            found.add(("http://x.y/z?a", "1"))
        return {(name, value) for name, value in found if value}

    @property
    def timestamp(self) -> int:
        return START + round(self.second * SECOND)

    @property
    def severity(self) -> int:
        return LEVELS.index(self.level)

    def text(self, name: str) -> str:
        """A field as text, '' when it is absent or null."""
        value = self.fields.get(name)
        if value is None:
            return ""
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, str):
            return value
        return str(int(value)) if value == int(value) else repr(value)

    def number(self, name: str) -> float | None:
        """A field whose whole text is a decimal number."""
        value = self.fields.get(name)
        if isinstance(value, bool) or value is None:
            return None
        return float(value) if re.fullmatch(r"-?[0-9.]+", str(value)) and str(value).count(".") < 2 else None


def _json(id: int, msg: str, second: float, level: str = "info", place: Place = SHOP, **more: object) -> Row:
    """A JSON record; nested objects become dotted fields."""
    body = {"msg": msg, **more}
    fields: dict[str, Scalar] = {}

    def walk(prefix: str, value: object) -> None:
        if isinstance(value, dict):
            for name, inner in value.items():
                walk(f"{prefix}.{name}", inner)
        else:
            assert value is None or isinstance(value, str | int | float | bool)
            fields[prefix] = value

    for name, value in body.items():
        walk(name, value)
    return Row(id, json.dumps(body, ensure_ascii=False), fields, "json", level, place, second)


ROWS: tuple[Row, ...] = (
    _json(1, "request done", 1, status=200, path="/cart", request_time=0.12, bytes=512, trace_id="4bf92f35"),
    _json(2, "request failed", 2, "error", status=500, path="/cart", request_time=0.61, trace_id="4bf92f35"),
    _json(3, "request failed", 3, "error", status="502", path="/health/live", request_time=1.5),
    _json(4, "upstream timeout", 4, "warning", status=503, path="/pay?a=1", bytes=2_000_000),
    _json(5, "healthy", 5, "debug", path="/health", unhealthy=False, status=None),
    _json(6, "NOT healthy", 6, "critical", unhealthy=True, status=None, retries=0),
    _json(7, "truth as text", 7, unhealthy="true", status="", count=-3.5),
    _json(8, "user logged in", 8, user={"email": "Ann@Example.com", "id": 17, "name": "Ann Lee"}),
    _json(9, "user logged out", 9, user={"email": "bob@example.org", "id": 18, "name": "bob"}),
    _json(10, "slow call", 10, took="0.51s", size="20KB", client="10.1.2.3"),
    _json(11, "slow call", 11, took="1m20s", size="3MiB", client="192.168.0.9"),
    _json(12, "slow call", 12, took=700, took_ms=700, client="not an address"),
    _json(13, "fast call", 13, took="90ms", took_ms=90, client="fd00::5"),
    _json(14, "Ошибка соединения", 14, "error", city="Köln"),
    _json(15, "percent 100% done", 15, "notice", file="a_b.txt", rate="100%"),
    _json(16, "percent 1000 done", 16, "notice", file="aXb.txt", rate="1000"),
    _json(17, "quote \" and \\ and ' here", 17, path='C:\\new\\"x"', odd="it's"),
    _json(18, "empty things", 18, path="", note="", status=200.0),
    _json(19, "api starts", 19, version="1.2.3", place=STAGING),
    _json(20, "api error", 20, "error", version="1.2.30", log={"level": 11}, place=STAGING),
    Row(21, "Connection refused by redis", level="error", second=21, place=DB),
    Row(22, "connection  was refused", level="warning", second=22, place=DB),
    Row(23, "connection refused, retry in 5s", level="alert", second=23, place=DB),
    Row(24, "refused connection; errors everywhere", level="error", second=24, place=DB),
    Row(25, "err: oomkill of 10.1.2.3:8080 see http://x.y/z?a=1", level="emergency", second=25, place=WEB),
    Row(26, "OOM on 10.1.2.34 (error)", level="unknown", second=26, place=WEB),
    Row(27, "a|b [c] {d} $e ^f *g* +h", level="trace", second=27, place=WEB),
    Row(28, "", level="unknown", second=28, place=WEB),
    Row(
        29,
        'level=error status=404 path=/missing note="two words" ok=true',
        {"level": "error", "status": 404, "path": "/missing", "note": "two words", "ok": "true"},
        "logfmt",
        "error",
        second=29,
        place=WEB,
    ),
    _json(30, "dump:\nError refused\tTimeout at C:\\new\\table", 30, "error"),
    Row(31, r"cannot open C:\new\table", second=31),
    Row(32, "the last second", level="info", second=3599.999999999, place=STAGING),
)


_TYPES = {
    "time": "Int64",
    "namespace": "String",
    "pod": "String",
    "container": "String",
    "node": "String",
    "workload": "String",
    "labels_json": "String",
    "level": "String",
    "format": "String",
    "raw": "String",
    "numbers": "Map(String, Float64)",
    "source_id": "UInt64",
    "offset": "UInt64",
}


def create(store: Store) -> None:
    """Make the tables of the store and put the records in as the ingest view would."""
    migrate(store)
    columns = ", ".join(f"{name} {type_name}" for name, type_name in _TYPES.items())
    store.rows(f"CREATE TABLE incoming ({columns}) ENGINE = Memory")
    rows = [_stored(row) for row in ROWS]
    store.insert("incoming", list(_TYPES), [[row[name] for row in rows] for name in _TYPES], {})
    others = ", ".join(name for name in _TYPES if name != "time")
    store.rows(
        f"INSERT INTO logs (timestamp, inserted_at, {others}) "
        f"SELECT fromUnixTimestamp64Nano(time, 'UTC'), now64(3), {others} FROM incoming"
    )


def _stored(row: Row) -> dict[str, object]:
    return {
        "time": row.timestamp,
        "namespace": row.namespace.encode(),
        "pod": row.pod.encode(),
        "container": row.container.encode(),
        "node": row.node.encode(),
        "workload": row.workload.encode(),
        "labels_json": json.dumps(row.labels).encode() if row.labels else b"",
        "level": row.level.encode(),
        "format": row.format.encode(),
        "raw": row.raw.encode(),
        "numbers": {name.encode(): row.number(name) for name in row.fields if row.number(name) is not None},
        "source_id": row.id,
        "offset": row.id * 100,
    }
