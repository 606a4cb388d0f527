"""nginx' stub_status page."""

import re
from dataclasses import dataclass

from exporters.errors import ScrapeError

# Tengine adds the time of all requests to the third line.
_PAGE = re.compile(
    r"\s*Active connections:\s*(\d{1,20})\s+"
    r"server accepts handled requests[^\n]*\n\s*(\d{1,20})\s+(\d{1,20})\s+(\d{1,20})\b[^\n]*\n"
    r"\s*Reading:\s*(\d{1,20})\s+Writing:\s*(\d{1,20})\s+Waiting:\s*(\d{1,20})\b",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class StubStatus:
    """All numbers of the page; `accepted`, `handled` and `requests` count since nginx' start."""

    active: int
    accepted: int
    handled: int
    requests: int
    reading: int
    writing: int
    waiting: int


def parse_stub_status(page: str) -> StubStatus:
    """The numbers of a page; ScrapeError("protocol") when it is another page."""
    found = _PAGE.match(page)
    if found is None:
        raise ScrapeError(
            "protocol", "the answer is not the stub_status page; does its location say stub_status"
        )
    return StubStatus(*map(int, found.groups()))
