"""The lines: newest at the bottom, older ones on scrolling up, and only what is seen in the document."""

from datetime import UTC, datetime, timedelta

from playwright.sync_api import Route, expect
from web.browser.conftest import Site
from web.browser.reading import Reader, eventually


def test_newest_line_is_at_the_bottom_and_in_view(reader: Reader, site: Site) -> None:
    at = datetime.now(UTC) - timedelta(minutes=5)
    site.source("order").write(
        *(b"line %03d" % number for number in range(200)),
        at=[at + timedelta(milliseconds=number) for number in range(200)],
    )
    reader.open("", ns="order")
    messages = reader.messages()
    assert messages == sorted(messages)
    assert messages[-1] == "line 199"
    expect(reader.rows.last).to_be_in_viewport()


def test_the_first_lines_are_asked_for_before_the_page_has_all_of_its_code(reader: Reader) -> None:
    page = reader.page
    asked: list[str] = []
    held: list[Route] = []
    page.on("request", lambda request: asked.append(request.url) if "/api/v1/" in request.url else None)
    page.route("**/js/main.js", lambda route: held.append(route))
    with page.expect_response(lambda response: "/api/v1/search?" in response.url):
        page.goto(f"{reader.url}?since=24h", wait_until="commit")
    assert len(asked) == 1
    eventually(lambda: held, "the code of the page")
    for each in held:
        each.continue_()
    reader.settled()
    expect(reader.rows.last).to_be_visible()
    assert sum("/search?" in url for url in asked) == 1


def test_scrolling_up_loads_every_older_line_once(reader: Reader, site: Site) -> None:
    at = datetime.now(UTC) - timedelta(minutes=50)
    count = 1700
    # Many share a moment, as the lines of one flush do.
    site.source("older").write(
        *(b"number %05d" % number for number in range(count)),
        at=[at + timedelta(milliseconds=number // 20) for number in range(count)],
    )
    reader.open("", ns="older")
    seen: set[str] = set()

    def at_the_top() -> bool:
        seen.update(reader.messages())
        reader.page.locator("#rows").evaluate(
            "(rows) => { rows.scrollTop = Math.max(0, rows.scrollTop - 1500); }"
        )
        return "number 00000" in seen

    eventually(at_the_top, "the oldest line")
    assert reader.loaded() == count
    # All the way down again, nothing is missing or doubled.
    order: list[str] = []
    for first in range(0, count, 30):
        reader.page.locator("#rows").evaluate("(rows, top) => rows.scrollTo(0, top)", first * 20)
        eventually(lambda wanted=f"number {first:05}": wanted in reader.messages(), "the lines there")
        order += [message for message in reader.messages() if message not in order[-150:]]
    assert order == [f"number {number:05}" for number in range(count)]


def test_what_is_read_stays_in_place_when_older_lines_come(reader: Reader) -> None:
    reader.open("")
    loaded = reader.loaded()
    # In one go, before the answer with older lines can come.
    row, before = reader.page.locator("#rows").evaluate(
        """(rows) => new Promise((done) => {
            rows.scrollTop = 800;
            rows.addEventListener("scroll", () => {
                const row = document.elementFromPoint(700, 500).closest(".row");
                done([row.dataset.id, row.getBoundingClientRect().y]);
            }, { once: true });
        })"""
    )
    eventually(lambda: reader.loaded() > loaded, "older lines")
    after = reader.page.locator(f'#rows .row[data-id="{row}"]').bounding_box()
    assert after is not None
    assert abs(after["y"] - before) < 2


def test_only_visible_rows_are_in_the_document(reader: Reader) -> None:
    reader.open("")
    for _ in range(4):
        loaded = reader.loaded()
        reader.page.locator("#rows").evaluate("(rows) => { rows.scrollTop = 0; }")
        eventually(lambda before=loaded: reader.loaded() > before, "more lines")
    assert reader.loaded() > 3000
    assert reader.rows.count() < 120


def test_wrapped_lines_are_as_high_as_their_text_and_stay_in_order(reader: Reader, site: Site) -> None:
    at = datetime.now(UTC) - timedelta(minutes=5)
    site.source("wrapped").write(
        *(b"%03d " % number + b"long text " * (number % 7 * 20) for number in range(100)),
        at=[at + timedelta(seconds=number) for number in range(100)],
    )
    reader.open("", ns="wrapped", wrap="on")
    boxes = [row.bounding_box() for row in reader.rows.all()]
    tops = [box["y"] for box in boxes if box]
    bottoms = [box["y"] + box["height"] for box in boxes if box]
    assert tops == sorted(tops)
    assert all(abs(bottom - top) < 1.5 for bottom, top in zip(bottoms, tops[1:], strict=False))
    assert max(box["height"] for box in boxes if box) > 100
    expect(reader.rows.last).to_contain_text("099")


def test_terminal_like_moving_opens_and_closes_lines_with_the_keyboard(reader: Reader) -> None:
    reader.open("consumer", ns="prod")
    reader.page.keyboard.press("k")
    active = reader.page.locator(".row.active")
    expect(active).to_have_count(1)
    assert reader.page.locator("#rows").get_attribute("aria-activedescendant") == active.get_attribute("id")
    reader.page.keyboard.press("Enter")
    expect(reader.page.locator(".detail")).to_be_visible()
    expect(active).to_have_attribute("aria-expanded", "true")
    expect(reader.page.locator(".detail [role=tab]").first).to_be_in_viewport()
    expect(active).to_be_in_viewport()
    reader.page.keyboard.press("Enter")
    expect(reader.page.locator(".detail")).to_have_count(0)


def test_names_of_fields_are_not_broken_beside_a_long_value(reader: Reader, site: Site) -> None:
    line = b'{"msg":"called","protocol":"HTTP/1.1","referer":"https://example.org/%s"}' % (b"a-z/" * 300)
    site.source("referred").write(line, at=datetime.now(UTC) - timedelta(minutes=1))
    reader.open("", ns="referred")
    reader.rows.last.click()
    names = reader.page.locator(".field-table th")
    expect(names.filter(has_text="referer")).to_be_visible()
    lines = {
        name.inner_text(): name.evaluate(
            "(th) => { const all = document.createRange(); all.selectNodeContents(th);"
            " return new Set([...all.getClientRects()].map((box) => box.bottom)).size; }"
        )
        for name in names.all()
    }
    assert {"timestamp", "namespace", "protocol", "referer"} <= set(lines)
    assert set(lines.values()) == {1}
