"""Modules, search indexes and Tile38."""

import re

from exporters.catalogue import Page
from exporters.redis.client import Client
from exporters.redis.info import pairs, parse_info
from exporters.redis.instance import add_field
from exporters.redis.metrics import SEARCH_INDEX_FIELDS
from exporters.redis.resp import as_list, as_map, as_number, as_text

_MOST_INDEXES = 500


def add_modules(page: Page, client: Client) -> None:
    """The loaded modules and the fields they add to INFO."""
    info = parse_info(as_text(client.demand("INFO", "MODULES")))
    for fields in info.sections.values():
        for name, value in fields:
            if name == "module":
                module = pairs(value)
                labels = ("name", "ver", "api", "filters", "usedby", "using")
                page.add("module_info", 1, *(module.get(label, "") for label in labels))
            else:
                add_field(page, name, value)


def add_search_indexes(page: Page, client: Client, pattern: str) -> None:
    """FT.INFO of the indexes whose name matches the pattern."""
    wanted = re.compile(pattern)
    names = [as_text(name) for name in as_list(client.demand("FT._LIST"))]
    names = sorted(filter(wanted.search, names))[:_MOST_INDEXES]
    for name, reply in zip(names, client.pipeline([("FT.INFO", name) for name in names]), strict=True):
        fields = as_map(reply)
        for field, metric, scale in SEARCH_INDEX_FIELDS:
            value = as_number(fields.get(field))
            if value is not None:
                page.add(metric, value * scale, name)


def add_tile38(page: Page, client: Client) -> None:
    """SERVER EXT of Tile38."""
    for name, value in as_map(client.demand("SERVER", "EXT")).items():
        add_field(page, name if name.startswith("tile38_") else f"tile38_{name}", as_text(value))
