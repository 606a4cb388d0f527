"""Hyperlinks of a terminal (OSC 8): from a record to the page that shows it with what was around."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

from loghouse.record import Record
from loghouse.render.clock import NANOSECONDS

AROUND_SECONDS = 60  # of the record, on both sides
# Terminals that say who they are, and open links; the version of VTE is that of GNOME's and its relatives.
_KNOWN_PROGRAMS = ("iTerm.app", "WezTerm", "vscode", "ghostty", "Hyper", "Tabby", "rio")
_KNOWN_VARIABLES = ("KITTY_WINDOW_ID", "WT_SESSION", "KONSOLE_VERSION", "DOMTERM", "ALACRITTY_WINDOW_ID")
_FIRST_VTE = 5000


def opens_links(environ: Mapping[str, str]) -> bool:
    """Whether the terminal is known to open links; FORCE_HYPERLINK=1 or 0 says it for certain."""
    forced = environ.get("FORCE_HYPERLINK")
    if forced is not None:
        return forced not in ("", "0", "false", "no")
    if environ.get("TERM") == "dumb" or "TMUX" in environ or environ.get("TERM", "").startswith("screen"):
        return False
    vte = environ.get("VTE_VERSION", "")
    return (
        environ.get("TERM_PROGRAM") in _KNOWN_PROGRAMS
        or any(name in environ for name in _KNOWN_VARIABLES)
        or (vte.isascii() and vte.isdecimal() and int(vte) >= _FIRST_VTE)
    )


def linked(text: str, target: str) -> str:
    """`text` as a link to `target`, which holds nothing but what `record_link` has quoted."""
    return f"\x1b]8;;{target}\x1b\\{text}\x1b]8;;\x1b\\"


def record_link(page: str, record: Record) -> str:
    """The address of the page for the minute before and after a record, of its pod and container."""
    conditions = [
        f"{name}={_spelled(value)}"
        for name, value in (("pod", record.pod), ("container", record.container))
        if value
    ]
    second = record.timestamp_ns // NANOSECONDS
    parameters = [
        ("q", " ".join(conditions)),
        ("from", _moment(second - AROUND_SECONDS)),
        ("to", _moment(second + AROUND_SECONDS)),
        *([("ns", record.namespace)] if record.namespace else []),
    ]
    return f"{quote(page.rstrip('/'), safe=':/?#[]@!$&()*+,;=%~')}/?{urlencode(parameters, errors='replace')}"


def _spelled(value: str) -> str:
    from loghouse.query.spelling import value as spelled

    return spelled(value)


def _moment(second: int) -> str:
    return datetime.fromtimestamp(max(second, 0), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
