"""Takes the pictures of the web page for the documentation: python docs/screenshots/take.py.

A store with the captures of tests/data, the real server, and Chromium; nothing is left running. Debian's
pngquant makes the pictures a fifth as large.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1] / "tests"))

from servers import embedded_store  # noqa: E402
from web.browser.reading import Reader  # noqa: E402
from web.browser.sample import load_sample  # noqa: E402
from web.serving import served  # noqa: E402

from loghouse.store.client import Store  # noqa: E402
from loghouse.store.migrate import migrate  # noqa: E402

DESKTOP = (1280, 760)
PHONE = (390, 780)


@dataclass(frozen=True)
class Picture:
    """What is shown and how; `act` is done once it is there."""

    name: str
    scheme: str
    query: str = ""
    size: tuple[int, int] = DESKTOP
    view: dict[str, object] = field(default_factory=dict)
    act: Callable[[Reader], None] | None = None


def open_line(reader: Reader) -> None:
    """Open the last line."""
    reader.rows.last.click()
    reader.page.locator(".field-table").wait_for()


def type_more(reader: Reader) -> None:
    """Begin a stage, so that there is something to choose."""
    reader.page.keyboard.press("/")
    reader.page.keyboard.type(" | st")
    reader.page.get_by_role("option").first.wait_for()


def context(reader: Reader) -> None:
    """Open the neighbours of the last line but one."""
    reader.page.keyboard.press("k")
    reader.page.keyboard.press("k")
    reader.page.keyboard.press("c")
    reader.page.locator("#context .row.target").wait_for()


PICTURES = (
    Picture("lines-dark", "dark"),
    Picture("lines-light", "light", "level>=warning", act=type_more),
    Picture("line-light", "light", "consumer handled", view={"ns": "prod"}, act=open_line),
    Picture("context-dark", "dark", "level>=error", act=context),
    Picture("patterns-light", "light", view={"view": "patterns"}),
    Picture("chart-dark", "dark", "status:* | stats count() n, p95(bytes) p95 by _time:5m, container"),
    Picture("phone-light", "light", "level>=warning", PHONE),
    Picture("phone-dark", "dark", "consumer handled", PHONE, {"ns": "prod"}, open_line),
)


def take(browser: Browser, url: str, picture: Picture) -> None:
    """Take one picture."""
    width, height = picture.size
    page = browser.new_page(
        viewport={"width": width, "height": height},
        color_scheme="dark" if picture.scheme == "dark" else "light",
        reduced_motion="reduce",
        timezone_id="UTC",
    )
    reader = Reader(page, url)
    reader.open(picture.query, **{"since": "1h", **picture.view})
    page.locator("#histogram:not(.waiting) rect").first.wait_for()
    if width > PHONE[0]:
        page.locator("#fields .value").first.wait_for()
    if picture.act:
        picture.act(reader)
    page.mouse.move(0, 0)
    target = HERE / f"{picture.name}.png"
    page.screenshot(path=target)
    page.close()
    if pngquant := shutil.which("pngquant"):
        subprocess.run([pngquant, "--force", "--strip", "--output", target, "128", target], check=True)


def main() -> None:
    """Take all pictures, or those that are named."""
    chromium = shutil.which("chromium") or sys.exit("Install Chromium first")
    wanted = sys.argv[1:]
    with tempfile.TemporaryDirectory() as scratch, embedded_store(Path(scratch) / "store") as store_url:
        with Store(store_url) as store:
            migrate(store)
        (Path(scratch) / "sample").mkdir()
        load_sample(store_url, datetime.now(UTC), Path(scratch) / "sample")
        with served(store_url) as server, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            for picture in PICTURES:
                if not wanted or picture.name in wanted:
                    take(browser, server.url, picture)
            browser.close()


if __name__ == "__main__":
    main()
