"""Rules of our own for dashboards; each complaint says where and what."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from itertools import combinations
from typing import Any

_USED = re.compile(r"\$\{?(?!__)(\w+)")
_STRING = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'")
_WORD = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_BRACES = re.compile(r"\{[^}]*\}")
_GROUPING = re.compile(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)")
_LINK = re.compile(r"/d/([\w-]+)")
KEYWORDS = frozenset(
    "by without on ignoring group_left group_right and or unless bool offset sum avg min max count topk bottomk "
    "quantile stddev rate irate increase delta deriv predict_linear abs absent absent_over_time changes clamp_min "
    "clamp_max histogram_quantile label_replace label_join max_over_time min_over_time avg_over_time "
    "sum_over_time count_over_time last_over_time present_over_time scalar vector time round ceil floor resets "
    "sort sort_desc label_values s m h d w inf nan e group".lower().split()
)


def metrics_of(expression: str) -> set[str]:
    """The metrics that an expression names."""
    bare = _BRACES.sub("", _STRING.sub("", expression))
    bare = re.sub(r"\[[^\]]*\]", "", _GROUPING.sub("", bare))
    found = _WORD.findall(re.sub(r"\$\w+", "", bare))
    return {word for word in found if word.lower() not in KEYWORDS and not re.fullmatch(r"e?\d*", word)}


def complaints(board: Mapping[str, Any], known: Collection[str], uids: Collection[str]) -> Iterator[str]:
    """What is wrong with a dashboard."""
    declared = {variable["name"] for variable in board["templating"]["list"]}
    used = set(_USED.findall(str({**board, "templating": None})))
    for name in sorted(used - declared):
        yield f"{board['uid']}: variable ${name} is not declared"
    of_variables = {name for item in board["templating"]["list"] for name in _USED.findall(str(item))}
    for name in sorted(declared - used - of_variables):
        yield f"{board['uid']}: variable ${name} is never used"
    for uid in _LINK.findall(str(board)):
        if uid not in uids:
            yield f"{board['uid']}: links to a board {uid} that there is not"
    yield from _layout(board)
    for panel in board["panels"]:
        if panel["type"] != "row":
            yield from _panel(f"{board['uid']}/{panel['title']}", panel, known)


def _layout(board: Mapping[str, Any]) -> Iterator[str]:
    ids = [panel["id"] for panel in board["panels"]]
    if len(ids) != len(set(ids)):
        yield f"{board['uid']}: two panels have the same id"
    for panel in board["panels"]:
        place = panel["gridPos"]
        if place["x"] + place["w"] > 24 or place["w"] < 1 or place["h"] < 1:
            yield f"{board['uid']}/{panel['title']}: does not fit into 24 columns"
    for one, other in combinations(board["panels"], 2):
        a, b = one["gridPos"], other["gridPos"]
        beside = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
        if not (beside or a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]):
            yield f"{board['uid']}: {one['title']} and {other['title']} overlap"


def _panel(where: str, panel: Mapping[str, Any], known: Collection[str]) -> Iterator[str]:
    if not panel.get("description", "").endswith((".", "?", "%")):
        yield f"{where}: has no description in whole sentences"
    if not panel.get("targets"):
        yield f"{where}: asks nothing"
    if panel["type"] != "logs" and not panel["fieldConfig"]["defaults"].get("unit"):
        yield f"{where}: has no unit"
    for target in panel.get("targets", ()):
        if "expr" not in target:
            continue
        for metric in sorted(metrics_of(target["expr"]) - set(known)):
            yield f"{where}: nobody exposes {metric}"
        if not any("/d/" in (link.get("url") or "") for link in panel.get("links", ())):
            yield f"{where}: has no link to the logs"
