"""Choosing a time: how far back, from and to, around a moment, and by drawing over the chart."""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect
from web.browser.conftest import Site
from web.browser.reading import Reader, eventually


@pytest.fixture
def spread(site: Site) -> datetime:
    """A namespace with a line each minute of an hour; the time of the first."""
    start = datetime.now(UTC).replace(second=30, microsecond=0) - timedelta(hours=2)
    source = site.source("spread")
    if not getattr(site, "_spread", None):
        source.write(
            *(b"minute %02d" % minute for minute in range(60)),
            at=[start + timedelta(minutes=minute) for minute in range(60)],
        )
        object.__setattr__(site, "_spread", start)
    return getattr(site, "_spread", start)


def ns_time(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_an_age_is_chosen(reader: Reader, spread: datetime) -> None:
    reader.open("", ns="spread")
    reader.page.locator("#time").click()
    reader.page.get_by_role("button", name="Last 3 hours").click()
    reader.settled()
    reader.count("60 lines")
    assert reader.parameter("since") == ["3h"]
    expect(reader.page.locator("#time")).to_have_text("Last 3 hours")


def test_an_age_of_ones_own_is_typed(reader: Reader, spread: datetime) -> None:
    reader.open("", ns="spread")
    reader.page.keyboard.press("t")
    own = reader.page.get_by_role("textbox", name="Another age")
    own.fill("soon")
    own.press("Enter")
    assert own.evaluate("(input) => input.validationMessage") == "Write it like 90m, 36h or 3d"
    own.fill("90m")
    own.press("Enter")
    reader.settled()
    assert reader.parameter("since") == ["90m"]


def test_from_and_to_are_typed(reader: Reader, spread: datetime) -> None:
    reader.open("", ns="spread")
    reader.page.locator("#time").click()
    first, last = spread + timedelta(minutes=10), spread + timedelta(minutes=19, seconds=1)
    reader.page.get_by_role("textbox", name="From this time").fill(first.strftime("%Y-%m-%dT%H:%M:%S"))
    reader.page.get_by_role("textbox", name="To this time").fill(last.strftime("%Y-%m-%dT%H:%M:%S"))
    reader.button("Show this range").click()
    reader.settled()
    reader.count("10 lines")
    assert reader.messages() == [f"minute {minute}" for minute in range(10, 20)]


def test_a_time_in_words_is_understood_and_a_wrong_one_is_told(reader: Reader, spread: datetime) -> None:
    reader.open("", ns="spread")
    reader.page.locator("#time").click()
    reader.page.get_by_role("textbox", name="From this time").fill("now-2d")
    reader.page.get_by_role("textbox", name="To this time").fill("")
    reader.button("Show this range").click()
    reader.settled()
    reader.count("60 lines")
    reader.page.locator("#time").click()
    reader.page.get_by_role("textbox", name="From this time").fill("whenever")
    reader.button("Show this range").click()
    expect(reader.page.locator("#errors")).to_contain_text("whenever")
    reader.problems.clear()


def test_around_a_moment_shows_lines_before_and_after_it(reader: Reader, spread: datetime) -> None:
    reader.open("", ns="spread")
    moment = spread + timedelta(minutes=30, seconds=10)
    reader.page.locator("#time").click()
    reader.page.get_by_label("The moment").fill(moment.strftime("%Y-%m-%dT%H:%M:%S"))
    reader.page.get_by_label("How much before and after").select_option("5m")
    reader.button("Go").click()
    reader.settled()
    reader.count("10 lines")
    assert reader.messages() == [f"minute {minute}" for minute in range(26, 36)]
    expect(reader.page.locator(".row.active")).to_contain_text("minute 31")
    expect(reader.page.locator("#histogram .moment")).to_be_visible()
    expect(reader.page.locator("#live")).to_have_attribute("data-state", "off")


def test_seeking_scrolls_both_ways(reader: Reader, site: Site) -> None:
    start = datetime.now(UTC) - timedelta(minutes=40)
    site.source("seek").write(
        *(b"step %04d" % number for number in range(1000)),
        at=[start + timedelta(seconds=number) for number in range(1000)],
    )
    middle = start + timedelta(seconds=500)
    reader.open(
        "",
        ns="seek",
        at=middle.strftime("%Y-%m-%dT%H:%M:%S.%f") + "000Z",
        **{"from": ns_time(start - timedelta(minutes=1)), "to": ns_time(start + timedelta(minutes=30))},
    )
    expect(reader.page.locator(".row.active")).to_contain_text("step 0500")
    expect(reader.page.locator(".row.active")).to_be_in_viewport()
    rows = reader.page.locator("#rows")
    for wanted, top in (("step 0000", 0), ("step 0999", 10**7)):

        def there(text: str = wanted, to: int = top) -> bool:
            rows.evaluate("(rows, top) => rows.scrollTo(0, top)", to)
            return text in reader.messages()

        eventually(there, wanted)
    assert reader.loaded() == 1000


def test_drawing_over_the_chart_zooms_in_and_out_again(reader: Reader, spread: datetime) -> None:
    reader.open("", ns="spread", **{"from": ns_time(spread), "to": ns_time(spread + timedelta(hours=1))})
    box = reader.page.locator("#histogram .area").bounding_box()
    assert box is not None
    reader.count("60 lines")
    reader.page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + 20)
    reader.page.mouse.down()
    reader.page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 20, steps=4)
    expect(reader.page.locator(".brush")).to_be_visible()
    tip = reader.page.locator("#histogram .tip")
    expect(tip).to_be_visible()
    before = tip.inner_text()
    with reader.page.expect_response("**/api/v1/hist?*"):
        reader.page.mouse.up()
    reader.settled()
    reader.count("15 lines")
    expect(tip).not_to_have_text(before, use_inner_text=True)  # but of the bar there now
    reader.page.keyboard.press("z")
    reader.count("30 lines")
    reader.page.go_back()
    reader.count("15 lines")


def test_the_chart_is_used_with_the_keyboard(reader: Reader, spread: datetime) -> None:
    reader.open("", ns="spread", **{"from": ns_time(spread), "to": ns_time(spread + timedelta(hours=1))})
    reader.count("60 lines")
    area = reader.page.locator("#histogram .area")
    area.focus()
    area.press("ArrowRight")
    area.press("ArrowRight")
    area.press("Shift+ArrowRight")
    area.press("Shift+ArrowRight")
    expect(reader.page.locator("#histogram .said")).to_contain_text("unknown")
    area.press("Enter")
    reader.count("3 lines")


def test_earlier_and_later_move_by_the_length_of_the_range(reader: Reader, spread: datetime) -> None:
    start = spread + timedelta(minutes=20)
    reader.open("", ns="spread", **{"from": ns_time(start), "to": ns_time(start + timedelta(minutes=10))})
    reader.count("10 lines")
    reader.button("Earlier").click()
    eventually(lambda: reader.messages()[:1] == ["minute 10"], "the ten minutes before")
    reader.button("Later").click()
    eventually(lambda: reader.messages()[:1] == ["minute 20"], "the ten minutes after")


def test_times_can_be_read_in_utc(reader: Reader, spread: datetime) -> None:
    reader.open("", ns="spread", tz="")
    reader.menu("Times in UTC", "menuitemcheckbox")
    assert reader.parameter("tz") == ["utc"]
    expect(reader.rows.last.locator(".time")).to_contain_text(
        (spread + timedelta(minutes=59)).strftime("%H:%M:30.000")
    )
