"""Logging in elsewhere: at an OpenID Connect provider, and at a proxy that stands in front of the page."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from logq.stores import wait_for
from playwright.sync_api import Browser, expect
from servers import free_port, stop
from web.browser.conftest import Site
from web.browser.reading import Reader
from web.serving import served

from loghouse.web.server import Serving, WebServer

PROVIDED = """
mode = "oidc"
[oidc]
issuer = "{issuer}"
client_id = "loghouse"
client_secret_file = "client-secret"
redirect_url = "http://127.0.0.1:{port}/login/callback"
[groups.shop]
namespaces = ["prod"]
"""
PROXIED = """
mode = "proxy"
[proxy]
trusted = ["127.0.0.1/32"]
[users.ann]
namespaces = ["staging"]
"""
NGINX = """
daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    auth_basic "logs";
    auth_basic_user_file {folder}/passwords;
    location / {{
      proxy_pass {page};
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-User $remote_user;
      proxy_set_header X-Forwarded-Groups "";
      proxy_set_header Authorization "";
    }}
  }}
}}
"""


@pytest.fixture
def provider() -> Iterator[str]:
    """The address of an OpenID Connect provider that knows one person."""
    known = {"sub": "ann", "email": "ann@example.org", "email_verified": True, "groups": ["shop"]}
    port = free_port()
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port)]
    with open(os.devnull, "w") as nowhere:
        running = subprocess.Popen(
            [*command, "--user-claims", json.dumps(known)], stdout=nowhere, stderr=nowhere, text=True
        )
    try:
        wait_for(lambda: _accepts(port), "the provider")
        yield f"http://127.0.0.1:{port}"
    finally:
        stop(running)


@pytest.fixture
def provided(site: Site, provider: str, tmp_path: Path) -> Iterator[str]:
    """The address of a page where people log in at the provider."""
    port = free_port()
    (tmp_path / "client-secret").write_text("client secret\n")
    access = tmp_path / "access.toml"
    access.write_text(PROVIDED.format(issuer=provider, port=port))
    server = WebServer(Serving("127.0.0.1", port, access), site.store_url)
    server.start()
    try:
        yield server.url
    finally:
        server.stop()


def test_the_login_of_a_provider_comes_back_to_what_was_asked_for(browser: Browser, provided: str) -> None:
    context = browser.new_context(viewport={"width": 1400, "height": 860})
    reader = Reader(context.new_page(), provided)
    page = reader.page
    reader.open("| top 10 namespace")
    page.get_by_role("link", name="Log in").click()
    # Now at the provider: first somebody says no there.
    page.get_by_role("button", name="Deny").click()
    expect(page.locator("body")).to_contain_text("the provider refused the login (access_denied)")
    page.get_by_role("link", name="Try again").click()
    expect(page.get_by_role("link", name="Log in")).to_be_visible()
    reader.open("| top 10 namespace")
    page.get_by_role("link", name="Log in").click()
    page.get_by_role("button", name="ann", exact=True).click()
    expect(page.locator("#user")).to_have_text("ann@example.org")
    assert reader.parameter("q") == ["| top 10 namespace"]
    expect(page.locator("#table tbody tr")).to_have_count(1)
    expect(page.locator("#table tbody")).to_contain_text("prod")
    page.locator("#user").click()
    page.get_by_role("menuitem", name="Log out").click()
    expect(page.get_by_role("link", name="Log in")).to_be_visible()
    context.close()


@pytest.fixture
def proxied(site: Site, tmp_path: Path) -> Iterator[str]:
    """The address of an nginx that asks for a password and tells the page who came."""
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    if not Path(program).exists():
        pytest.skip("no nginx (see tests/install-servers.sh)")
    access = tmp_path / "access.toml"
    access.write_text(PROXIED)
    (tmp_path / "passwords").write_text("ann:{PLAIN}open sesame\nben:{PLAIN}open sesame\n")
    (tmp_path / "passwords").chmod(0o644)
    port = free_port()
    with served(site.store_url, access) as server:
        config = tmp_path / "nginx.conf"
        config.write_text(NGINX.format(folder=tmp_path, port=port, page=server.url.rstrip("/")))
        command = [program, "-c", str(config), "-p", str(tmp_path), "-e", str(tmp_path / "error.log")]
        running = subprocess.Popen(command, text=True)
        try:
            wait_for(lambda: _accepts(port), "nginx")
            yield f"http://127.0.0.1:{port}/"
        finally:
            stop(running)


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_behind_a_proxy_whoever_it_names_reads_his_namespaces(
    browser: Browser, site: Site, proxied: str
) -> None:
    context = browser.new_context(http_credentials={"username": "ann", "password": "open sesame"})
    reader = Reader(context.new_page(), proxied)
    reader.open("| top 10 namespace")
    expect(reader.page.locator("#user")).to_have_text("ann")
    expect(reader.page.locator("#table tbody")).to_contain_text("staging")
    expect(reader.page.locator("#table tbody tr")).to_have_count(1)
    # Live lines come through the proxy as they are stored.
    reader.open("", ns="staging")
    expect(reader.page.locator("#live")).to_have_attribute("data-state", "live")
    assert reader.problems == []
    context.close()
    stranger = browser.new_context(http_credentials={"username": "ben", "password": "open sesame"})
    reader = Reader(stranger.new_page(), proxied)
    reader.open("")
    expect(reader.page.locator("#empty")).to_be_visible()
    expect(reader.rows).to_have_count(0)
    stranger.close()
