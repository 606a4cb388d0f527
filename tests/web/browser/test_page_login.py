"""People who have to log in see what they may see, in the page as in the API."""

from collections.abc import Iterator
from pathlib import Path

import bcrypt
import pytest
from playwright.sync_api import Browser, expect
from web.browser.conftest import Site
from web.browser.reading import Reader
from web.serving import served

ACCESS = """
mode = "users"
[users.ann]
password = "{password}"
namespaces = ["prod"]
[users.bob]
password = "{password}"
namespaces = ["prod", "staging"]
"""


@pytest.fixture(scope="session")
def guarded(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server that knows its users."""
    access = tmp_path_factory.mktemp("access") / "access.toml"
    password = bcrypt.hashpw(b"open sesame", bcrypt.gensalt(4)).decode()
    Path(access).write_text(ACCESS.format(password=password))
    with served(site.store_url, access) as server:
        yield server.url


def log_in(reader: Reader, user: str, password: str = "open sesame") -> None:
    """Fill in the form and send it."""
    reader.page.get_by_role("textbox", name="Name").fill(user)
    reader.page.get_by_label("Password").fill(password)
    reader.button("Log in").click()


def test_a_login_opens_ones_own_namespaces_and_nothing_else(browser: Browser, guarded: str) -> None:
    context = browser.new_context(viewport={"width": 1400, "height": 860})
    reader = Reader(context.new_page(), guarded)
    reader.open("consumer")
    log_in(reader, "ann", "wrong")
    expect(reader.page.get_by_role("alert").filter(has_text="wrong name or password")).to_be_visible()
    log_in(reader, "ann")
    reader.settled()
    expect(reader.rows.last).to_be_visible()
    expect(reader.page.locator("#user")).to_have_text("ann")
    reader.page.locator("#namespaces").click()
    expect(reader.page.locator(".checks .name")).to_have_text(["prod"])
    reader.page.keyboard.press("Escape")
    reader.ask("| top 10 namespace")
    expect(reader.page.locator("#table tbody tr")).to_have_count(1)
    reader.page.locator("#user").click()
    reader.page.get_by_role("menuitem", name="Log out").click()
    expect(reader.page.get_by_label("Password")).to_be_visible()
    context.close()


def test_a_shared_tab_shows_its_owner_and_can_only_be_copied(browser: Browser, guarded: str) -> None:
    contexts = [browser.new_context(viewport={"width": 1400, "height": 860}) for _ in range(2)]
    ann, bob = (Reader(context.new_page(), guarded) for context in contexts)
    ann.open("redis")
    log_in(ann, "ann")
    ann.settled()
    ann.button("Save this query as a tab").click()
    ann.page.get_by_role("textbox", name="Save this query as").fill("Ann's redis")
    ann.page.keyboard.press("Enter")
    ann.button("Actions for Ann's redis").click()
    ann.page.get_by_role("menuitemcheckbox", name="Share with everybody").click()
    expect(ann.page.locator("#tabs .shared")).to_be_visible()
    bob.open("")
    log_in(bob, "bob")
    bob.settled()
    tab = bob.page.locator("#tabs .tab", has_text="Ann's redis")
    expect(tab.locator(".owner")).to_have_text("ann")
    tab.click()
    bob.settled()
    expect(bob.page.get_by_role("combobox", name="Query")).to_have_value("redis")
    bob.button("Actions for Ann's redis").click()
    expect(bob.page.get_by_role("menuitem")).to_have_text(["Save a copy"])
    bob.page.get_by_role("menuitem", name="Save a copy").click()
    bob.page.get_by_role("textbox", name="Save this query as").fill("Mine")
    bob.page.keyboard.press("Enter")
    expect(bob.page.locator("#tabs .tab", has_text="Mine")).to_have_attribute("aria-current", "page")
    for context in contexts:
        context.close()
