"""The page in a real browser, on the embedded store with the shipped captures."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from zlib import crc32

import pytest
from logq.stores import Source
from playwright.sync_api import Browser, BrowserContext, sync_playwright
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
def site(store_url: StoreUrl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The server for all tests; those that write do so in namespaces of their own."""
    newest = datetime.now(UTC)
    url = replace(store_url, database="browsed")
    with Store(url) as store:
        migrate(store)
    load_sample(url, newest, tmp_path_factory.mktemp("sample"))
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


@pytest.fixture(scope="session")
def desk(browser: Browser) -> Iterator[BrowserContext]:
    """A browser that has the page's files already."""
    # Nothing moves: drawing without a graphics card takes a core.
    context = browser.new_context(
        viewport={"width": 1400, "height": 860}, timezone_id="UTC", reduced_motion="reduce"
    )
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    # Each new page is that of somebody new.
    context.add_init_script(
        "if (!sessionStorage.length) { localStorage.clear(); sessionStorage.opened = 1; }"
    )
    yield context
    context.close()


@pytest.fixture
def reader(desk: BrowserContext, site: Site) -> Iterator[Reader]:
    """Somebody at a desk; whatever the browser complains about fails the test."""
    someone = Reader(desk.new_page(), site.url)
    yield someone
    someone.page.close()
    assert someone.problems == []
