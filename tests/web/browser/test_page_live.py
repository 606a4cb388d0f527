"""Live lines: they come by themselves, wait while somebody reads, and none is lost or doubled."""

from datetime import UTC, datetime, timedelta

from logq.stores import Source
from playwright.sync_api import expect
from web.browser.conftest import Site
from web.browser.reading import Reader, eventually


def write(source: Source, *texts: str) -> None:
    """New lines, a microsecond apart."""
    now = datetime.now(UTC)
    times = [now + timedelta(microseconds=place) for place in range(len(texts))]
    source.write(*(text.encode() for text in texts), at=times)


def followed(reader: Reader, namespace: str) -> None:
    """Open a namespace and wait until it is live."""
    reader.open("", ns=namespace)
    expect(reader.page.locator("#live")).to_have_attribute("data-state", "live")


def test_new_lines_appear_at_the_bottom(reader: Reader, site: Site) -> None:
    source = site.source("live")
    write(source, "before")
    followed(reader, "live")
    write(source, "hello", "world")
    expect(reader.page.locator("#rows .text").last).to_have_text("world")
    assert reader.messages() == ["before", "hello", "world"]


def test_lines_of_an_empty_result_appear_as_well(reader: Reader, site: Site) -> None:
    followed(reader, "live-empty")
    expect(reader.page.get_by_text("No lines found")).to_be_visible()
    write(site.source("live-empty"), "the first")
    expect(reader.page.locator("#rows .text")).to_have_text(["the first"])
    expect(reader.page.get_by_text("No lines found")).to_be_hidden()


def test_scrolling_up_pauses_and_going_down_shows_what_came(reader: Reader, site: Site) -> None:
    source = site.source("live-paused")
    write(source, *(f"old {number:03}" for number in range(100)))
    followed(reader, "live-paused")
    reader.page.mouse.move(700, 500)
    reader.page.mouse.wheel(0, -900)
    expect(reader.page.locator("#live")).to_have_attribute("data-state", "paused")
    write(source, *(f"new {number}" for number in range(7)))
    expect(reader.page.locator("#to-end")).to_have_text("7 new lines")
    assert not any(message.startswith("new") for message in reader.messages())
    reader.page.locator("#to-end").click()
    expect(reader.page.locator("#rows .text").last).to_have_text("new 6")
    expect(reader.page.locator("#live")).to_have_attribute("data-state", "live")
    assert reader.loaded() == 107
    assert [text for text in reader.messages() if text.startswith("new")] == [f"new {n}" for n in range(7)]


def test_another_search_follows_again(reader: Reader, site: Site) -> None:
    write(site.source("live-again"), *(f"old {number:03}" for number in range(100)))
    followed(reader, "live-again")
    reader.page.mouse.move(700, 500)
    reader.page.mouse.wheel(0, -900)
    expect(reader.page.locator("#to-end")).to_be_visible()
    reader.ask("nosuchword")
    expect(reader.page.get_by_text("No lines found")).to_be_visible()
    expect(reader.page.locator("#to-end")).to_be_hidden()


def test_the_live_button_pauses_and_goes_on(reader: Reader, site: Site) -> None:
    source = site.source("live-button")
    write(source, "before")
    followed(reader, "live-button")
    reader.page.keyboard.press("l")
    expect(reader.page.locator("#live")).to_have_text("Paused")
    write(source, "meanwhile")
    expect(reader.page.locator("#to-end")).to_have_text("1 new line")
    reader.page.locator("#live").click()
    expect(reader.page.locator("#rows .text").last).to_have_text("meanwhile")


def test_a_broken_connection_is_taken_up_without_a_gap(reader: Reader, site: Site) -> None:
    source = site.source("live-broken")
    write(source, "zero")
    followed(reader, "live-broken")
    write(source, "one")
    expect(reader.page.locator("#rows .text").last).to_have_text("one")
    # The network goes away: the browser's streams end, and new ones cannot begin.
    reader.page.context.set_offline(True)
    reader.page.evaluate("() => window.dispatchEvent(new Event('offline'))")
    write(source, "two")
    write(source, "three")
    reader.page.context.set_offline(False)
    write(source, "four")
    expect(reader.page.locator("#rows .text").last).to_have_text("four")
    assert reader.messages() == ["zero", "one", "two", "three", "four"]
    reader.problems.clear()  # the browser tells of the network


def test_lines_that_arrive_late_are_marked(reader: Reader, site: Site) -> None:
    source = site.source("live-late")
    write(source, "in time")
    followed(reader, "live-late")
    source.write(b"an hour late", at=datetime.now(UTC) - timedelta(hours=1))
    expect(reader.page.locator("#rows .text").last).to_have_text("an hour late")
    expect(reader.page.locator("#rows .late")).to_have_count(1)


def test_the_chart_counts_new_lines(reader: Reader, site: Site) -> None:
    source = site.source("live-count")
    write(source, "one")
    followed(reader, "live-count")
    reader.count("1 line")
    write(source, "two", "three")
    reader.count("3 lines")


def test_a_fixed_range_is_not_live(reader: Reader, site: Site) -> None:
    source = site.source("live-fixed")
    write(source, "one")
    start = (datetime.now(UTC) - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    end = (datetime.now(UTC) + timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    reader.open("", ns="live-fixed", **{"from": start, "to": end})
    expect(reader.page.locator("#live")).to_have_attribute("data-state", "off")
    eventually(lambda: reader.messages() == ["one"], "the line")
    reader.page.locator("#live").click()
    expect(reader.page.locator("#live")).to_have_attribute("data-state", "live")
    assert reader.parameter("to") == []


def test_a_fast_stream_is_followed_without_searching_for_ever(reader: Reader, site: Site) -> None:
    source = site.source("live-fast")
    asked: list[str] = []
    reader.page.on(
        "request", lambda request: asked.append(request.url) if "/search?" in request.url else None
    )
    # More than the stream tells at once has just been stored when the page is opened.
    write(source, *(f"burst {number:05}" for number in range(6000)))
    followed(reader, "live-fast")
    for number in range(5):
        write(source, f"after {number}")
    expect(reader.page.locator("#rows .text").last).to_have_text("after 4")
    after = [message for message in reader.messages() if message.startswith("after")]
    assert after == [f"after {number}" for number in range(5)]
    assert sum("/search?" in url for url in asked) <= 3
    assert reader.page.locator("#rows .late").count() == 0


def test_lines_are_let_go_at_one_end_and_come_again(reader: Reader, site: Site) -> None:
    source = site.source("live-bounded")
    write(source, *(f"line {number:04}" for number in range(2500)))
    reader.open("", ns="live-bounded")
    told = reader.page.evaluate(
        """async () => {
            const { Records } = await import(document.querySelector("script").src + "/../records.js");
            const { get } = await import(document.querySelector("script").src + "/../state.js");
            const records = new Records();
            const texts = () => records.rows.map((record) => record.message);
            await records.begin(get());
            while (records.older) await records.loadOlder();
            const all = texts();
            const cut = records.trimNewest(1000);
            const first = texts();
            while (records.newer) await records.loadNewer();
            const again = texts();
            records.trimOldest(700);
            const last = texts();
            while (records.older) await records.loadOlder();
            return { all, cut, first, again, last, whole: texts() };
        }"""
    )
    expected = [f"line {number:04}" for number in range(2500)]
    assert told["all"] == expected
    assert told["cut"] == 1500
    assert told["first"] == expected[:1000]
    assert told["again"] == expected
    assert told["last"] == expected[-700:]
    assert told["whole"] == expected
