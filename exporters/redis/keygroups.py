"""Keys grouped by Lua patterns: count and memory by group."""

import time
from collections.abc import Sequence

from exporters.catalogue import Page
from exporters.errors import ScrapeError
from exporters.redis.client import Client
from exporters.redis.keys import select_database
from exporters.redis.resp import as_list, as_number, as_text

# Runs for one step of SCAN at a time, so that it never blocks the server for long. A group is named by
# what the captures of the first matching pattern caught.
_SCRIPT = """
local step = redis.call('SCAN', ARGV[1], 'COUNT', ARGV[2])
local counts, bytes, names = {}, {}, {}
for _, key in ipairs(step[2]) do
  local group = 'unclassified'
  for i = 3, #ARGV do
    local found = {string.find(key, ARGV[i])}
    if found[1] then
      group = table.concat(found, '', 3)
      break
    end
  end
  if not counts[group] then
    counts[group], bytes[group] = 0, 0
    names[#names + 1] = group
  end
  counts[group] = counts[group] + 1
  bytes[group] = bytes[group] + (redis.call('MEMORY', 'USAGE', key) or 0)
end
local result = {}
for i, group in ipairs(names) do
  result[i] = {group, counts[group], bytes[group]}
end
return {step[1], result}
"""
_OVERFLOW = "overflow"
# Groups of one database held while scanning: a pattern that captures whole keys must not fill the memory.
_MOST_HELD = 100_000


def add_key_groups(
    page: Page, client: Client, databases: int, patterns: Sequence[str], batch: int, most: int
) -> None:
    """Groups of every database, the largest first; the rest becomes the group `overflow`."""
    started = time.perf_counter()
    for database in range(databases):
        select_database(client, database)
        groups = _groups(client, patterns, batch)
        label = f"db{database}"
        ordered = sorted(groups.items(), key=lambda item: (-item[1][1], item[1][0], item[0]))
        for name, (count, size) in ordered[:most]:
            _add_group(page, label, name, count, size)
        rest = ordered[most:]
        if rest:
            count = sum(amounts[0] for _, amounts in rest)
            _add_group(page, label, _OVERFLOW, count, sum(amounts[1] for _, amounts in rest))
        page.add("number_of_distinct_key_groups", len(groups), label)
    elapsed = int((time.perf_counter() - started) * 1000)
    page.add("last_key_groups_scrape_duration_milliseconds", elapsed)


def _add_group(page: Page, label: str, name: str, count: int, size: int) -> None:
    page.add("key_group_count", count, label, name)
    page.add("key_group_memory_usage_bytes", size, label, name)


def _groups(client: Client, patterns: Sequence[str], batch: int) -> dict[str, tuple[int, int]]:
    """Count and bytes by group of the selected database."""
    groups: dict[str, tuple[int, int]] = {}
    cursor = "0"
    while True:
        parts = as_list(client.demand("EVAL", _SCRIPT, 0, cursor, batch, *patterns))
        if len(parts) != 2:
            raise ScrapeError("protocol", "the script for key groups returned no cursor")
        for group in as_list(parts[1]):
            name, count, size = as_list(group)
            known = groups.get(as_text(name), (0, 0))
            groups[as_text(name)] = (
                known[0] + int(as_number(count) or 0),
                known[1] + int(as_number(size) or 0),
            )
        if len(groups) > _MOST_HELD:
            raise ScrapeError("too_large", f"--check-key-groups makes more than {_MOST_HELD} groups")
        cursor = as_text(parts[0])
        if cursor == "0":
            return groups
