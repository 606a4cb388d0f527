"""How fast the web page is: the first lines of a large store, and scrolling through 100,000 loaded ones.

    python benchmarks/page.py [--lines 10000000]
    python benchmarks/page.py --url 'http://127.0.0.1:8080/?since=30d'

Fills an embedded store, serves it, and reads with Chromium; or reads a page that is served already. What the
browser does is told in CPU time of its main thread as well, which means the same on a busy machine.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import CDPSession, Page, ViewportSize, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from logq.stores import Source
from servers import embedded_store
from web.serving import served

from loghouse.config import StoreUrl
from loghouse.store.client import Store
from loghouse.store.migrate import migrate

CHUNK = 100_000
SCROLLED = 100_000
STEPS = 300
PIXELS = 900  # a page down
DESK: ViewportSize = {"width": 1400, "height": 900}
VISITS = 5

# Scrolls through the list, a step a frame; how long each frame took.
SCROLL = """([steps, pixels]) => new Promise((done) => {
    const rows = document.getElementById("rows");
    const frames = [];
    let last = performance.now();
    const step = () => {
        const now = performance.now();
        frames.push(now - last);
        last = now;
        if (frames.length > steps) done(frames.slice(1));
        else {
            rows.scrollBy(0, pixels);
            requestAnimationFrame(step);
        }
    };
    requestAnimationFrame(step);
})"""


def fill(url: StoreUrl, lines: int) -> None:
    """Records of the last hour, of ten pods."""
    start = datetime.now(UTC) - timedelta(minutes=55)
    sources = [Source(url, pod=f"shop-{number}", identity=number + 1) for number in range(10)]
    step = timedelta(minutes=54) / lines
    for first in range(0, lines, CHUNK):
        numbers = range(first, min(first + CHUNK, lines))
        sources[first // CHUNK % 10].write(
            *(
                b'{"level":"info","message":"order %d paid","took":%d}' % (each, each % 977)
                for each in numbers
            ),
            at=[start + step * each for each in numbers],
        )


def first_lines(page: Page, address: str) -> tuple[float, float]:
    """Milliseconds from the address to the first drawn line, and to the chart of time."""
    begun = time.perf_counter()
    page.goto(address, wait_until="commit")
    page.locator("#rows .row").first.wait_for()
    lines = time.perf_counter() - begun
    page.locator("#histogram:not(.waiting) rect").first.wait_for()
    return lines * 1000, (time.perf_counter() - begun) * 1000


def first_of_each(page: Page, address: str, queries: tuple[str, ...]) -> None:
    """Print how long the first lines of some queries take."""
    for query in ("", "", *queries):
        times = [first_lines(page, f"{address}&q={quote(query)}") for _ in range(VISITS)]
        found, chart = (statistics.median(each) for each in zip(*times, strict=True))
        best = min(lines for lines, _ in times)
        print(f"query {query!r}: first lines {found:.0f} ms (best {best:.0f}), chart {chart:.0f} ms")  # noqa: T201


def busy(session: CDPSession) -> float:
    """CPU seconds of the page's main thread."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    return float(next(each["value"] for each in metrics if each["name"] == "TaskDuration"))


def load(page: Page, count: int) -> None:
    """Scroll up until so many lines are in the list."""
    loaded = 0
    while loaded < count:
        page.locator("#rows").evaluate("(rows) => rows.scrollTo(0, 0)")
        page.wait_for_timeout(5)
        height = page.locator("#rows .spacer").evaluate("(element) => element.clientHeight")
        loaded = int(height) // 20


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=10_000_000)
    parser.add_argument("--url", help="a page that is served already, with its range of time")
    given = parser.parse_args()
    lines = given.lines
    chromium = shutil.which("chromium") or sys.exit("Install Chromium first")
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")  # noqa: T201
    if given.url:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            first_of_each(
                browser.new_page(viewport=DESK, reduced_motion="reduce"), given.url, ("level>=error",)
            )
            browser.close()
        return
    with tempfile.TemporaryDirectory() as scratch, embedded_store(Path(scratch) / "store") as store_url:
        with Store(store_url) as store:
            migrate(store)
        fill(store_url, lines)
        with served(store_url) as server, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            context = browser.new_context(viewport=DESK, reduced_motion="reduce")
            page = context.new_page()
            first_of_each(page, f"{server.url}?since=1h", ("order", "took>900"))
            page.goto(f"{server.url}?since=1h&live=off")
            page.locator("#rows .row").first.wait_for()
            load(page, min(SCROLLED, lines - 1000))
            session = context.new_cdp_session(page)
            session.send("Performance.enable", {"timeDomain": "threadTicks"})
            before = busy(session)
            frames = page.evaluate(SCROLL, [STEPS, PIXELS])
            spent = (busy(session) - before) / STEPS * 1000
            longest = sorted(frames)[int(len(frames) * 0.99)]
            drawn = page.locator("#rows .row").count()
            print(  # noqa: T201
                f"scrolling: {spent:.1f} ms of CPU a frame; frames of {statistics.median(frames):.1f} ms, "
                f"99 of 100 within {longest:.1f} ms; {drawn} rows in the document"
            )
            browser.close()


if __name__ == "__main__":
    main()
