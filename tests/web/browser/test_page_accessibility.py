"""The page without a mouse, with a screen reader, and in every colour scheme."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, expect
from web.browser.axe import axe_source, serious_findings
from web.browser.conftest import Site
from web.browser.reading import Reader
from web.serving import served

from loghouse.access.secrets import hashed


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The checker's script."""
    return axe_source(tmp_path_factory.mktemp("axe"))


def expanded(reader: Reader) -> None:
    reader.open("consumer", ns="prod", cols=["channel"])
    reader.rows.last.click()
    expect(reader.page.locator(".field-table")).to_be_visible()


def patterns(reader: Reader) -> None:
    reader.open("", view="patterns")
    expect(reader.page.locator("table.patterns")).to_be_visible()


def table(reader: Reader) -> None:
    reader.open("| stats count() by _time:10m, namespace")
    expect(reader.page.locator("#table .chart")).to_be_visible()


def picker(reader: Reader) -> None:
    reader.open("")
    reader.page.locator("#time").click()


def namespaces(reader: Reader) -> None:
    reader.open("")
    reader.page.locator("#namespaces").click()
    expect(reader.page.get_by_role("checkbox").first).to_be_visible()


def menu(reader: Reader) -> None:
    reader.open("")
    reader.button("More").click()


def completing(reader: Reader) -> None:
    reader.open("")
    reader.page.keyboard.press("/")
    reader.page.keyboard.type("l")
    expect(reader.page.get_by_role("option").first).to_be_visible()


def mistaken(reader: Reader) -> None:
    reader.open("status >> 1")
    expect(reader.page.locator("#query-error")).to_be_visible()
    reader.problems.clear()


def context(reader: Reader) -> None:
    reader.open("consumer", ns="prod")
    reader.page.keyboard.press("k")
    reader.page.keyboard.press("c")
    expect(reader.page.locator("#context .row.target")).to_be_visible()


def helped(reader: Reader) -> None:
    reader.open("")
    reader.page.keyboard.press("?")
    expect(reader.page.locator("#help")).to_be_visible()


def naming(reader: Reader) -> None:
    reader.open("consumer")
    reader.button("Save this query as a tab").click()
    expect(reader.page.get_by_role("textbox", name="Save this query as")).to_be_visible()


def listed_values(reader: Reader) -> None:
    reader.open("consumer")
    expect(reader.page.locator("#fields .value").first).to_be_visible()


FIRST = [expanded, table, picker, mistaken]
VIEWS = [*FIRST, patterns, namespaces, menu, completing, context, helped, naming, listed_values]


@pytest.mark.parametrize(
    ("scheme", "views"),
    [
        ("light", FIRST),
        pytest.param("light", VIEWS, marks=pytest.mark.slow),
        pytest.param("dark", VIEWS, marks=pytest.mark.slow),
    ],
    ids=["light", "light, all", "dark, all"],
)
def test_axe_finds_nothing_serious(
    browser: Browser, site: Site, axe: str, scheme: str, views: Sequence[Callable[[Reader], None]]
) -> None:
    # The checker is a script that the page's policy would refuse.
    page = browser.new_page(bypass_csp=True, viewport={"width": 1400, "height": 860}, reduced_motion="reduce")
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    reader = Reader(page, site.url)
    found = {}
    for show in views:
        show(reader)
        # What is colour only while an answer is awaited is not judged.
        expect(page.locator("#histogram.waiting")).to_have_count(0)
        if findings := serious_findings(page, axe):
            found[show.__name__] = findings
    page.close()
    assert found == {}


def test_axe_finds_nothing_serious_on_a_phone(browser: Browser, site: Site, axe: str) -> None:
    page = browser.new_page(bypass_csp=True, viewport={"width": 390, "height": 800}, reduced_motion="reduce")
    reader = Reader(page, site.url)
    expanded(reader)
    findings = serious_findings(page, axe)
    page.get_by_role("button", name="Field panel").click()
    expect(page.locator("#fields .value").first).to_be_visible()
    findings += serious_findings(page, axe)
    page.close()
    assert findings == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_where_one_logs_in(
    browser: Browser, site: Site, axe: str, tmp_path: Path, scheme: Literal["light", "dark"]
) -> None:
    access = tmp_path / "access.toml"
    access.write_text(f'mode = "users"\n[users.ann]\npassword = "{hashed("open sesame")}"\n')
    page = browser.new_page(bypass_csp=True, reduced_motion="reduce", color_scheme=scheme)
    with served(site.store_url, access) as server:
        Reader(page, server.url).open("")
        page.get_by_role("textbox", name="Name").fill("ann")
        page.get_by_label("Password").fill("wrong")
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("alert").filter(has_text="wrong name or password")).to_be_visible()
        findings = serious_findings(page, axe)
        page.close()
    assert findings == []


def test_the_whole_way_without_a_mouse(reader: Reader) -> None:
    reader.open("")
    keys = reader.page.keyboard
    keys.press("/")
    keys.type("handled level=info")
    with reader.page.expect_response("**/api/v1/search?*"):
        keys.press("Enter")
    reader.settled()
    keys.press("Escape")
    keys.press("k")
    keys.press("Enter")
    expect(reader.page.locator(".detail")).to_be_visible()
    keys.press("c")
    expect(reader.page.locator("#context .row.target")).to_be_focused()
    keys.press("Escape")
    keys.press("t")
    expect(reader.page.get_by_role("button", name="Last 5 minutes")).to_be_focused()
    keys.press("Escape")
    expect(reader.page.locator("#time")).to_be_focused()
    keys.press("n")
    expect(reader.page.get_by_role("searchbox", name="Find a namespace")).to_be_focused()
    keys.press("Escape")
    keys.press("m")
    expect(reader.page.get_by_role("menuitem", name="Download CSV")).to_be_focused()
    keys.press("ArrowDown")
    expect(reader.page.get_by_role("menuitem", name="Download JSON lines")).to_be_focused()
    keys.press("Escape")
    keys.press("f")
    expect(reader.page.locator("#fields")).to_be_hidden()
    keys.press("?")
    expect(reader.page.get_by_role("heading", name="Keys and the query language")).to_be_visible()
    reader.page.get_by_label("Single letters are keys").uncheck()
    keys.press("Escape")
    keys.press("f")
    expect(reader.page.locator("#fields")).to_be_hidden()


def test_the_colours_follow_the_system_until_one_is_chosen(reader: Reader) -> None:
    back = "() => getComputedStyle(document.body).backgroundColor"
    reader.page.emulate_media(color_scheme="light")
    reader.open("")
    light = reader.page.evaluate(back)
    reader.page.emulate_media(color_scheme="dark")
    dark = reader.page.evaluate(back)
    assert light != dark
    reader.button("Colours: as the system").click()
    assert reader.page.evaluate(back) == light
    reader.button("Colours: light").click()
    assert reader.page.evaluate(back) == dark
    reader.page.emulate_media(color_scheme="light")
    reader.page.reload()
    reader.settled()
    assert reader.page.evaluate(back) == dark


def test_a_phone_shows_lines_without_scrolling_sideways(browser: Browser, site: Site) -> None:
    device = browser.new_context(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    reader = Reader(device.new_page(), site.url)
    reader.open("consumer", ns="prod")
    expect(reader.page.locator("#fields")).to_be_hidden()
    assert reader.page.evaluate("() => document.documentElement.scrollWidth") <= 360
    assert reader.page.locator("#rows").evaluate("(rows) => rows.scrollWidth - rows.clientWidth") <= 0
    expect(reader.rows.last).to_be_in_viewport()
    reader.rows.last.tap()
    expect(reader.page.locator(".field-table")).to_be_visible()
    small = [
        button.inner_text()
        for button in reader.page.locator(".bar button:visible").all()
        if (button.bounding_box() or {"height": 0})["height"] < 32
    ]
    assert small == []
    device.close()
    assert reader.problems == []


def test_a_phone_shows_every_button_and_charts_to_read(browser: Browser, site: Site) -> None:
    device = browser.new_context(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    reader = Reader(device.new_page(), site.url)
    reader.open("* | top 5 pod", ns="prod")
    hidden = [
        button.get_attribute("id")
        for button in reader.page.locator(".bar button:visible").all()
        if (box := button.bounding_box()) is None or box["x"] < 0 or box["x"] + box["width"] > 360
    ]
    assert hidden == []
    longest = reader.page.locator(".chart.bars .bar").first.bounding_box()
    assert longest is not None
    assert longest["width"] > 80
    reader.ask("* | stats count() by _time:10m")
    label = reader.page.locator(".chart .label").first.bounding_box()
    assert label is not None
    assert label["height"] > 9
    device.close()
    assert reader.problems == []
