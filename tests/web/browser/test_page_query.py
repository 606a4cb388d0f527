"""The query bar: completion, errors where they are, what was asked before."""

from datetime import UTC, datetime, timedelta

from playwright.sync_api import expect
from web.browser.conftest import Site
from web.browser.reading import Reader


def test_fields_values_and_stages_are_completed(reader: Reader) -> None:
    reader.open("")
    area = reader.page.get_by_role("combobox", name="Query")
    reader.page.keyboard.press("/")
    expect(area).to_be_focused()
    area.press_sequentially("contai")
    options = reader.page.get_by_role("option")
    expect(options.first).to_contain_text("container")
    area.press("Tab")
    expect(area).to_have_value("container")
    area.press_sequentially("=consumer-m")
    expect(options.filter(has_text="consumer-mail")).to_be_visible()
    area.press("ArrowDown")
    assert area.get_attribute("aria-activedescendant") == "choice-0"
    area.press("Enter")
    expect(area).to_have_value("container=consumer-mail")
    area.press_sequentially(" | to")
    expect(options.first).to_contain_text("top")
    area.press("Escape")
    expect(options).to_have_count(0)
    area.press_sequentially("p pod")
    with reader.page.expect_response("**/api/v1/search?*"):
        area.press("Enter")
    expect(reader.page.locator("#table td").first).to_have_text("consumer-mail-0")


def test_what_begins_so_is_offered_before_what_only_holds_it(reader: Reader) -> None:
    reader.open("")
    reader.page.get_by_role("combobox", name="Query").press_sequentially("sta")
    options = reader.page.get_by_role("option")
    expect(options.first).to_contain_text("status")
    expect(options.filter(has_text="timestamp")).to_be_visible()


def test_an_error_is_underlined_at_its_column_and_told(reader: Reader) -> None:
    reader.open("")
    reader.ask("status >> 500")
    wrong = reader.page.locator("#query-colours .wrong")
    expect(wrong).to_have_text(">>")
    expect(reader.page.locator("#query-error")).to_contain_text("Column 8")
    expect(reader.page.get_by_role("combobox", name="Query")).to_have_attribute("aria-invalid", "true")
    reader.ask("status >= 500")
    expect(reader.page.locator("#query-error")).to_be_hidden()
    reader.problems.clear()  # the browser logs the status 400


def test_an_error_at_the_end_and_behind_wide_characters_is_underlined(reader: Reader) -> None:
    reader.open("")
    reader.ask('"😀 köln" status =')
    expect(reader.page.locator("#query-colours .wrong")).to_have_text(" ")
    reader.ask('"😀" foo >> 1')
    expect(reader.page.locator("#query-colours .wrong")).to_have_text(">>")
    reader.problems.clear()


def test_a_misspelled_field_is_hinted_at(reader: Reader) -> None:
    reader.open("statsu=500")
    expect(reader.page.locator("#query-error")).to_contain_text('did you mean "status"')
    expect(reader.page.locator("#query-colours .wrong")).to_have_text("statsu")


def test_what_was_asked_before_comes_back(reader: Reader) -> None:
    reader.open("")
    reader.ask("consumer")
    reader.ask("redis")
    area = reader.page.get_by_role("combobox", name="Query")
    area.fill("")
    area.press("ArrowUp")
    expect(area).to_have_value("redis")
    area.press("ArrowUp")
    expect(area).to_have_value("consumer")
    area.press("ArrowDown")
    expect(area).to_have_value("redis")


def test_found_words_are_marked(reader: Reader) -> None:
    reader.open("handled", ns="prod")
    expect(reader.page.locator("#rows mark").first).to_have_text("handled", ignore_case=True)


def test_a_query_of_several_lines_is_written_and_run(reader: Reader) -> None:
    reader.open("")
    area = reader.page.get_by_role("combobox", name="Query")
    area.fill("level>=error")
    area.press("Shift+Enter")
    area.press_sequentially("| count()")
    area.press("Escape")
    area.focus()
    with reader.page.expect_response("**/api/v1/search?*"):
        area.press("Enter")
    expect(reader.page.locator("#table tbody tr")).to_have_count(1)


def test_nothing_found_says_where_there_is_something(reader: Reader, site: Site) -> None:
    site.source("long-ago").write(b"it was", at=datetime.now(UTC) - timedelta(hours=2))
    # A page that follows would soon show a line that was stored just now, late as it is.
    reader.open("was", ns="long-ago", since="1h", live="off")
    expect(reader.page.get_by_text("Nothing found in this time range")).to_be_visible()
    reader.page.locator("#empty").get_by_role("button").first.click()
    reader.settled()
    expect(reader.rows.first).to_be_visible()


def test_a_new_question_gives_up_the_old_one(reader: Reader) -> None:
    reader.open("")
    reader.page.route("**/api/v1/search?query=slow*", lambda route: None)  # never answered
    area = reader.page.get_by_role("combobox", name="Query")
    area.fill("slow")
    with reader.page.expect_event("requestfailed", lambda request: "query=slow" in request.url):
        area.press("Enter")
        area.fill("consumer")
        area.press("Enter")
    reader.settled()
    expect(reader.rows.last).to_contain_text("consumer")
