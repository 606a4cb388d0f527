"""The page as a person uses it: what is seen, typed and clicked."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Literal
from urllib.parse import urlencode

from playwright.sync_api import Locator, Page, expect

LIMIT = 20_000  # milliseconds; a busy machine takes some
expect.set_options(timeout=LIMIT)


class Reader:
    """Somebody in front of a browser; `problems` is what its console complained about."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.problems: list[str] = []
        page.set_default_timeout(LIMIT)
        page.on("pageerror", lambda error: self.problems.append(f"{error}\n{error.stack}"))
        page.on(
            "console",
            lambda message: (
                self.problems.append(message.text) if message.type in ("error", "warning") else None
            ),
        )

    def open(self, query: str = "", **view: object) -> Reader:
        """Open the page at an address and wait for its answer."""
        given: dict[str, object] = {"since": "24h", "tz": "utc", "q": query, **view}
        if "from" in given:
            del given["since"]
        self.page.goto(f"{self.url}?{urlencode(given, doseq=True)}")
        return self.settled()

    def settled(self) -> Reader:
        """Wait until nothing is asked for."""
        expect(self.page.locator("body.busy")).to_have_count(0)
        return self

    def ask(self, query: str) -> Reader:
        """Type a query in place of the old one and run it."""
        area = self.page.get_by_role("combobox", name="Query")
        area.fill(query)
        with self.page.expect_response(lambda response: "/api/v1/search?" in response.url):
            area.press("Enter")
        return self.settled()

    @property
    def rows(self) -> Locator:
        """The lines that are drawn."""
        return self.page.locator("#rows .row")

    def messages(self) -> list[str]:
        """The texts of the lines that are drawn, from above."""
        return self.page.locator("#rows .row .text").all_inner_texts()

    def loaded(self) -> int:
        """How many lines the list is high."""
        height = self.page.locator("#rows .spacer").evaluate("(element) => element.clientHeight")
        return round(int(height) / 20)

    def button(self, name: str) -> Locator:
        """A button by what it is called."""
        return self.page.get_by_role("button", name=name, exact=True)

    def menu(self, item: str, role: Literal["menuitem", "menuitemcheckbox"] = "menuitem") -> None:
        """Choose from the menu of further actions."""
        self.button("More").click()
        self.page.get_by_role(role, name=item).click()

    def parameter(self, name: str) -> list[str]:
        """A part of the address."""
        return list(self.page.evaluate("(name) => new URLSearchParams(location.search).getAll(name)", name))

    def count(self, text: str) -> None:
        """Wait until the page says how many there are."""
        expect(self.page.locator("#count")).to_have_text(text)


def eventually(condition: Callable[[], Any], what: str) -> None:
    """Wait until something is true."""
    deadline = time.monotonic() + LIMIT / 1000
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited in vain for {what}")
        time.sleep(0.03)
