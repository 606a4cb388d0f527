"""Who gets in: sessions, tokens, a proxy, OpenID Connect, and nobody else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import oidc_provider_mock
import pytest
from web.serving import client_of, served

from loghouse.access.rates import Rate
from loghouse.access.secrets import hashed, hashed_for_clickhouse, new_token
from loghouse.config import StoreUrl
from loghouse.errors import UsageError
from loghouse.web import services
from loghouse.web.server import Serving, WebServer

TOKEN, DIGEST = new_token()
USERS = f"""
[users.ann]
password = "{hashed("secret")}"
groups = ["shop"]
[groups.shop]
namespaces = ["prod"]
[tokens.ci]
digest = "{DIGEST}"
user = "ann"
"""
PROXY = """
mode = "proxy"
[proxy]
trusted = ["NETWORK"]
user_header = "X-User"
groups_header = "X-Groups"
[groups.shop]
namespaces = ["prod"]
"""


def _access(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "access.toml"
    path.write_text(f"audit_log = '{tmp_path / 'audit.jsonl'}'\n" + text)
    return path


@pytest.fixture
def users(web_store: StoreUrl, tmp_path: Path) -> Iterator[httpx.Client]:
    """A client, not logged in, of a server with local users."""
    with served(web_store, _access(tmp_path, USERS)) as server, client_of(server) as client:
        yield client


def _log_in(client: httpx.Client, user: str = "ann", password: str = "secret") -> httpx.Response:
    return client.post("/login", json={"user": user, "password": password})


def test_without_a_login_nothing_is_told_but_how_to_log_in(users: httpx.Client) -> None:
    for path in ("search", "tail", "namespaces", "saved", "openapi.json"):
        assert users.get(f"/api/v1/{path}").status_code == 401
    assert users.get("/loki/api/v1/labels").status_code == 401
    told = users.get("/api/v1/me")
    assert (told.status_code, told.json()["mode"]) == (401, "users")
    assert users.get("/").status_code == 200


def test_a_session_begins_with_the_password_and_ends_with_the_logout(
    users: httpx.Client, tmp_path: Path
) -> None:
    assert _log_in(users, password="wrong").status_code == 401
    assert _log_in(users, user="nobody").status_code == 401
    begun = _log_in(users)
    cookie = begun.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie
    assert users.get("/api/v1/me").json()["namespaces"] == ["prod"]
    csrf = begun.json()["csrf"]
    body = {"name": "mine", "query": "status=500"}
    assert users.post("/api/v1/saved", json=body).status_code == 403
    assert users.post("/api/v1/saved", json=body, headers={"X-CSRF-Token": "x"}).status_code == 403
    foreign = {"X-CSRF-Token": csrf, "Origin": "https://evil.example"}
    assert users.post("/api/v1/saved", json=body, headers=foreign).status_code == 403
    made = users.post("/api/v1/saved", json=body, headers={"X-CSRF-Token": csrf})
    assert (made.status_code, made.json()["owner"]) == (201, "ann")
    key = users.cookies["loghouse_session"]
    assert users.post("/logout", headers={"X-CSRF-Token": csrf}).status_code in (200, 204, 303)
    assert users.get("/api/v1/search", headers={"Cookie": f"loghouse_session={key}"}).status_code == 401
    written = (tmp_path / "audit.jsonl").read_text()
    assert "login failed" in written and '"login"' in written
    assert "secret" not in written and key not in written


def test_passwords_cannot_be_tried_without_end(
    web_store: StoreUrl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "LOGINS", Rate(burst=3, per_second=0.001))
    with served(web_store, _access(tmp_path, USERS)) as server, client_of(server) as client:
        statuses = [_log_in(client, password=f"guess {number}").status_code for number in range(4)]
        assert statuses == [401, 401, 401, 429]
        assert _log_in(client).status_code == 429


def test_attempts_are_counted_for_the_client_behind_a_trusted_proxy(
    web_store: StoreUrl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "LOGINS", Rate(burst=2, per_second=0.001))
    path = _access(tmp_path, "trusted_proxies = ['127.0.0.0/8']\n" + USERS)
    with served(web_store, path) as server, client_of(server) as client:

        def tried(forwarded: str, password: str = "guess") -> int:
            client.headers["X-Forwarded-For"] = forwarded
            return _log_in(client, password=password).status_code

        # What the client itself sends stands before the address that the proxy adds.
        assert [tried(f"10.0.0.{number}, 198.51.100.7") for number in range(3)] == [401, 401, 429]
        assert tried("198.51.100.7, 127.0.0.9") == 429
        assert [tried(f"2001:db8::{number}") for number in range(3)] == [401, 401, 429]
        assert tried("198.51.100.8", "secret") == 200
    assert '"198.51.100.7"' in (tmp_path / "audit.jsonl").read_text()
    with served(web_store, _access(tmp_path, USERS)) as server, client_of(server) as client:
        # Nobody is trusted: the header is what anybody may write.
        assert [tried(f"198.51.100.{number}") for number in range(3)] == [401, 401, 429]


@pytest.mark.parametrize("made", [hashed, hashed_for_clickhouse])
def test_hashes_of_both_kinds_let_in_whoever_knows_the_password(
    web_store: StoreUrl, tmp_path: Path, made: Callable[[str], str]
) -> None:
    text = f"[users.ann]\npassword = '{made('pass:wörd')}'\nnamespaces = ['prod']\n"
    with served(web_store, _access(tmp_path, text)) as server, client_of(server) as client:
        assert _log_in(client, password="pass:wörd").status_code == 200
        for wrong in ("pass:word", "", "pass:wörd\0", "x" * 5000):
            assert _log_in(client, password=wrong).status_code == 401
        assert _log_in(client, user="ben", password="pass:wörd").status_code == 401


def test_a_session_ends_when_it_is_not_used(users: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from loghouse.access import sessions

    _log_in(users)
    assert users.get("/api/v1/me").status_code == 200
    monkeypatch.setattr(sessions, "IDLE_SECONDS", 0)
    assert users.get("/api/v1/me").status_code == 401


def test_a_token_works_as_bearer_and_as_password_and_only_whole(users: httpx.Client) -> None:
    assert users.get("/api/v1/me", headers={"Authorization": f"Bearer {TOKEN}"}).json()["user"] == "ann"
    assert users.get("/api/v1/me", auth=("anything", TOKEN)).json()["user"] == "ann"
    for wrong in (TOKEN[:-1], TOKEN + "x", DIGEST, "\u00e4"):
        answer = users.get("/api/v1/me", headers={"Authorization": f"Bearer {wrong}".encode()})
        assert answer.status_code == 401, wrong
    assert users.get("/api/v1/me", headers={"Authorization": "Negotiate abc"}).status_code == 401


def test_headers_of_a_proxy_are_believed_from_the_proxy_alone(web_store: StoreUrl, tmp_path: Path) -> None:
    named = {"X-User": "ann", "X-Groups": "shop, other"}
    path = _access(tmp_path, PROXY.replace("NETWORK", "127.0.0.0/8"))
    with served(web_store, path) as server, client_of(server) as client:
        assert client.get("/api/v1/me").status_code == 401
        assert client.get("/api/v1/me", headers=named).json()["namespaces"] == ["prod"]
        foreign = {**named, "Origin": "https://evil.example"}
        body = {"name": "mine", "query": ""}
        assert client.post("/api/v1/saved", json=body, headers=foreign).status_code == 403
    path = _access(tmp_path, PROXY.replace("NETWORK", "10.0.0.5/32"))
    with served(web_store, path) as server, client_of(server) as client:
        assert client.get("/api/v1/me", headers=named).status_code == 403


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the provider, which runs in this process
def test_open_id_connect_logs_in_and_checks_what_comes_back(web_store: StoreUrl, tmp_path: Path) -> None:
    known = oidc_provider_mock.User(
        sub="ann", claims={"email": "ann@example.org", "email_verified": True, "groups": ["shop"]}
    )
    with oidc_provider_mock.run_server_in_thread(user_claims=[known]) as provider:
        issuer = f"http://127.0.0.1:{provider.server_port}"
        (tmp_path / "client-secret").write_text("client secret\n")
        path = _access(
            tmp_path,
            f"mode = 'oidc'\n[oidc]\nissuer = '{issuer}'\nclient_id = 'loghouse'\n"
            "client_secret_file = 'client-secret'\nredirect_url = 'http://localhost/login/callback'\n"
            "[users.'ann@example.org']\nnamespaces = ['staging']\n[groups.shop]\nnamespaces = ['prod']\n",
        )
        with served(web_store, path) as server, client_of(server) as client:
            left = client.get("/login/oidc", params={"next": "/?query=a"})
            assert left.status_code == 303
            asked = parse_qs(urlsplit(left.headers["location"]).query)
            assert asked["code_challenge_method"] == ["S256"]
            allowed = httpx.post(left.headers["location"], data={"sub": "ann"}, trust_env=False)
            given = dict(httpx.QueryParams(urlsplit(allowed.headers["location"]).query))
            # another browser, another state, and a code that is used twice
            with client_of(server) as other:
                assert other.get("/login/callback", params=given).status_code == 403
                refused = other.get("/login/callback", params={"error": "<script>alert(1)</script>"})
                assert (refused.status_code, "<script>" in refused.text) == (403, False)
            assert client.get("/login/callback", params={**given, "state": "x"}).status_code == 403
            back = client.get("/login/callback", params=given)
            assert (back.status_code, back.headers.get("location")) == (303, "/?query=a"), back.text
            me = client.get("/api/v1/me").json()
            assert (me["user"], me["namespaces"]) == ("ann@example.org", ["prod", "staging"])
            assert client.get("/login/callback", params=given).status_code == 403


def test_after_a_login_nobody_is_sent_to_another_site(users: httpx.Client) -> None:
    from loghouse.web.login import _own_path

    for target in ("//evil.example", "https://evil.example", "/\\evil.example", "javascript:x", "/\n/x", ""):
        assert _own_path(target) == "/"
    assert _own_path("/?query=a") == "/?query=a"


def test_without_access_control_only_loopback_is_served(web_store: StoreUrl) -> None:
    for host in ("0.0.0.0", "::"):
        with pytest.raises(UsageError, match="other machines"):
            WebServer(Serving(host, 0), web_store)


def test_without_a_login_the_page_answers_to_its_own_names_only(web_store: StoreUrl) -> None:
    with served(web_store, hosts=("logs.example",)) as server, client_of(server) as client:
        for name, status in (("localhost", 200), ("logs.example", 200), ("evil.example", 421), ("", 421)):
            assert client.get("/api/v1/me", headers={"Host": f"{name}:{server.port}"}).status_code == status
        cross = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
        body = {"name": "mine", "query": ""}
        assert client.post("/api/v1/saved", json=body, headers=cross).status_code == 403


def test_whoever_asks_too_often_is_told_when_to_come_back(
    web_store: StoreUrl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "QUERIES", Rate(burst=3, per_second=0.001))
    with served(web_store) as server, client_of(server) as client:
        answers = [client.get("/api/v1/namespaces") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert int(answers[-1].headers["retry-after"]) > 100
