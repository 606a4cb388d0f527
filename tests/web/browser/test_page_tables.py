"""Tables, charts, patterns, and what is taken away from them."""

import csv
import json
import shlex
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from logq.stores import address, command, environment
from playwright.sync_api import expect
from web.browser.conftest import Site
from web.browser.reading import Reader


@pytest.fixture(scope="session")
def counted(site: Site) -> str:
    """A namespace with 1200 lines in an hour, of three kinds."""
    start = datetime.now(UTC) - timedelta(minutes=70)
    site.source("counted").write(
        *(
            b'{"message":"request %d done","status":%d,"took":%d}'
            % (number, (200, 404, 500)[number % 3], number)
            for number in range(1200)
        ),
        at=[start + timedelta(seconds=3 * number) for number in range(1200)],
    )
    return "counted"


def test_stats_are_a_table_and_a_chart(reader: Reader, counted: str) -> None:
    reader.open("| stats count() n, max(took) by status", ns=counted)
    cells = reader.page.locator("#table tbody tr").first.locator("td")
    expect(cells).to_have_text(["200", "400", "1,197"])
    expect(reader.page.locator("#table .chart")).to_be_visible()
    reader.page.get_by_role("button", name="Table", exact=True).click()
    expect(reader.page.locator("#table .chart")).to_have_count(0)
    assert reader.parameter("shape") == ["table"]
    reader.page.get_by_role("button", name="Chart", exact=True).click()
    expect(reader.page.locator("#table table")).to_have_count(0)
    expect(reader.page.locator("#table .chart")).to_be_visible()


def test_figures_over_time_are_lines(reader: Reader, counted: str) -> None:
    reader.open("| stats count() by _time:10m, status", ns=counted)
    chart = reader.page.locator("#table .chart")
    expect(chart.locator("path.series")).to_have_count(3)
    expect(chart.locator(".legend")).to_have_count(3)


def test_a_table_is_sorted_by_a_click(reader: Reader, counted: str) -> None:
    reader.open("| stats max(took) m by status", ns=counted)
    head = reader.page.get_by_role("columnheader", name="m")
    head.get_by_role("button").click()
    expect(head).to_have_attribute("aria-sort", "descending")
    expect(reader.page.locator("#table tbody td:last-child")).to_have_text(["1,199", "1,198", "1,197"])
    head.get_by_role("button").click()
    expect(reader.page.locator("#table tbody td:last-child")).to_have_text(["1,197", "1,198", "1,199"])


def test_patterns_group_messages_and_narrow_the_query(reader: Reader, counted: str) -> None:
    reader.open("", ns=counted)
    reader.page.keyboard.press("p")
    row = reader.page.locator("table.patterns tbody tr")
    expect(row).to_have_count(1)
    expect(row.locator(".pattern")).to_have_text("request <num> done")
    expect(row.locator(".number")).to_have_text("1,200")
    expect(row.locator(".spark")).to_be_visible()
    reader.button("Show the lines of this pattern").click()
    reader.count("1,200 lines")
    assert reader.parameter("view") == []
    reader.page.go_back()
    reader.button("Leave this pattern out").click()
    reader.count("0 patterns")


@pytest.mark.parametrize("query", ["", "status=500", "status=500 | fields status, took"])
def test_downloads_hold_every_line(reader: Reader, counted: str, query: str) -> None:
    reader.open(query, ns=counted)
    expected = 400 if query else 1200
    with reader.page.expect_download() as waiting:
        reader.menu("Download JSON lines")
    lines = waiting.value.path().read_bytes().splitlines()
    assert waiting.value.suggested_filename.endswith(".jsonl")
    assert len(lines) == expected
    assert json.loads(lines[0])
    with reader.page.expect_download() as waiting:
        reader.menu("Download CSV")
    with waiting.value.path().open(newline="") as file:
        assert len(list(csv.DictReader(file))) == expected


def test_a_download_has_the_chosen_columns(reader: Reader, counted: str) -> None:
    reader.open("status=404", ns=counted, cols=["took", "status"])
    with reader.page.expect_download() as waiting:
        reader.menu("Download CSV")
    with waiting.value.path().open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["took", "status"]
    assert rows[1] == ["1", "404"]


def test_the_copied_command_finds_the_same(reader: Reader, counted: str, site: Site) -> None:
    reader.open('done not "it\'s" status=500 | stats count() n', ns=counted, live="off")
    reader.menu("Copy as logq command")
    expect(reader.page.locator("#notices")).to_contain_text("Command copied")
    copied = reader.page.evaluate("() => navigator.clipboard.readText()")
    words = shlex.split(copied)
    assert words[:4] == ["logq", "search", "-n", counted]
    done = subprocess.run(
        command(*words[1:]),
        env=environment(LOGQ_URL=address(site.store_url)),
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.decode().split() == ["n", "400"]


def test_an_empty_table_says_so(reader: Reader, counted: str) -> None:
    reader.open("status=999 | top 5 status", ns=counted)
    expect(reader.page.locator("#table")).to_contain_text("0 rows")
