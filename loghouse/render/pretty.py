"""`-o pretty`: lines for people: `time pod/container LEVEL message key=value ...`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from loghouse.record import Record
from loghouse.render.clock import NANOSECONDS, Clock
from loghouse.render.colours import DIM, LEVEL_COLOURS, MARK, MATCH, MATCH_END, RESET, pod_colour
from loghouse.render.duration import written_duration
from loghouse.render.escapes import decoded, one_line, visible
from loghouse.render.fields import fields_of, made_fields
from loghouse.render.links import linked, record_link
from loghouse.render.pages import Pages, Writer
from loghouse.render.values import picked_values
from loghouse.render.width import cut, width

# A record may fill this many lines of the screen; the rest is counted, and `-o raw` has it all.
SCREEN_LINES = 10
HIT = "_hit"  # the field that the stage `context` gives to what was looked for
LATE_AFTER_NS = 10 * NANOSECONDS

_LEVEL_NAMES = {
    "unknown": "-",
    "notice": "NOTE",
    "warning": "WARN",
    "critical": "CRIT",
    "emergency": "EMERG",
}
# What each line begins with, whether it was asked for or not.
_HEAD = frozenset(("timestamp", "pod", "container", "level", "message"))
# Fields that say again what stands in front of the message.
_SHOWN_ALREADY = frozenset(
    ("level", "levelname", "level_name", "severity", "time", "timestamp", "ts", "@timestamp", "datetime")
)
_STYLES = re.compile(r"\x1b\[[0-9;]*m|\x1b]8;;[^\x1b]*\x1b\\")  # what takes no room
_NEEDS_QUOTES = re.compile(r"[\s=\"]|^$")


@dataclass(slots=True)
class Pretty:
    """Renders records for people, one line each; with the width of a `screen` wrapped and cut to fit."""

    clock: Clock
    fields: list[str]
    colour: bool = False
    screen: int | None = None
    highlight: re.Pattern[str] | None = None
    mark_late: bool = False
    lines: int | None = SCREEN_LINES  # of the screen for a record; None is all of it
    indent: bool = False  # every field on a line of its own
    page: str = ""  # where the web page is, to link to it
    _newest: int = field(default=0, init=False)
    _names: dict[tuple[str, str], str] = field(default_factory=dict, init=False)

    def records(self, pages: Pages, out: Writer) -> int:
        """One line a record; in a terminal a message of several lines is indented below its first."""
        count = 0
        for page in pages:
            if page:
                text = "\n".join(map(self._line, page)) + "\n"
                out.write(text.encode("utf-8", "backslashreplace"))
                out.flush()
                count += len(page)
        return count

    def _line(self, record: Record) -> str:
        time = self._paint(DIM, self.clock.short(record.timestamp_ns))
        if self.page:
            time = linked(time, record_link(self.page, record))
        name = _LEVEL_NAMES.get(record.level) or record.level.upper()
        level = self._paint(LEVEL_COLOURS.get(record.level, DIM), f"{name:<5}")
        late = self._lateness(record) if self.mark_late else ""
        hit = self._paint(MARK, "[hit]") + " " if HIT in record.made else ""
        head = f"{time} {self._source(record)} {level} {late}{hit}"
        return f"{head}{self._body(record, width(_STYLES.sub('', head)) if self.lines == 1 else 0)}"

    def _source(self, record: Record) -> str:
        key = (record.pod or record.node, record.container)
        name = self._names.get(key)
        if name is None:
            if len(self._names) > 10_000:
                self._names.clear()
            plain = one_line("/".join(part for part in key if part) or "-")
            name = self._names[key] = self._paint(pod_colour(key[0]), plain)
        return name

    def _lateness(self, record: Record) -> str:
        """A mark on a record that is much older than what was printed before it."""
        behind = self._newest - record.timestamp_ns
        self._newest = max(self._newest, record.timestamp_ns)
        if behind < LATE_AFTER_NS:
            return ""
        return self._paint(MARK, f"[late {written_duration(behind // NANOSECONDS)}]") + " "

    def _body(self, record: Record, taken: int) -> str:
        """Message and fields; `taken` columns of the screen are used up before them."""
        left_out = self._is_all_fields(record) and "message" not in self.fields
        message = "" if left_out else decoded(record.message)
        on_one_line = self.screen is None or self.lines == 1
        shown = one_line(message) if on_one_line else visible(message).replace("\n", "\n    ")
        room = None if self.screen is None or self.lines is None else self.screen * self.lines - taken
        if room is not None and width(shown) > room:
            more = "" if on_one_line else f" {len(shown) - len(cut(shown, room))} more characters"
            return self._lit(cut(shown, room - on_one_line)) + self._paint(MARK, f"…{more}")
        if self.indent:
            return self._lit(shown) + "".join(map(self._indented, self._pairs(record)))
        pairs = list(self._fitting(record, None if room is None else room - width(shown)))
        return " ".join((self._lit(shown), *pairs) if shown or not pairs else pairs)

    def _fitting(self, record: Record, room: int | None) -> Iterator[str]:
        """The fields for which there is room, and a mark if it is not enough for all."""
        for key, value in self._pairs(record):
            text = one_line(_pair_value(value))
            if room is not None:
                room -= len(key) + width(text) + 2
                if room < 0:
                    if room + len(key) + width(text) + 2 >= 2:
                        yield self._paint(MARK, "…")
                    return
            yield f"{self._paint(DIM, one_line(key) + '=')}{self._lit(text)}"

    def _indented(self, pair: tuple[str, Any]) -> str:
        """A field on a line of its own; objects and lists over several."""
        key, value = pair
        if isinstance(value, (dict, list)):
            text = json.dumps(value, ensure_ascii=False, indent=2, default=str)
        else:
            text = value if isinstance(value, str) else _pair_value(value)
        shown = visible(text).replace("\n", "\n      ")
        return f"\n    {self._paint(DIM, one_line(key) + ':')} {self._lit(shown)}"

    def _is_all_fields(self, record: Record) -> bool:
        """A JSON record without a text of its own: its fields say all of it, or those asked for enough."""
        return record.format == "json" and record.message == record.raw

    def _pairs(self, record: Record) -> Iterator[tuple[str, Any]]:
        """The fields the message does not show: those asked for, else all of a JSON record or those made."""
        if self.fields:
            asked = [name for name in self.fields if name not in _HEAD]
            yield from picked_values(record, asked, self.clock).items()
        elif record.format == "json":
            for key, value in fields_of(record).items():
                if key not in _SHOWN_ALREADY and value != record.message and key != HIT:
                    yield key, value
        else:
            yield from ((key, value) for key, value in made_fields(record).items() if key != HIT)

    def _lit(self, text: str) -> str:
        if not self.colour or self.highlight is None:
            return text
        return self.highlight.sub(lambda match: f"{MATCH}{match[0]}{MATCH_END}" if match[0] else "", text)

    def _paint(self, colour: str, text: str) -> str:
        return f"{colour}{text}{RESET}" if self.colour and text else text


def _pair_value(value: Any) -> str:
    if isinstance(value, str) and not _NEEDS_QUOTES.search(value):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
