"""Text that programs write is shown and never obeyed, wherever it stands."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from playwright.sync_api import expect
from web.browser.conftest import Site
from web.browser.reading import Reader

BAD = "<img src=x onerror=window.pwned=1><script>window.pwned=1</script>\"'><svg/onload=window.pwned=1>"
RECORDS = [
    f"plain {BAD}".encode(),
    json.dumps(
        {"message": f"json {BAD}", BAD: BAD, "a.b": {BAD: BAD}, "request_id": BAD, "level": BAD}
    ).encode(),
    b'10.0.0.1 - - [21/Nov/2026:00:00:00 +0000] "GET /<script>window.pwned=1</script> HTTP/1.1" 200 1 '
    b'"javascript:window.pwned=1" "<img src=x onerror=window.pwned=1>"',
    b"\x1b[31mred\x1b[0m \x1b]8;;javascript:window.pwned=1\x07link\x1b]8;;\x07 \x1b[2Jcleared",
    "turned \u202etxt.exe\u202c \u2066in\u2069 zero\u200bwidth \ufeff".encode(),
    b"broken \xff\xfe utf-8 \x00 null \x08 back \x7f",
    b'{"message":"prototype","__proto__":{"polluted":"yes"},"constructor":"c","toString":"t","hasOwnProperty":"h"}',
    b'{"message":"half \\ud83d pair"}',
]


@pytest.fixture(scope="session")
def hostile(site: Site) -> str:
    """A namespace whose every part is markup."""
    name = "evil<img src=x onerror=window.pwned=1>"
    at = datetime.now(UTC) - timedelta(minutes=3)
    source = site.source(
        name, pod=f"pod{BAD}", container=f"box{BAD}", labels={"app": BAD, "x/y": "ok", BAD: BAD}
    )
    source.write(*RECORDS, at=[at + timedelta(seconds=second) for second in range(len(RECORDS))])
    return name


@pytest.fixture
def safe(reader: Reader) -> Iterator[Reader]:
    """Nothing of the text ran, and nothing was asked from elsewhere."""
    asked: list[str] = []
    reader.page.on("request", lambda request: asked.append(request.url))
    reader.page.on("dialog", lambda dialog: reader.problems.append(f"dialog: {dialog.message}"))
    yield reader
    assert reader.page.evaluate("() => window.pwned") is None
    assert [url for url in asked if not url.startswith((reader.url, "data:"))] == []
    # Only what the page itself makes is in the lines and panels.
    foreign = reader.page.locator(
        "main :is(img, script, iframe, object, b), #fields :is(img, script), body > script"
    )
    expect(foreign).to_have_count(0)


def test_lines_fields_and_details_hold_markup_as_text(safe: Reader, hostile: str) -> None:
    safe.open("", ns=hostile)
    safe.count(f"{len(RECORDS)} lines")
    assert any(message == f"plain {BAD}" for message in safe.messages())
    safe.page.locator("#fields .field-name").filter(has_text="<img").first.click()
    for text in ("plain", "json", "GET"):
        line = safe.rows.filter(has_text=text).first
        line.click()
        expect(safe.page.locator(".field-table")).to_contain_text("onerror")
        for tab in ("JSON", "As written"):
            safe.page.get_by_role("tab", name=tab).click()
            expect(safe.page.locator(".detail pre")).to_be_visible()
        line.click()


def test_markup_in_columns_patterns_tables_context_and_menus(safe: Reader, hostile: str) -> None:
    safe.open("", ns=hostile, cols=[f"`{BAD}`", "~app", "request_id", "nowhere"])
    expect(safe.rows.filter(has_text="json").locator(".cell").nth(1)).to_have_text(BAD)
    safe.page.get_by_role("columnheader").nth(3).get_by_role("button").click()
    expect(safe.page.get_by_role("menuitem", name="Move left")).to_be_visible()
    safe.page.keyboard.press("Escape")
    safe.page.locator("#namespaces").click()
    safe.page.keyboard.press("Escape")
    safe.rows.filter(has_text="json").click()
    safe.button("Context: same stream").click()
    expect(safe.page.locator("#context .row")).to_have_count(len(RECORDS))
    safe.page.keyboard.press("Escape")
    safe.page.keyboard.press("p")
    expect(safe.page.locator("table.patterns")).to_contain_text("<img")
    safe.ask("| stats count() by pod, request_id")
    expect(safe.page.locator("#table table")).to_contain_text("<img")
    safe.page.get_by_role("combobox", name="Query").fill("pod=")
    safe.page.keyboard.press("Control+Space")
    expect(safe.page.get_by_role("option").filter(has_text="<img")).to_be_visible()


def test_an_address_full_of_markup_is_only_an_address(safe: Reader) -> None:
    safe.open(BAD, ns=BAD, cols=[BAD], tab=BAD, open=BAD, shape=BAD, view=BAD, wrap=BAD)
    expect(safe.page.get_by_role("combobox", name="Query")).to_have_value(BAD)
    safe.problems.clear()  # the query is refused
    safe.open("", **{"from": BAD})
    expect(safe.page.locator("#errors")).to_contain_text("onerror")
    safe.page.goto(f"{safe.url}?view=__proto__&cols=__proto__&cols=constructor&since=24h&ns=prod")
    safe.settled()
    expect(safe.rows.last).to_be_visible()
    safe.problems.clear()


def test_a_saved_query_of_somebody_else_is_only_text(safe: Reader, site: Site) -> None:
    with httpx.Client(base_url=site.url, timeout=30) as client:
        body = {"name": BAD, "query": f'"{BAD[:20]}"', "view": f"ns={BAD}&cols={BAD}"}
        made = client.post("/api/v1/saved", json=body).json()
        safe.open("")
        tab = safe.page.locator("#tabs .tab", has_text="<img")
        tab.click()
        safe.settled()
        safe.page.locator(".tab-menu").click()
        expect(safe.page.get_by_role("menuitem", name="Rename")).to_be_visible()
        client.delete(f"/api/v1/saved/{made['id']}")
    safe.problems.clear()


def test_terminal_codes_are_colours_and_everything_else_is_shown(safe: Reader, hostile: str) -> None:
    safe.open("link or turned or broken or half", ns=hostile)
    line = safe.rows.filter(has_text="link")
    expect(line.locator(".ansi-fg-1")).to_have_text("red")
    expect(line.locator("a")).to_have_count(0)
    odd = line.locator(".odd").all_inner_texts()
    assert any("javascript:window.pwned=1" in text for text in odd)
    turned = safe.rows.filter(has_text="turned")
    shown = turned.locator(".text").inner_text()
    assert "U+202E" in shown
    assert "U+200B" in shown
    assert "\u202e" not in shown
    broken = safe.rows.filter(has_text="broken").locator(".text").inner_text()
    assert "NUL" in broken
    assert "\ufffd" in broken
    # What stands beside a line stays in its place.
    boxes = [row.locator(".time").bounding_box() for row in safe.rows.all()]
    assert len({round(box["x"]) for box in boxes if box}) == 1


def test_names_that_every_object_has_are_plain_fields(safe: Reader, hostile: str) -> None:
    safe.open("prototype", ns=hostile, cols=["constructor", "toString", "valueOf"])
    expect(safe.rows.locator(".cell")).to_have_text(["c", "t", ""])
    assert safe.page.evaluate("() => ({}).polluted") is None


@pytest.mark.slow
def test_giant_lines_and_thousands_of_fields_are_shown(safe: Reader, site: Site) -> None:
    at = datetime.now(UTC) - timedelta(minutes=2)
    many = {f"field{number}": number for number in range(10_000)}
    site.source("giant").write(
        b"x" * 1_000_000 + b" end",
        json.dumps({"message": "many", **many}).encode(),
        b"small",
        at=[at + timedelta(seconds=second) for second in range(3)],
    )
    safe.open("", ns="giant")
    safe.count("3 lines")
    safe.rows.filter(has_text="many").click()
    more = safe.page.get_by_role("button", name="more fields")
    more.click()
    expect(safe.page.locator(".field-table tr", has_text="field9999").last).to_be_attached()
    safe.rows.filter(has_text="many").click()
    safe.rows.filter(has_text="xxxx").click()
    safe.page.get_by_role("tab", name="As written").click()
    expect(safe.page.locator("pre.raw")).to_contain_text("x end")


def test_the_page_runs_nothing_inline_and_is_in_no_frame(reader: Reader, site: Site) -> None:
    answer = httpx.get(site.url, timeout=30)
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "require-trusted-types-for 'script'" in policy
    assert "style=" not in answer.text
    assert "<script>" not in answer.text
