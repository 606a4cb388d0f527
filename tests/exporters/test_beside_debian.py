"""Series by series beside the exporters that Debian packages, which scrape the same server at the same time.

Every difference has to be in the table of the exporter's page of documentation, under "Beside Debian's".
"""

import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from exporter_servers import Labels, ParsedPage, get, parse_page, redis, redis_server, scrape, serving
from web_servers import apache, debian_exporter, nginx

from exporters.apache.cli import KIND as APACHE
from exporters.command import Kind
from exporters.nginx.cli import KIND as NGINX
from exporters.redis.cli import KIND as REDIS

DOCS = Path(__file__).parents[2] / "docs" / "exporters"
_ROW = re.compile(r"\| (`[^|]+`) \| (not here|only here|type|value) \| [^|]+ \|")
_ROUNDS = 12


@dataclass(frozen=True)
class Explained:
    """The differences a page of documentation names: patterns of names by kind of difference."""

    kinds: dict[str, list[str]]

    def has(self, kind: str, name: str) -> bool:
        return any(fnmatchcase(name, pattern) for pattern in self.kinds.get(kind, ()))


def explained_in(page: str) -> Explained:
    text = (DOCS / page).read_text("utf-8").partition("## Beside Debian's")[2].partition("\n## ")[0]
    kinds: dict[str, list[str]] = {}
    for names, kind in _ROW.findall(text):
        kinds.setdefault(kind, []).extend(re.findall("`([^`]+)`", names))
    assert kinds, f"{page} has no table of differences"
    return Explained(kinds)


@dataclass
class Comparison:
    """Rounds of scrapes: ours, theirs, ours. A value is the same when it is between ours before and after.

    A gauge that goes up and down by itself may have to be looked at more than once.
    """

    explained: Explained
    unequal: dict[tuple[str, Labels], str] = field(default_factory=dict)
    started: bool = False

    def round(self, before: ParsedPage, theirs: ParsedPage, after: ParsedPage) -> None:
        """Look at a round; names, labels and types have to be right in every one."""
        self._check_names(theirs, after)
        unequal = {}
        for key, value in theirs.samples.items():
            if key not in before.samples or key not in after.samples or self.explained.has("value", key[0]):
                continue
            low, high = sorted((before.samples[key], after.samples[key]))
            if not low <= value <= high:
                unequal[key] = f"{value} is not between {low} and {high}"
        self.unequal = {key: text for key, text in unequal.items() if not self.started or key in self.unequal}
        self.started = True

    def _check_names(self, theirs: ParsedPage, ours: ParsedPage) -> None:
        has = self.explained.has
        missing = [key for key in theirs.samples.keys() - ours.samples.keys() if not has("not here", key[0])]
        assert not missing, f"not here: {sorted(missing)}"
        more = [key for key in ours.samples.keys() - theirs.samples.keys() if not has("only here", key[0])]
        assert not more, f"only here: {sorted(more)}"
        types = {
            name: (type_, ours.types[name])
            for name, type_ in theirs.types.items()
            if ours.types.get(name, type_) != type_ and not has("type", name)
        }
        assert types == {}


def compare(kind: Kind[Any], flags: dict[str, str], their_port: int, page: str) -> None:
    """Scrape both until every series was equal once, or fail with those that never were."""
    _skip_unless_described(page)
    comparison = Comparison(explained_in(page))

    def read(port: int) -> ParsedPage:
        return parse_page(get(port, "/metrics").body.decode())

    with serving(kind, flags) as port:
        # The first scrapes leave their traces in the server's counters.
        for _ in range(2):
            read(port)
            read(their_port)
        for _ in range(_ROUNDS):
            comparison.round(read(port), read(their_port), read(port))
            if not comparison.unequal:
                break
    assert comparison.unequal == {}


def _skip_unless_described(page: str) -> None:
    """The differences are those of the version in the heading; another has others."""
    heading = re.search(r"^## Beside Debian's (\S+) (\S+)$", (DOCS / page).read_text("utf-8"), re.MULTILINE)
    assert heading
    done = subprocess.run([heading[1], "--version"], capture_output=True, timeout=30, check=False)
    if heading[2] not in (done.stdout + done.stderr).decode():
        pytest.skip(f"the differences are those of {heading[1]} {heading[2]}")


def test_apache(tmp_path: Path) -> None:
    with apache(tmp_path / "apache") as web:
        get(web.port, "/app/x")
        uri = web.url("/server-status?auto")
        command = ["prometheus-apache-exporter", f"--scrape_uri={uri}"]
        with debian_exporter(command, "--telemetry.address", tmp_path / "theirs") as port:
            compare(APACHE, {"scrape_uri": uri}, port, "apache.md")


def test_apache_forbidden(tmp_path: Path) -> None:
    """The one difference that alert rules see: upstream says a forbidden page is up."""
    with apache(tmp_path / "apache") as web:
        uri = web.url("/forbidden?auto")
        command = ["prometheus-apache-exporter", f"--scrape_uri={uri}"]
        with debian_exporter(command, "--telemetry.address", tmp_path / "theirs") as port:
            assert parse_page(get(port, "/metrics").body.decode()).value("apache_up") == 1
        assert scrape(APACHE, {"scrape_uri": uri}).value("apache_up") == 0


def test_nginx(tmp_path: Path) -> None:
    with nginx(tmp_path / "nginx") as web:
        uri = web.url("/stub_status")
        command = ["prometheus-nginx-exporter", f"-nginx.scrape-uri={uri}"]
        with debian_exporter(command, "-web.listen-address", tmp_path / "theirs") as port:
            compare(NGINX, {"scrape_uri": uri}, port, "nginx.md")


def test_redis(tmp_path: Path) -> None:
    """With the flags that most series need; keys, streams and a replica are there."""
    options = ("--latency-monitor-threshold", "1", "--slowlog-log-slower-than", "0", "--maxmemory", "200mb")
    with redis_server(tmp_path / "redis", *options) as server:
        fill(lambda *command: redis(server, *command))
        checks = {
            "check-keys": "queue:*",
            "check-single-keys": "counter,str,hll",
            "check-streams": "stream",
            "count-keys": "queue:*",
        }
        switches = ("include-config-metrics", "include-system-metrics", "export-client-list")
        command = ["prometheus-redis-exporter", f"-redis.addr=redis://127.0.0.1:{server}"]
        command += [f"-{name}={value}" for name, value in checks.items()] + [f"-{name}" for name in switches]
        flags = {"addr": f"redis://127.0.0.1:{server}", "check_keys": "queue:*", "count_keys": "queue:*"}
        flags |= {"check_single_keys": "counter,str,hll", "check_streams": "stream"}
        flags |= {"include_config": "true", "include_system": "true", "export_client_list": "true"}
        with (
            redis_server(tmp_path / "replica", "--replicaof", "127.0.0.1", str(server)),
            debian_exporter(command, "-web.listen-address", tmp_path / "theirs") as port,
        ):
            compare(REDIS, flags, port, "redis.md")


def fill(call: Callable[..., object]) -> None:
    """Keys of every type, an error, a slow command, a stream with a group, some databases."""
    call("SET", "counter", "42")
    call("SET", "str", "hello")
    call("PFADD", "hll", "a", "b", "c")
    call("RPUSH", "queue:a", *map(str, range(7)))
    call("RPUSH", "queue:b", "x")
    call("SET", "expires", "1", "EX", 10_000)
    for index in range(20):
        call("XADD", "stream", f"{1700000000000 + index}-0", "field", "value")
    call("XGROUP", "CREATE", "stream", "group", "0")
    call("XREADGROUP", "GROUP", "group", "consumer", "COUNT", 5, "STREAMS", "stream", ">")
    call("LPUSH", "str", "wrong type")
    call("EVAL", "local x = 0; for i = 1, 200000 do x = x + i end", 0)
