"""The page in a real browser, on the embedded store with the shipped captures."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
from logq.stores import Source
from playwright.sync_api import Browser, sync_playwright
from web.browser.reading import Reader
from web.browser.sample import load_sample
from web.serving import served

from loghouse.config import StoreUrl
from loghouse.store.client import Store
from loghouse.store.migrate import migrate


@dataclass(frozen=True)
class Site:
    """A web server and its store; the sample's newest line is of `newest`."""

    url: str
    store_url: StoreUrl
    newest: datetime

    def source(self, namespace: str, **more: Any) -> Source:
        """A container that writes into a namespace of its own."""
        identity = crc32(f"{namespace} {more}".encode())
        return Source(self.store_url, namespace=namespace, identity=identity, **more)


@pytest.fixture(scope="session")
def site(store_url: StoreUrl) -> Iterator[Site]:
    """The server for all tests; those that write do so in namespaces of their own."""
    newest = datetime.now(UTC)
    url = replace(store_url, database="browsed")
    with Store(url) as store:
        migrate(store)
    load_sample(url, newest)
    with served(url) as server:
        yield Site(server.url, url, newest)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, as Debian packages it."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no Chromium (see tests/install-servers.sh)")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def reader(browser: Browser, site: Site) -> Iterator[Reader]:
    """Somebody at a desk; whatever the browser complains about fails the test."""
    context = browser.new_context(
        viewport={"width": 1400, "height": 860}, timezone_id="UTC", accept_downloads=True
    )
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    someone = Reader(context.new_page(), site.url)
    yield someone
    context.close()
    assert someone.problems == []


@pytest.fixture
def captures() -> Path:
    """The sample node's files."""
    return Path(__file__).parents[2] / "data" / "node" / "var" / "log" / "pods"
