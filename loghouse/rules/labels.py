"""Names and texts as Prometheus and Alertmanager take them."""

from __future__ import annotations

import re

MAX_TEXT = 1000  # characters of the value of a label

_OTHER = re.compile(r"[^a-zA-Z0-9_]")


def label_name(field: str) -> str:
    """The label of a field: `user.email`, `~app` and `` `odd name` `` become user_email, app and odd_name."""
    plain = _OTHER.sub("_", field.strip("`").lstrip("~"))
    return f"_{plain}" if plain[:1].isdigit() or not plain else plain


def label_text(text: str) -> str:
    """The value of a label: any text, of bounded length, without halves of characters."""
    whole = text.encode("utf-8", "replace").decode("utf-8")
    return whole if len(whole) <= MAX_TEXT else f"{whole[: MAX_TEXT - 1]}…"
