"""Every endpoint asked by somebody who may read one namespace: no foreign row, value, key or count comes out.

The endpoints are taken from the routes of the application, so a new one fails here until it is asked too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from logq.stores import KNOWN, Source
from starlette.routing import Mount, Route, WebSocketRoute
from web.serving import LIMIT, client_of, events, served
from websockets.sync.client import connect

from loghouse.access.audit import Audit
from loghouse.access.people import Access
from loghouse.access.rates import Rate
from loghouse.access.secrets import hashed, new_token
from loghouse.config import StoreUrl
from loghouse.query.stages import KINDS
from loghouse.store.client import Store
from loghouse.store.migrate import migrate
from loghouse.web import services
from loghouse.web.application import routes
from loghouse.web.identity import Doorkeeper
from loghouse.web.server import WebServer
from loghouse.web.services import Services

OWN = 24  # records that may be read; the others are many more
FOREIGN = {"nonprod": 100, "prod-eu": 100, "Prod": 100, "staging": 100, "prod\nx": 100, "": 100}
MARK = "zzforeign"  # stands in everything that may not come out: texts, keys, labels, pods, nodes
# Names and words of foreign records.
_WORDS = re.compile(rf"(?i)\w*{MARK}[\w-]*|nonprod|prod-eu|\"(?-i:Prod)\"|staging")
CARD = "4111222233334444"  # of a masked field
# What loghouse's users did to leave their namespace, and what they could do here.
ATTACKS = [
    "",
    "*",
    "namespace=nonprod",
    "namespace=*",
    "namespace!=prod",
    "namespace=~'.*'",
    "namespace=~'prod'",
    "namespace=~'^prod|nonprod$'",
    "not namespace=prod",
    "namespace=prod or namespace=nonprod",
    "namespace=prod or *",
    "(namespace=prod) or (*)",
    "x or not x",
    MARK,
    f"{MARK}*",
    f"message=~'{MARK}'",
    f"~app=~'{MARK}.*'",
    f"pod={MARK}-1",
    f"{MARK}key=*",
    f"{MARK}key={MARK}value",
    "log=\"x' OR 1=1))) OR (((1=0 AND 'a'='a\"",
    'msg="\') OR 1=1 --"',
    "msg='\\') OR 1=1 --'",
    'msg="\\") OR 1=1 --"',
    "msg=`) OR 1=1`",
    "~app.kubernetes.io/name='x' or *",
    "{scope:String}",
    "msg='{p0:String}'",
    "namespace IN (nonprod, staging)",
    "user in (select namespace from logs)",
    "* | where namespace=nonprod",
    "* | where namespace=nonprod or *",
    *(f"* | {kind.example}" for kind in KINDS),
    "* | stats count() by namespace",
    "* | stats count(), min(namespace), max(namespace), max(pod), max(message)",
    "* | top 100 namespace",
    "* | rare 100 pod",
    "* | uniq by namespace",
    "* | hist 1m by namespace",
    "* | sort namespace desc",
    "* | fields namespace, pod, message, raw",
    "* | patterns",
]


@dataclass(frozen=True)
class Stage:
    """A server, and clients of people with different rights."""

    server: WebServer
    store: StoreUrl
    tokens: Mapping[str, str]
    audit: Path

    def client(self, name: str) -> httpx.Client:
        return client_of(self.server, self.tokens[name])


@pytest.fixture(scope="module")
def stage(store_url: StoreUrl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Records of a namespace that ann may read, and of many that she may not."""
    url = replace(store_url, database="foreign_rows")
    with Store(url) as store:
        migrate(store)
    own = Source(url, labels={"app": "shop"})
    times = [KNOWN + timedelta(seconds=second) for second in range(OWN)]
    own.write(
        *[
            b'{"level":"info","msg":"paid %d","status":200,"card":"%s"}' % (n, CARD.encode())
            for n in range(OWN)
        ],
        at=times,
    )
    for number, (namespace, count) in enumerate(FOREIGN.items()):
        foreign = Source(
            url,
            namespace,
            f"{MARK}-{number}",
            f"{MARK}c",
            f"{MARK}n",
            {"app": f"{MARK}l", f"{MARK}lk": "1"},
            9 + number,
        )
        line = b'{"level":"error","msg":"%s paid","status":500,"%skey":"%svalue"}' % ((MARK.encode(),) * 3)
        foreign.write(*[line] * count, at=times[0])
    made = {name: new_token() for name in ("ann", "eve", "boss", "narrow", "masked")}
    password = hashed("secret")
    path = tmp_path_factory.mktemp("access") / "access.toml"
    path.write_text(
        f"audit_log = '{path.parent / 'audit.jsonl'}'\n"
        + "".join(
            f"[users.{name}]\npassword = '{password}'\nnamespaces = {namespaces}\n"
            f"masks = {masks}\nadmin = {admin}\n"
            f"[tokens.{name}]\ndigest = '{made[name][1]}'\nuser = '{name}'\n{narrowed}"
            for name, namespaces, masks, admin, narrowed in (
                ("ann", '["prod"]', "[]", "false", ""),
                ("eve", "[]", "[]", "false", ""),
                ("boss", '["*"]', "[]", "true", ""),
                ("narrow", '["*"]', "[]", "false", 'namespaces = ["prod"]\n'),
                ("masked", '["prod"]', '["card", "~app"]', "false", ""),
            )
        )
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(services, "QUERIES", Rate(burst=1e9, per_second=1e9))
        with served(url, path) as server:
            yield Stage(
                server, url, {name: token for name, (token, _) in made.items()}, path.parent / "audit.jsonl"
            )


ECHOES = ("canonical", "hint", "notices", "error", "field")


def _clean(text: str, sent: str = "") -> None:
    """Nothing foreign stands in an answer; what repeats the question has no other words than it."""
    if text.startswith("{") and "\n" not in text:
        told = json.loads(text)
        echo = json.dumps([told.pop(name, "") for name in ECHOES])
        assert set(_WORDS.findall(echo)) <= set(_WORDS.findall(sent)), echo
        text = json.dumps(told)
    elif text.startswith("parse error"):
        assert set(_WORDS.findall(text)) <= set(_WORDS.findall(sent))
        return
    assert not _WORDS.findall(text), text[:1000]


NO_COUNTS = {
    "offset",
    "length",
    "position",
    "start",
    "end",
    "column",
    "line",
    "last_seen",
    "status",
    "code",
    "bytes",
}


def _numbers(value: Any) -> Iterator[float]:
    """All numbers of an answer that could be counts."""
    match value:
        case dict():
            for key, inner in value.items():
                if key not in NO_COUNTS:
                    yield from _numbers(inner)
        case list():
            for inner in value:
                yield from _numbers(inner)
        case int() | float() if not isinstance(value, bool):
            yield value


@pytest.mark.parametrize("query", ATTACKS)
def test_no_query_leaves_its_namespace(stage: Stage, query: str) -> None:
    _attack(stage, query, "ann", ("search", "hist"))
    if "|" not in query:
        _attack(stage, query, "masked", ("search",))


def _attack(stage: Stage, query: str, name: str, paths: Sequence[str]) -> None:
    with stage.client(name) as client:
        for path in paths:
            parameters: dict[str, Any] = {"query": query, "since": "3h"}
            answer = client.get(f"/api/v1/{path}", params=parameters)
            assert answer.status_code in (200, 400, 422), answer.text
            _clean(answer.text, query)
            if answer.status_code == 200:
                told = {key: each for key, each in answer.json().items() if key not in ("canonical", "rows")}
                assert all(number <= OWN for number in _numbers(told)), told
                for row in answer.json().get("rows", ()):
                    assert all(number <= OWN or number == 200 for number in _numbers(list(row))), row
        lines = client.get(
            "/api/v1/search",
            params={"query": query, "since": "3h", "format": "jsonl", "limit": 0, "fields": "*"},
        )
        if lines.status_code == 200:
            _clean(lines.text, query)
            counted = [json.loads(line) for line in lines.text.splitlines()]
            assert len([row for row in counted if row.get("count") != 0]) <= OWN


def _ids(stage: Stage) -> list[str]:
    """The ids of foreign records."""
    with stage.client("boss") as client:
        found = client.get("/api/v1/search", params={"query": MARK, "since": "3h", "limit": 3}).json()
    return [record["id"] for record in found["records"]]


def _ask_search(stage: Stage, client: httpx.Client) -> list[httpx.Response]:
    chosen = [{}, {"namespace": "nonprod"}, {"namespace": ["prod", "nonprod"]}, {"namespace": "*"}]
    shapes = [{"format": shape, "limit": 0, "fields": "*"} for shape in ("jsonl", "csv", "raw")] + [
        {"order": "oldest"},
        {"limit": 1},
    ]
    return [
        client.get("/api/v1/search", params={"since": "3h", **choice, **shape})
        for choice in chosen
        for shape in shapes
    ]


def _ask_counting(path: str, *queries: str, **more: Any) -> Any:
    choices = [{"query": query} for query in queries]
    return lambda stage, client: [
        client.get(f"/api/v1/{path}", params={"since": "3h", **more, **choice})
        for choice in ({}, *choices, {"namespace": "nonprod"})
    ]


def _ask_values(stage: Stage, client: httpx.Client) -> list[httpx.Response]:
    names = ("namespace", "pod", "container", "node", "~app", "msg", f"{MARK}key", "message", "raw", "level")
    return [client.get("/api/v1/values", params={"since": "3h", "field": name}) for name in names]


def _ask_record(stage: Stage, client: httpx.Client) -> list[httpx.Response]:
    answers = [client.get("/api/v1/record", params={"id": each}) for each in _ids(stage)]
    assert {answer.status_code for answer in answers} == {404}
    return answers


def _ask_context(stage: Stage, client: httpx.Client) -> list[httpx.Response]:
    answers = [client.get("/api/v1/context", params={"id": each}) for each in _ids(stage)]
    assert {answer.status_code for answer in answers} == {404}
    own = client.get("/api/v1/search", params={"since": "3h", "limit": 1}).json()["records"]
    for record in own:
        for across in ("stream", "pod", "node", "namespace", "field"):
            wanted = {"id": record["id"], "across": across, "within": "3h", "before": 500, "after": 500}
            answers.append(client.get("/api/v1/context", params={**wanted, "field": "level"}))
    return answers


def _ask_complete(stage: Stage, client: httpx.Client) -> list[httpx.Response]:
    begun = [
        "",
        "z",
        MARK,
        "~",
        f"~{MARK}",
        "namespace=",
        "namespace=n",
        "pod=",
        "~app=",
        "msg=",
        f"{MARK}key=",
        "* | ",
    ]
    return [client.get("/api/v1/complete", params={"query": text, "position": len(text)}) for text in begun]


def _ask_saved(stage: Stage, client: httpx.Client) -> list[httpx.Response]:
    with stage.client("boss") as boss:
        secret = boss.post(
            "/api/v1/saved", json={"name": f"{MARK} secret", "query": "namespace=nonprod"}
        ).json()
        shared = boss.post("/api/v1/saved", json={"name": "all", "query": "*", "shared": True}).json()
    answers = [client.get("/api/v1/saved")]
    assert secret["id"] not in answers[0].text
    assert shared["id"] in answers[0].text
    found = client.get("/api/v1/search", params={"query": shared["query"], "since": "3h", "limit": 1000})
    assert len(found.json()["records"]) <= OWN
    return [*answers, found]


def _ask_change(method: str) -> Any:
    def ask(stage: Stage, client: httpx.Client) -> list[httpx.Response]:
        with stage.client("boss") as boss:
            made = [
                boss.post("/api/v1/saved", json={"name": "x", "query": "*", "shared": shared}).json()["id"]
                for shared in (True, False)
            ]
            answers = [
                client.request(
                    method,
                    f"/api/v1/saved/{each}",
                    json={"name": "mine", "query": "*"} if method == "PUT" else None,
                )
                for each in made
            ]
            assert [answer.status_code for answer in answers] == [403, 404]
            kept = {each["id"]: each["name"] for each in boss.get("/api/v1/saved").json()["saved"]}
            assert [kept[each] for each in made] == ["x", "x"]
        return answers

    return ask


def _ask_create(stage: Stage, client: httpx.Client) -> list[httpx.Response]:
    made = client.post("/api/v1/saved", json={"name": "mine", "query": "namespace=prod", "owner": "boss"})
    assert made.status_code == 400  # nobody saves in another's name
    return [made]


def _ask_tail(stage: Stage, client: httpx.Client) -> list[httpx.Response]:
    began = str(int(KNOWN.timestamp() * 1000))
    for query in ("", "namespace=nonprod or *"):
        with client.stream("GET", "/api/v1/tail", params={"query": query, "resume": began}) as answer:
            coming = events(answer)
            next(coming)
            _new_foreign(stage)
            Source(stage.store, offset=10**6, identity=77).write(b"end of the tail", at=datetime.now(UTC))
            for kind, data, _ in coming:
                if kind == "records":
                    _clean(json.dumps(data))
                    if any(record["source_id"] == "77" for record in data):
                        break
    return []


def _new_foreign(stage: Stage) -> None:
    Source(stage.store, "nonprod", f"{MARK}-new", identity=99).write(MARK.encode(), at=datetime.now(UTC))


def _ask_loki(path: str, **more: Any) -> Any:
    selectors = [
        '{namespace=~".+"}',
        '{namespace="nonprod"}',
        '{namespace=~"prod|nonprod"}',
        "{}",
        '{pod=~".*"}',
    ]
    queries = [
        *selectors,
        f'{{namespace=~".+"}} |= "{MARK}"',
        '{namespace="prod"} |= "x" or "paid"',
        'sum by (namespace) (count_over_time({namespace=~".+"}[3h]))',
        'topk(100, sum by (pod, app) (count_over_time({app=~".+"}[3h])))',
    ]
    window = {
        "start": (KNOWN - timedelta(hours=1)).isoformat(),
        "end": datetime.now(UTC).isoformat(),
        "limit": 5000,
    }

    def ask(stage: Stage, client: httpx.Client) -> list[httpx.Response]:
        return [
            client.get(f"/loki/api/v1/{path}", params={"query": query, "match[]": query, **window, **more})
            for query in queries
        ]

    return ask


def _ask_loki_label(stage: Stage, client: httpx.Client) -> list[httpx.Response]:
    names = ("namespace", "pod", "container", "node", "app", f"{MARK}lk", "workload", "service_name", "level")
    queries = ("", '{namespace=~".+"}')
    return [
        client.get(f"/loki/api/v1/label/{name}/values", params={"query": query} if query else {})
        for name in names
        for query in queries
    ]


def _ask_loki_tail(stage: Stage, client: httpx.Client) -> list[httpx.Response]:
    address = stage.server.url.replace("http", "ws") + "loki/api/v1/tail?query=" + '{namespace=~".%2B"}'
    headers = {"Authorization": client.headers["authorization"]}
    with connect(address, additional_headers=headers, open_timeout=LIMIT) as socket:
        _clean(str(socket.recv(timeout=LIMIT)))
        _new_foreign(stage)
        Source(stage.store, offset=10**6, identity=78).write(b"the end of lines", at=datetime.now(UTC))
        while "the end of lines" not in (text := str(socket.recv(timeout=LIMIT))):
            _clean(text)
        _clean(text)
    return []


def _ask_plain(path: str) -> Any:
    return lambda stage, client: [client.get(path)]


# How each route is asked; what is not here fails the test below.
ASKED: Mapping[tuple[str, str], Any] = {
    ("GET", "/api/v1/search"): _ask_search,
    ("GET", "/api/v1/tail"): _ask_tail,
    ("GET", "/api/v1/hist"): _ask_counting("hist", MARK, f"{MARK}key=*", by="namespace"),
    ("GET", "/api/v1/fields"): _ask_counting("fields", MARK),
    ("GET", "/api/v1/values"): _ask_values,
    ("GET", "/api/v1/patterns"): _ask_counting("patterns"),
    ("GET", "/api/v1/record"): _ask_record,
    ("GET", "/api/v1/context"): _ask_context,
    ("GET", "/api/v1/complete"): _ask_complete,
    ("GET", "/api/v1/namespaces"): _ask_plain("/api/v1/namespaces"),
    ("GET", "/api/v1/saved"): _ask_saved,
    ("POST", "/api/v1/saved"): _ask_create,
    ("PUT", "/api/v1/saved/{id}"): _ask_change("PUT"),
    ("DELETE", "/api/v1/saved/{id}"): _ask_change("DELETE"),
    ("GET", "/api/v1/openapi.json"): _ask_plain("/api/v1/openapi.json"),
    ("GET", "/api/v1/me"): _ask_plain("/api/v1/me"),
    ("GET", "/loki/api/v1/query_range"): _ask_loki("query_range", step="60"),
    ("GET", "/loki/api/v1/query"): _ask_loki("query"),
    ("GET", "/loki/api/v1/labels"): _ask_loki("labels"),
    ("GET", "/loki/api/v1/label"): _ask_loki("label"),
    ("GET", "/loki/api/v1/label/{name}/values"): _ask_loki_label,
    ("GET", "/loki/api/v1/series"): _ask_loki("series"),
    ("GET", "/loki/api/v1/index/stats"): _ask_loki("index/stats"),
    ("GET", "/loki/api/v1/status/buildinfo"): _ask_plain("/loki/api/v1/status/buildinfo"),
    ("WEBSOCKET", "/loki/api/v1/tail"): _ask_loki_tail,
}
# Routes that know nothing of records.
NO_RECORDS = {"/login", "/logout", "/login/oidc", "/login/callback", "/healthz", "/", "/assets"}


def _routes(url: StoreUrl) -> Iterator[tuple[str, str]]:
    """Every method of every route."""
    for route in routes(Services(url, Doorkeeper(Access()), Audit(None, enabled=False))):
        match route:
            case WebSocketRoute():
                yield "WEBSOCKET", route.path
            case Mount():
                yield "GET", route.path
            case Route():
                for method in getattr(route.app, "methods", None) or ("GET",):
                    yield method, route.path


# Asked with a token as well that narrows what its user may read: the same condition stands in all of them.
OF_TOKENS = {("GET", path) for path in ("/api/v1/search", "/api/v1/values", "/loki/api/v1/series")}


def test_every_route_is_asked(stage: Stage) -> None:
    known = {(method, path) for method, path in _routes(stage.store) if path not in NO_RECORDS}
    assert known == set(ASKED)


@pytest.mark.parametrize("asked", sorted(ASKED), ids=" ".join)
def test_no_endpoint_tells_of_foreign_records(stage: Stage, asked: tuple[str, str]) -> None:
    for name in ("ann", "narrow") if asked in OF_TOKENS else ("ann",):
        with stage.client(name) as client:
            for answer in ASKED[asked](stage, client):
                assert answer.status_code < 500, answer.text
                _clean(answer.text, _question(answer))
                if (
                    answer.status_code == 200
                    and "json" in answer.headers["content-type"]
                    and "openapi" not in asked[1]
                ):
                    counts = _numbers([json.loads(line) for line in answer.text.splitlines()])
                    assert all(number <= OWN + 20 or number > 10**8 for number in counts), answer.text[:2000]


def _question(answer: httpx.Response) -> str:
    return " ".join(answer.request.url.params.get(name, "") for name in ("query", "field"))


def test_whoever_has_no_namespace_reads_nothing(stage: Stage) -> None:
    with stage.client("eve") as client:
        assert client.get("/api/v1/search", params={"since": "3h"}).json()["records"] == []
        assert client.get("/api/v1/namespaces").json()["namespaces"] == []
        assert client.get("/api/v1/hist", params={"since": "3h"}).json()["total"] == 0
        assert client.get("/api/v1/fields", params={"since": "3h"}).json()["fields"] == []


def test_the_rights_are_enough_to_read_ones_own(stage: Stage) -> None:
    for name in ("ann", "narrow", "masked"):
        with stage.client(name) as client:
            found = client.get(
                "/api/v1/search", params={"query": "paid", "since": "3h", "limit": 1000}
            ).json()
            assert len(found["records"]) == OWN
    with stage.client("boss") as client:
        total = client.get("/api/v1/hist", params={"query": "paid", "since": "3h"}).json()["total"]
        assert total == OWN + sum(FOREIGN.values())


def test_a_masked_value_comes_out_nowhere_and_cannot_be_guessed(stage: Stage) -> None:
    with stage.client("masked") as client, stage.client("ann") as seeing:
        for path in ("search", "fields", "patterns"):
            told = client.get(f"/api/v1/{path}", params={"since": "3h"})
            assert CARD not in told.text
        for query in (
            f"card={CARD}",
            "card:4111*",
            CARD,
            f"raw=~'{CARD}'",
            "card=~'^4'",
            "card>=4111",
            "~app=shop",
        ):
            given: dict[str, Any] = {"query": query, "since": "3h"}
            assert client.get("/api/v1/hist", params=given).json()["total"] == 0, query
        assert (
            seeing.get("/api/v1/hist", params={"query": f"card={CARD}", "since": "3h"}).json()["total"] == OWN
        )
        for shape in ("jsonl", "csv", "raw"):
            told = client.get(
                "/api/v1/search", params={"since": "3h", "format": shape, "limit": 0, "fields": "card"}
            )
            assert told.text.count("***") >= OWN
            assert CARD not in told.text
        values = client.get("/api/v1/values", params={"since": "3h", "field": "card"}).json()["values"]
        assert [value["value"] for value in values] == ["***"]
        assert CARD not in client.get("/api/v1/complete", params={"query": "card=4", "position": 6}).text
        assert "shop" not in client.get("/api/v1/complete", params={"query": "~app=", "position": 5}).text
        newest = client.get("/api/v1/search", params={"since": "3h", "limit": 1}).json()["records"][0]["id"]
        for path in ("record", "context"):
            told = client.get(f"/api/v1/{path}", params={"id": newest})
            assert told.status_code == 200
            assert CARD not in told.text
        with client.stream("GET", "/api/v1/tail", params={"query": "zztail or 4111*"}) as answer:
            coming = events(answer)
            next(coming)
            line = b'{"msg":"zztail","card":"%s"}' % CARD.encode()
            Source(stage.store, offset=10**6, identity=79).write(line, at=datetime.now(UTC))
            data = next(data for kind, data, _ in coming if kind == "records")
            assert data[0]["fields"]["card"] == "***"
        lines = client.get("/loki/api/v1/query_range", params={"query": '{namespace="prod"}', "since": "3h"})
        assert CARD not in lines.text and "shop" not in lines.text


def test_a_question_is_written_down_without_the_token(stage: Stage) -> None:
    with stage.client("ann") as client:
        client.get("/api/v1/search", params={"query": "a remarkable question"})
    written = stage.audit.read_text()
    lines = [json.loads(line) for line in written.splitlines()]
    asked = [line for line in lines if line.get("query") == "a remarkable question"]
    assert asked[0]["user"] == "ann"
    assert not re.search("lh_[A-Za-z0-9_-]{20}", written)
