"""The API of Loki, asked as Grafana's data source and logcli ask it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from logq.stores import KNOWN, Source
from web.conftest import RECORDS
from web.serving import LIMIT, client_of, served
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from loghouse.config import StoreUrl

START = int((KNOWN - timedelta(minutes=30)).timestamp())
END = START + 3600
# What the data source of Grafana 11 sends; START and END are seconds.
GRAFANA = {
    "save and test": "query?direction=backward&query=vector%281%29%2Bvector%281%29&time=END000000000",
    "labels": "labels?start=START000000000&end=END000000000",
    "values of a label": "label/namespace/values?start=START000000000&end=END000000000"
    "&query=%7Bpod%3D%22web-1%22%7D",
    "label browser": "series?match%5B%5D=%7Bnamespace%3D%22prod%22%7D&start=START000000000&end=END000000000",
    "size of a query": "index/stats?query=%7Bnamespace%3D%22prod%22%7D&start=START000000000&end=END000000000",
    "explore": "query_range?direction=backward&end=END000000000&limit=1000"
    "&query=%7Bnamespace%3D%22prod%22%7D+%7C%3D+%60%60&start=START000000000&step=2000ms",
    "logs volume": "query_range?direction=backward&end=END000000000"
    "&query=sum+by+%28level%2C+detected_level%29+%28count_over_time%28%7Bnamespace%3D%22prod%22%7D+%7C%3D+%60%60"
    "%7Cdrop+__error__%5B1m%5D%29%29&start=START000000000&step=60000ms",
    "panel": "query_range?direction=backward&end=END000000000&limit=1000"
    "&query=rate%28%7Bpod%3D%22web-1%22%7D+%5B5m%5D%29"
    "&start=START000000000&step=15000ms",
    "instant": "query?direction=backward&limit=100&time=END000000000"
    "&query=sum+by+%28namespace%29+%28count_over_time%28%7Bnamespace%3D~%22.%2B%22%7D%5B1h%5D%29%29",
    "context of a line": "query_range?direction=forward&end=END000000000&limit=10"
    "&query=%7Bnamespace%3D%22prod%22%2Cpod%3D%22web-1%22%2Ccontainer%3D%22php%22%7D&start=START000000000&step=1ms",
    "version": "status/buildinfo",
}
# What logcli 3 sends, with the credentials that it sends when it has none.
LOGCLI = {
    "query": "query_range?direction=BACKWARD&end=END000000000&limit=30&query=%7Bnamespace%3D%22prod%22%7D"
    "&start=START000000000",
    "query forward": "query_range?direction=FORWARD&end=END000000000&interval=0&limit=5000"
    "&query=%7Bnamespace%3D~%22p.%2A%22%7D+%7C+json+%7C+status%3E%3D500&start=START000000000&step=14",
    "instant-query": "query?direction=BACKWARD&limit=30"
    "&query=sum%28count_over_time%28%7Bnamespace%3D%22prod%22%7D%5B1h%5D%29%29"
    "&time=END000000000",
    "labels": "labels?end=END000000000&start=START000000000",
    "labels pod": "label/pod/values?end=END000000000&start=START000000000",
    "series": "series?end=END000000000&match=%7Bnamespace%3D%22prod%22%7D&start=START000000000",
    "stats": "index/stats?end=END000000000&query=%7Bnamespace%3D%22prod%22%7D&start=START000000000",
}
# LogQL, and which of the known records it finds.
FOUND: Mapping[str, list[int]] = {
    '{namespace="prod"}': [0, 1, 2, 3, 4, 5],
    '{namespace="pro"}': [],
    '{namespace=~"pro"}': [],
    '{namespace=~"pro.*"}': [0, 1, 2, 3, 4, 5],
    '{namespace="prod", pod!="web-1"}': [],
    '{app_kubernetes_io_name="shop"}': [0, 1, 2, 3, 4, 5],
    '{namespace="prod", level=~"error|warning"}': [1, 2, 3],
    '{namespace="prod"} |= "order paid"': [0, 5],
    '{namespace="prod"} |= `order` != "7"': [3, 5],
    '{namespace="prod"} |= "slow" or "refused"': [1, 3],
    '{namespace="prod"} |~ "(?i)ORDER|cart"': [0, 2, 3, 5],
    '{namespace="prod"} !~ "order|cart"': [1, 4],
    '{namespace="prod"} | json | status="500"': [1],
    '{namespace="prod"} | json | status>=404': [1, 2],
    '{namespace="prod"} | logfmt | took>1': [3],
    '{namespace="prod"} | logfmt | took > 2 and table="orders"': [3],
    '{namespace="prod"} | json | __error__="" | status=200 or status=404': [0, 2, 5],
    '{namespace="prod"} |= "or 1=1"': [],
    '{namespace="prod\' OR 1=1 --"}': [],
}
REFUSED = {
    "{namespace=": "1, col 12",
    '{namespace="prod"': "1, col 18",
    '{namespace="prod"} | line_format "{{.x}}"': "line_format",
    'quantile(0.9, {a="b"})': "not known here",
    'rate({namespace="prod"})': "[",
    'sum without (pod) (rate({a="b"}[1m]))': "without",
    "": "1, col 1",
}


def _asked(client: httpx.Client, recorded: str, **headers: str) -> Any:
    path = recorded.replace("START", str(START)).replace("END", str(END))
    answer = client.get(f"/loki/api/v1/{path}", headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def _lines(client: httpx.Client, query: str, **more: Any) -> list[str]:
    given = {"query": query, "start": f"{START}000000000", "end": f"{END}000000000", "limit": 1000, **more}
    answer = client.get("/loki/api/v1/query_range", params=given)
    assert answer.status_code == 200, answer.text
    data = answer.json()["data"]
    assert data["resultType"] == "streams"
    timed = [value for stream in data["result"] for value in stream["values"]]
    return [line for _, line in sorted(timed, key=lambda value: int(value[0]))]


@pytest.mark.parametrize("name", GRAFANA)
def test_grafana_gets_what_it_expects(page: httpx.Client, name: str) -> None:
    told = _asked(page, GRAFANA[name])
    match name:
        case "save and test":
            assert told["data"]["result"][0]["value"][1] == "2"
        case "labels":
            assert {"namespace", "pod", "container", "app_kubernetes_io_name"} <= set(told["data"])
        case "values of a label":
            assert told["data"] == ["prod"]
        case "label browser":
            assert [stream["pod"] for stream in told["data"]] == ["web-1"]
        case "size of a query":
            assert told["entries"] == len(RECORDS)
        case "explore" | "context of a line":
            assert sum(len(stream["values"]) for stream in told["data"]["result"]) == len(RECORDS)
        case "logs volume":
            assert told["data"]["resultType"] == "matrix"
            by_level = {
                series["metric"]["level"]: sum(float(value) for _, value in series["values"])
                for series in told["data"]["result"]
            }
            assert (by_level["info"], by_level["error"], sum(by_level.values())) == (2, 1, len(RECORDS))
        case "panel":
            assert {series["metric"]["pod"] for series in told["data"]["result"]} == {"web-1"}
        case "instant":
            found = {series["metric"]["namespace"]: series["value"][1] for series in told["data"]["result"]}
            assert found == {"prod": str(len(RECORDS)), "staging": "1"}
        case "version":
            assert told["version"].startswith("3.")


@pytest.mark.parametrize("name", LOGCLI)
def test_logcli_gets_what_it_expects(page: httpx.Client, name: str) -> None:
    told = _asked(page, LOGCLI[name], Authorization="Basic Og==", **{"User-Agent": "loki-logcli/3.3.2"})
    if name == "query":
        assert sum(len(stream["values"]) for stream in told["data"]["result"]) == len(RECORDS)
    elif name == "query forward":
        assert [json.loads(stream["values"][0][1])["status"] for stream in told["data"]["result"]] == [500]
    elif name == "instant-query":
        assert told["data"]["result"][0]["value"][1] == str(len(RECORDS))
    elif name == "labels pod":
        assert told["data"] == ["job-9", "web-1"]
    elif name != "stats":
        assert told["status"] == "success"
        assert told["data"]


@pytest.mark.parametrize("query", FOUND)
def test_logql_finds_what_loki_would_find(page: httpx.Client, query: str) -> None:
    wanted = [RECORDS[place].decode("utf-8", "replace") for place in FOUND[query]]
    assert _lines(page, query) == wanted


@pytest.mark.parametrize("query", REFUSED)
def test_what_is_not_known_is_told_with_its_place(page: httpx.Client, query: str) -> None:
    answer = page.get("/loki/api/v1/query_range", params={"query": query})
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("text/plain")
    assert REFUSED[query] in answer.text


def test_batches_of_logcli_find_every_line_once(page: httpx.Client) -> None:
    """logcli goes on at the time of the last line it got and leaves out what it knows."""
    end, seen = f"{END}000000000", []
    while True:
        given = {"query": '{namespace="prod"}', "start": f"{START}000000000", "end": end, "limit": 2}
        data = page.get("/loki/api/v1/query_range", params={**given, "direction": "BACKWARD"}).json()["data"]
        values = sorted((value for stream in data["result"] for value in stream["values"]), reverse=True)
        if not values:
            break
        seen += [line for _, line in values]
        end = values[-1][0]
    assert seen == [record.decode("utf-8", "replace") for record in reversed(RECORDS)]


def test_ranges_slide_as_in_loki(page: httpx.Client) -> None:
    given = {
        "query": 'sum(count_over_time({namespace="prod"}[10s]))',
        "start": str(int(KNOWN.timestamp())),
        "end": str(int(KNOWN.timestamp()) + 20),
        "step": "1",
    }
    (series,) = page.get("/loki/api/v1/query_range", params=given).json()["data"]["result"]
    counts = {int(moment - KNOWN.timestamp()): int(value) for moment, value in series["values"]}
    assert [counts.get(second, 0) for second in (1, 2, 6, 10, 11, 15, 16)] == [1, 2, 6, 6, 5, 1, 0]


def test_a_tail_sends_the_newest_lines_and_then_new_ones(own_store: StoreUrl) -> None:
    source = Source(own_store)
    source.write(b"before", at=datetime.now(UTC) - timedelta(seconds=5))
    with served(own_store) as server, client_of(server):
        address = f"ws://127.0.0.1:{server.port}/loki/api/v1/tail?limit=10&query="
        lines, rates = (
            quote(text) for text in ('{namespace="prod"} !~ "no"', 'rate({namespace="prod"}[1m])')
        )
        nobody = {"Authorization": "Basic Og=="}
        with connect(address + lines, additional_headers=nobody, open_timeout=LIMIT) as socket:
            first = json.loads(socket.recv(timeout=LIMIT))
            assert [line for stream in first["streams"] for _, line in stream["values"]] == ["before"]
            source.write(b"no", b"after", at=datetime.now(UTC))
            then = json.loads(socket.recv(timeout=LIMIT))
            assert [line for stream in then["streams"] for _, line in stream["values"]] == ["after"]
            assert then["streams"][0]["stream"]["pod"] == "web-1"
        with (
            pytest.raises(ConnectionClosed, match="only lines"),
            connect(address + rates, open_timeout=LIMIT) as socket,
        ):
            socket.recv(timeout=LIMIT)
