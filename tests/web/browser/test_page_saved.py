"""Saved queries as tabs, and addresses that show the same again."""

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import expect
from web.browser.conftest import Site
from web.browser.reading import Reader


@pytest.fixture
def tabs(site: Site) -> Iterator[None]:
    """No tabs are left behind."""
    yield
    with httpx.Client(base_url=site.url, timeout=30) as client:
        for each in client.get("/api/v1/saved").json()["saved"]:
            client.delete(f"/api/v1/saved/{each['id']}")


def names(reader: Reader) -> list[str]:
    """The tabs from left to right."""
    return [
        text.split("\n")[0].strip("•")
        for text in reader.page.locator("#tabs .tab:not(.add)").all_inner_texts()
    ]


def save(reader: Reader, name: str) -> None:
    """Save what is shown as a tab."""
    reader.button("Save this query as a tab").click()
    reader.page.get_by_role("textbox", name="Save this query as").fill(name)
    reader.page.keyboard.press("Enter")
    expect(reader.page.locator("#tabs .tab", has_text=name)).to_have_attribute("aria-current", "page")


def act(reader: Reader, name: str, action: str, role: str = "menuitem") -> None:
    """Choose from the menu of a tab."""
    reader.button(f"Actions for {name}").click()
    reader.page.locator(f"[role={role}]", has_text=action).click()


def test_a_tab_keeps_query_range_namespaces_and_columns(reader: Reader, tabs: None) -> None:
    reader.open("consumer", ns="prod", cols=["pod"], since="6h")
    save(reader, "Consumers")
    reader.page.get_by_role("link", name="All logs").click()
    reader.settled()
    assert reader.parameter("q") == []
    reader.page.get_by_role("link", name="Consumers").click()
    reader.settled()
    assert [reader.parameter(name) for name in ("q", "ns", "cols", "since")] == [
        ["consumer"],
        ["prod"],
        ["pod"],
        ["6h"],
    ]
    expect(reader.page.get_by_role("combobox", name="Query")).to_have_value("consumer")


def test_changes_are_marked_saved_or_undone(reader: Reader, tabs: None) -> None:
    reader.open("consumer")
    save(reader, "Mine")
    reader.ask("consumer level>=error")
    expect(reader.page.locator("#tabs .changed")).to_be_visible()
    act(reader, "Mine", "Undo the changes")
    expect(reader.page.get_by_role("combobox", name="Query")).to_have_value("consumer")
    expect(reader.page.locator("#tabs .changed")).to_have_count(0)
    reader.ask("redis")
    act(reader, "Mine", "Save the changes")
    expect(reader.page.locator("#tabs .changed")).to_have_count(0)
    reader.page.reload()
    reader.settled()
    expect(reader.page.get_by_role("link", name="Mine")).to_be_visible()
    expect(reader.page.locator("#tabs .changed")).to_have_count(0)


def test_tabs_are_moved_renamed_shared_and_deleted(reader: Reader, tabs: None) -> None:
    reader.open("consumer")
    for name in ("one", "two", "three"):
        save(reader, name)
    assert names(reader) == ["All logs", "one", "two", "three"]
    act(reader, "three", "Move left")
    expect(reader.page.locator("#tabs .tab").nth(2)).to_contain_text("three")
    assert names(reader) == ["All logs", "one", "three", "two"]
    act(reader, "three", "Rename")
    reader.page.get_by_role("textbox", name="Rename this query").fill("drei")
    reader.page.keyboard.press("Enter")
    expect(reader.page.get_by_role("link", name="drei")).to_be_visible()
    act(reader, "drei", "Share with everybody", "menuitemcheckbox")
    expect(reader.page.locator("#tabs .shared")).to_be_visible()
    act(reader, "drei", "Delete")
    expect(reader.page.get_by_role("link", name="drei")).to_have_count(0)
    assert names(reader) == ["All logs", "one", "two"]


def test_tabs_are_dragged_to_another_place(reader: Reader, tabs: None) -> None:
    reader.open("consumer")
    for name in ("one", "two", "three"):
        save(reader, name)
    reader.page.get_by_role("link", name="three").drag_to(reader.page.get_by_role("link", name="one"))
    expect(reader.page.locator("#tabs .tab").nth(1)).to_contain_text("three")


def test_tabs_are_reached_with_keys(reader: Reader, tabs: None) -> None:
    reader.open("consumer")
    save(reader, "one")
    reader.page.keyboard.press("[")
    expect(reader.page.get_by_role("link", name="All logs")).to_have_attribute("aria-current", "page")
    reader.page.keyboard.press("]")
    expect(reader.page.get_by_role("link", name="one")).to_have_attribute("aria-current", "page")


def test_an_address_shows_the_same_again(reader: Reader) -> None:
    reader.open("level>=error | top 3 pod", ns="prod", shape="table", since="12h")
    rows = reader.page.locator("#table tbody").inner_text()
    reader.page.goto(reader.page.url)
    reader.settled()
    assert reader.page.locator("#table tbody").inner_text() == rows
    expect(reader.page.locator("#time")).to_have_text("Last 12 hours")
    expect(reader.page.locator("#namespaces")).to_have_text("prod")


def test_going_back_shows_what_was_shown(reader: Reader) -> None:
    reader.open("consumer")
    reader.ask("redis")
    reader.page.go_back()
    reader.settled()
    expect(reader.page.get_by_role("combobox", name="Query")).to_have_value("consumer")
    expect(reader.rows.last).to_contain_text("consumer")
