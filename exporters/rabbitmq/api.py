"""The management API: plain JSON, only the columns that are needed, lists in pages."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from exporters.errors import ScrapeError
from exporters.families import Value
from exporters.httpclient import Answer, HttpClient

# What the server allows at most.
PAGE_SIZE = 500
# 500 queues with all columns are 0.7 MB; one object without lists is below 50 kB.
_MOST_PAGE = 16 * 1024 * 1024

Item = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Api:
    """Requests of one scrape; each may raise ScrapeError."""

    client: HttpClient
    prefix: str

    def object(self, path: str) -> Item:
        """An object, e.g. of `overview`."""
        found = _parsed(self._get(path).expect(200))
        if not isinstance(found, dict):
            raise ScrapeError("protocol", f"{path}: not a JSON object")
        return found

    def list(self, path: str, columns: Sequence[str] = ()) -> Sequence[Item]:
        """A short list, which the API does not page, e.g. `nodes`."""
        found = _parsed(self._get(_with_columns(path, columns)).expect(200))
        return _items(path, found)

    def optional_list(self, path: str) -> Sequence[Item]:
        """A list of a plugin of the server; nothing when the plugin is off."""
        answer = self._get(path)
        if answer.status == 404:
            return ()
        return _items(path, _parsed(answer.expect(200)))

    def pages(self, path: str, columns: Sequence[str]) -> Iterator[Item]:
        """The items of a long list, 500 at a time, so that neither side holds them all."""
        number = 1
        while True:
            page = f"{path}?page={number}&page_size={PAGE_SIZE}"
            answer = self._get(_with_columns(page, columns))
            if number > 1 and answer.status == 400:
                # Queues were deleted while we read: the page no longer exists.
                return
            found = _parsed(answer.expect(200))
            if isinstance(found, list):
                # An old server ignores the page and sends everything.
                yield from _items(path, found)
                return
            if not isinstance(found, dict):
                raise ScrapeError("protocol", f"{path}: not a page")
            yield from _items(path, found.get("items"))
            if number >= whole(found, "page_count"):
                return
            number += 1

    def check(self, name: str) -> bool | None:
        """Whether a health check passes; None when this version does not have it."""
        answer = self._get(f"health/checks/{quote(name)}")
        if answer.status == 404:
            return None
        return answer.expect(200, 503).status == 200

    def aliveness(self, vhost: str) -> Item:
        """What the aliveness test of a vhost says; a failed one has an error and a reason."""
        found = _parsed(self._get(f"aliveness-test/{quote(vhost, safe='')}").expect(200, 404, 500, 503))
        if not isinstance(found, dict):
            raise ScrapeError("protocol", "aliveness-test: not a JSON object")
        return found

    def _get(self, path: str) -> Answer:
        return self.client.get(f"{self.prefix}/api/{path}")


def field(item: Item, path: str) -> Any:
    """The value at `a.b.c`, or None: every field is optional, in every version."""
    found: Any = item
    for name in path.split("."):
        if not isinstance(found, dict):
            return None
        found = found.get(name)
    return found


def number(item: Item, path: str) -> Value | None:
    """A number or a truth value at a path; what is neither ("undefined", null) is no number."""
    found = field(item, path)
    if isinstance(found, bool):
        return int(found)
    return found if isinstance(found, int | float) else None


def whole(item: Item, path: str) -> int:
    """A whole number that is 0 when missing."""
    found = number(item, path)
    return int(found) if found is not None and abs(found) < 2**63 else 0


def string(item: Item, path: str) -> str:
    """A label value: text as it is, true and false, numbers; anything else is empty."""
    found = field(item, path)
    if isinstance(found, str):
        # A lone surrogate is legal in JSON and in nothing that a page may hold.
        return found.encode("utf-8", "backslashreplace").decode()
    if isinstance(found, bool):
        return str(found).lower()
    return str(found) if isinstance(found, int | float) else ""


def length(item: Item, path: str) -> int | None:
    """The number of elements of a list, or None when there is no list."""
    found = field(item, path)
    return len(found) if isinstance(found, list) else None


def _with_columns(path: str, columns: Sequence[str]) -> str:
    if not columns:
        return path
    return f"{path}{'&' if '?' in path else '?'}columns={','.join(columns)}"


def _items(path: str, found: Any) -> Sequence[Item]:
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise ScrapeError("protocol", f"{path}: not a list of objects")
    return found


def _parsed(answer: Answer) -> Any:
    try:
        return json.loads(answer.body(_MOST_PAGE).decode("utf-8", "backslashreplace"))
    except (ValueError, RecursionError):
        raise ScrapeError("protocol", f"{answer.path.partition('?')[0]}: not JSON") from None
