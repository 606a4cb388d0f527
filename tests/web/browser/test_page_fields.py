"""Fields: the panel narrows the query, columns are chosen, a line shows all it has."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect
from web.browser.conftest import Site
from web.browser.reading import Reader

RECORDS = [
    b'{"message":"paid","user":{"name":"ann"},"amount":12.5,"big":12345678901234567890,"vip":true,"note":null,"tags":["a","b"],"request_id":"r-1"}',
    b'{"message":"refused","user":{"name":"bob"},"amount":7,"vip":false,"request_id":"r-2"}',
    b'{"message":"paid","user":{"name":"bob"},"amount":7,"vip":false,"request_id":"r-2","level":"warn"}',
    b"plain text without fields",
]
NODE = "orders-1"  # no other test writes on it


@pytest.fixture(scope="session")
def orders(site: Site) -> str:
    """A namespace with typed records."""
    at = datetime.now(UTC) - timedelta(minutes=20)
    source = site.source(
        "orders", pod="shop-7c9", container="shop", node=NODE, labels={"app": "shop", "tier/x": "web"}
    )
    source.write(*RECORDS, at=[at + timedelta(seconds=second) for second in range(len(RECORDS))])
    other = site.source("orders", pod="worker-1", container="job", node=NODE)
    other.write(b'{"message":"worked","request_id":"r-2"}', at=at + timedelta(seconds=10))
    return "orders"


def field(reader: Reader, name: str) -> None:
    """Open a field of the panel."""
    reader.page.locator("#fields .field-name").filter(has_text=name).first.click()


def test_top_values_include_and_exclude(reader: Reader, orders: str) -> None:
    reader.open("", ns=orders)
    field(reader, "user.name")
    expect(reader.page.locator("#fields .value-name", has_text="bob")).to_be_visible()
    reader.button("Only bob").click()
    reader.settled()
    expect(reader.page.get_by_role("combobox", name="Query")).to_have_value('user.name="bob"')
    reader.count("2 lines")
    reader.page.go_back()
    reader.count("5 lines")
    reader.button("Without bob").click()
    reader.count("3 lines")  # those without the field stay
    assert reader.parameter("q") == ['user.name!="bob"']


@pytest.mark.parametrize(
    ("name", "value", "only", "without"),
    [("amount", "7", 2, 3), ("vip", "true", 1, 4), ("level", "warning", 1, 4), ("~app", "shop", 4, 1)],
)
def test_every_kind_of_value_can_be_chosen(
    reader: Reader, orders: str, name: str, value: str, only: int, without: int
) -> None:
    reader.open("", ns=orders)
    if name != "level":
        field(reader, name)
    reader.page.locator("#fields").get_by_role("button", name=f"Only {value}", exact=True).click()
    reader.count(f"{only} line{'s' * (only != 1)}")
    reader.page.go_back()
    reader.count("5 lines")
    reader.page.locator("#fields").get_by_role("button", name=f"Without {value}", exact=True).click()
    reader.count(f"{without} line{'s' * (without != 1)}")


def test_a_condition_goes_before_the_stages_and_around_an_or(reader: Reader, orders: str) -> None:
    reader.open("paid or refused", ns=orders)
    field(reader, "amount")
    reader.button("Only 7").click()
    reader.count("2 lines")
    assert reader.parameter("q") == ["(paid or refused) amount=7"]
    reader.ask("paid or refused | fields user.name")
    reader.button("Only 7").click()
    reader.count("2 lines")
    assert reader.parameter("q") == ["(paid or refused) amount=7 | fields user.name"]


def test_a_field_is_found_by_its_name(reader: Reader, orders: str) -> None:
    reader.open("", ns=orders)
    expect(reader.page.locator("#fields .field-name").filter(has_text="amount")).to_be_visible()
    reader.page.get_by_role("searchbox", name="Find a field").fill("user")
    expect(reader.page.locator("#fields .field")).to_have_count(1)


def test_columns_are_chosen_moved_and_removed(reader: Reader, orders: str) -> None:
    reader.open("", ns=orders)
    head = reader.page.get_by_role("columnheader")
    for name in ("amount", "user.name"):
        reader.page.locator("#fields .field", has_text=name).hover()
        reader.button(f"Show {name} as a column").click()
    expect(head).to_have_text(["Time", "Lvl", "Source", "amount", "user.name", "Message"])
    cells = reader.rows.filter(has_text="refused").locator(".cell")
    expect(cells).to_have_text(["7", "bob"])
    reader.button("Column user.name").click()
    reader.page.get_by_role("menuitem", name="Move left").click()
    expect(head).to_have_text(["Time", "Lvl", "Source", "user.name", "amount", "Message"])
    assert reader.parameter("cols") == ["user.name", "amount"]
    reader.button("Column amount").click()
    reader.page.get_by_role("menuitem", name="Remove this column").click()
    expect(head).to_have_text(["Time", "Lvl", "Source", "user.name", "Message"])


def opened(reader: Reader, orders: str, text: str, query: str = "") -> None:
    """Open a line."""
    reader.open(query, ns=orders)
    reader.rows.filter(has_text=text).first.click()
    expect(reader.page.locator(".detail")).to_be_visible()


def test_an_opened_line_shows_every_field_with_its_type(reader: Reader, orders: str) -> None:
    opened(reader, orders, "ann")
    shown = {}
    for row in reader.page.locator(".field-table tr").all():
        cells = row.locator("td").all_inner_texts()
        shown[row.locator("th").inner_text()] = (cells[0], cells[1])
    assert shown["amount"] == ("number", "12.5")
    assert shown["big"] == ("number", "12345678901234567890")
    assert shown["vip"] == ("bool", "true")
    assert shown["note"] == ("null", "null")
    assert shown["tags"] == ("list", '["a","b"]')
    assert shown["user.name"] == ("text", "ann")
    assert shown["~tier/x"] == ("label", "web")
    assert shown["pod"] == ("column", "shop-7c9")
    reader.page.get_by_role("tab", name="JSON").click()
    told = json.loads(reader.page.get_by_label("JSON", exact=True).filter(has_text="{").inner_text())
    assert told["fields"]["big"] == 12345678901234567890
    reader.page.keyboard.press("ArrowRight")
    expect(reader.page.locator("pre.raw")).to_have_text(RECORDS[0].decode())


def test_a_field_of_an_opened_line_narrows_the_query(reader: Reader, orders: str) -> None:
    opened(reader, orders, "ann")
    reader.button("Without this vip").click()
    reader.count("4 lines")
    assert reader.parameter("q") == ["not vip is true"]


def test_lines_are_copied_as_written_and_as_json(reader: Reader, orders: str) -> None:
    opened(reader, orders, "ann")
    pasted = "() => navigator.clipboard.readText()"
    reader.button("Copy the line as it was written").click()
    expect(reader.page.locator("#notices")).to_contain_text("Line copied")
    assert reader.page.evaluate(pasted) == RECORDS[0].decode()
    reader.button("Copy the line as JSON").click()
    expect(reader.page.locator("#notices")).to_contain_text("JSON copied")
    assert json.loads(reader.page.evaluate(pasted))["fields"]["user.name"] == "ann"
    reader.button("Copy user.name").click()
    expect(reader.page.locator("#notices")).to_contain_text("user.name copied")
    assert reader.page.evaluate(pasted) == "ann"


@pytest.mark.parametrize(
    ("across", "expected"),
    [
        ("stream", ["paid", "refused", "paid", "plain text without fields"]),
        ("pod", ["paid", "refused", "paid", "plain text without fields"]),
        ("node", ["paid", "refused", "paid", "plain text without fields", "worked"]),
        ("request_id", ["refused", "paid", "worked"]),
    ],
)
def test_context_of_a_line(reader: Reader, orders: str, across: str, expected: list[str]) -> None:
    opened(reader, orders, "refused", "refused")
    reader.button(f"Context: same {across}").click()
    lines = reader.page.locator("#context .row")
    expect(lines.locator(".text")).to_have_text(expected)
    expect(reader.page.locator("#context .row.target .text")).to_have_text("refused")
    expect(reader.page.locator("#context .row.target")).to_be_focused()
    reader.page.keyboard.press("ArrowDown")
    reader.page.keyboard.press("Enter")
    expect(reader.page.locator("#context .field-table")).to_be_visible()
    reader.page.keyboard.press("Escape")
    expect(reader.page.locator("#context")).to_be_hidden()


def test_a_link_to_a_line_opens_it_among_its_neighbours(reader: Reader, orders: str) -> None:
    opened(reader, orders, "ann", "paid")
    reader.button("Copy a link to this line").click()
    expect(reader.page.locator("#notices")).to_contain_text("Link copied")
    link = reader.page.evaluate("() => navigator.clipboard.readText()")
    reader.page.goto(link)
    reader.settled()
    expect(reader.page.locator(".row.expanded .text")).to_have_text("paid")
    expect(reader.page.locator(".detail")).to_be_in_viewport()
    assert reader.messages() == ["paid", "paid"]


def test_around_this_moment_shows_everything_near_a_line(reader: Reader, orders: str) -> None:
    opened(reader, orders, "ann", "paid")
    reader.button("Everything around this moment").click()
    reader.count("5 lines")
    expect(reader.page.locator(".row.expanded")).to_contain_text("ann")


def test_namespaces_are_chosen_from_a_list_and_by_a_pattern(reader: Reader, orders: str) -> None:
    reader.open("")
    reader.page.locator("#namespaces").click()
    search = reader.page.get_by_role("searchbox", name="Find a namespace")
    expect(search).to_be_focused()
    search.fill("orde")
    search.press("Enter")
    reader.count("5 lines")
    search.fill("staging")
    reader.page.get_by_role("checkbox", name="staging").check()
    assert reader.parameter("ns") == ["orders", "staging"]
    expect(reader.page.locator("#namespaces")).to_have_text("orders, staging")
    search.fill("ord*")
    reader.button("Choose all that match ord*").click()
    assert reader.parameter("ns") == ["orders", "staging", "ord*"]
    reader.page.keyboard.press("Escape")
    expect(reader.page.locator("#namespaces")).to_be_focused()
