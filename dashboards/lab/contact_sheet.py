"""A picture of a dashboard, drawn from the answers of a real Prometheus and a real store.

`render` asks each query of each panel and draws it where the panel stands: lines and bars over time, figures,
tables, records. It shows what a board tells, not how Grafana paints it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dashboards.lab.expand import Asked, promql, queries, sql
from loghouse.render.escapes import one_line

Series = tuple[str, Sequence[float], Sequence[float]]  # name, seconds since 1970, values
Prometheus = Callable[[str], Sequence[tuple[Mapping[str, str], Sequence[tuple[float, float]]]]]
Store = Callable[[str], tuple[Sequence[str], Sequence[Sequence[Any]]]]

COLUMN, ROW = 0.62, 0.38  # inches of a column and of a row of Grafana's grid
_UNITS = {
    "bytes": ("B", 1024),
    "Bps": ("B/s", 1024),
    "s": ("s", 0),
    "ms": ("ms", 0),
    "µs": ("µs", 0),
    "percent": ("%", 0),
    "reqps": ("/s", 1000),
    "cps": ("/s", 1000),
    "ops": ("/s", 1000),
    "KBs": ("kB/s", 1000),
}
_DARK, _TEXT, _DIM = "#181b1f", "#d8d9da", "#8e8e8e"
_LEVELS = {"error": "#f2495c", "warning": "#fade2a", "info": "#73bf69", "critical": "#b877d9"}
_LINES = (
    "#73bf69",
    "#f2cc0c",
    "#8ab8ff",
    "#ff780a",
    "#f2495c",
    "#5794f2",
    "#b877d9",
    "#705da0",
    "#37872d",
    "#fade2a",
)


def render(
    board: Mapping[str, Any], prometheus: Prometheus, store: Store, start: int, end: int, path: Path
) -> None:
    """Draw a board with the answers of this time (seconds since 1970) into a PNG file.

    `prometheus` answers an expression over the time, `store` a statement with its columns and rows.
    """
    height = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in board["panels"])
    figure = Figure(figsize=(24 * COLUMN, height * ROW + 0.5), facecolor="#111217")
    figure.text(0.006, 1 - 0.3 / (height * ROW + 0.5), board["title"], color=_TEXT, size=14, va="center")
    asked: dict[int, list[Asked]] = {}
    for each in queries(board):
        asked.setdefault(each.panel["id"], []).append(each)
    for panel in board["panels"]:
        axes = _place(figure, panel["gridPos"], height)
        if panel["type"] == "row":
            axes.axis("off")
            axes.text(0, 0.4, panel["title"], color=_TEXT, size=9, weight="bold", va="center")
            continue
        axes.set_title(panel["title"], color=_TEXT, size=8, loc="left", pad=4)
        _panel(axes, panel, asked[panel["id"]], prometheus, store, start, end)
    figure.savefig(path, dpi=75, facecolor=figure.get_facecolor())


def _place(figure: Figure, place: Mapping[str, int], height: int) -> Axes:
    whole = height * ROW + 0.5
    left, width = place["x"] / 24 + 0.006, place["w"] / 24 - 0.012
    top = 1 - (0.5 + place["y"] * ROW) / whole
    tall = place["h"] * ROW / whole
    pad = 0.0 if place["h"] == 1 else 0.32 / whole
    inside = 0.03 if place["h"] > 1 and place["w"] > 4 else 0.0
    box = (left + inside, top - tall + pad, width - inside, max(tall - 2.1 * pad, 0.2 / whole))
    return figure.add_axes(box, facecolor=_DARK)


def _panel(
    axes: Axes,
    panel: Mapping[str, Any],
    asked: Sequence[Asked],
    prometheus: Prometheus,
    store: Store,
    start: int,
    end: int,
) -> None:
    unit = panel.get("fieldConfig", {}).get("defaults", {}).get("unit", "short")
    if panel["type"] == "timeseries":
        _draw(axes, panel, _series(asked, prometheus, store, start, end), unit, start, end)
        return
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_xticks([])
    axes.set_yticks([])
    if panel["type"] == "stat":
        value = _figure(asked[0], prometheus, store, start, end)
        text = "No data" if value is None else _shown(value, unit)
        axes.text(0.5, 0.45, text, color=_colour(panel, value), size=15, ha="center", va="center")
        return
    _rows(axes, panel, asked[0], prometheus, store, start, end)


def _series(
    asked: Sequence[Asked], prometheus: Prometheus, store: Store, start: int, end: int
) -> list[Series]:
    found: list[Series] = []
    for each in asked:
        if each.kind == "prometheus":
            for labels, points in prometheus(promql(each.text)):
                name = each.legend
                for label, text in labels.items():
                    name = name.replace(f"{{{{{label}}}}}", text)
                found.append((name, [time for time, _ in points], [value for _, value in points]))
            continue
        names, rows = store(sql(each.text, start, end))
        found += _of_rows(names, rows)
    return found


def _of_rows(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[Series]:
    """Rows of a time, numbers and perhaps texts: a series for each number and combination of texts."""
    series: dict[str, tuple[list[float], list[float]]] = {}
    for row in rows:
        texts = [str(value) for value in row[1:] if isinstance(value, str)]
        for name, value in zip(names[1:], row[1:], strict=True):
            if isinstance(value, str):
                continue
            times, values = series.setdefault(" ".join(texts) or name, ([], []))
            times.append(row[0].replace(tzinfo=row[0].tzinfo or UTC).timestamp())
            values.append(float(value))
    return [(name, times, values) for name, (times, values) in series.items()]


def _draw(
    axes: Axes, panel: Mapping[str, Any], series: Sequence[Series], unit: str, start: int, end: int
) -> None:
    custom = panel["fieldConfig"]["defaults"].get("custom", {})
    stacked = custom.get("stacking", {}).get("mode") == "normal"
    base: dict[float, float] = {}
    for number, (name, times, values) in enumerate(series):
        colour = _LEVELS.get(name, _LINES[number % len(_LINES)])
        label = _plain(name) if number < 4 else "_"
        if custom.get("drawStyle") == "bars":
            bottom = [base.get(time, 0.0) for time in times]
            axes.bar(times, values, width=24, bottom=bottom, color=colour, label=label)
        elif stacked:
            bottom = [base.get(time, 0.0) for time in times]
            tops = [low + value for low, value in zip(bottom, values, strict=True)]
            axes.fill_between(times, bottom, tops, color=colour, alpha=0.4, label=label)
        else:
            axes.plot(times, values, color=colour, linewidth=1.1, label=label)
        if stacked:
            for time, value in zip(times, values, strict=True):
                base[time] = base.get(time, 0.0) + value
    axes.set_xlim(start, end)
    axes.set_ylim(bottom=0, top=panel["fieldConfig"]["defaults"].get("max"))
    axes.tick_params(colors=_DIM, labelsize=6, length=2)
    axes.grid(color="#2c3235", linewidth=0.5)
    for spine in axes.spines.values():
        spine.set_color("#2c3235")
    axes.yaxis.set_major_formatter(lambda value, _: _shown(value, unit))
    marks = [start + (end - start) * part / 4 for part in (1, 2, 3)]
    axes.set_xticks(marks, [f"{datetime.fromtimestamp(mark, UTC):%H:%M}" for mark in marks])
    if series:
        axes.legend(fontsize=5.5, loc="upper left", frameon=False, labelcolor=_TEXT, ncols=2)
    else:
        axes.text(0.5, 0.5, "No data", color=_DIM, size=9, ha="center", transform=axes.transAxes)


def _figure(asked: Asked, prometheus: Prometheus, store: Store, start: int, end: int) -> float | None:
    if asked.kind == "prometheus":
        last = [points[-1][1] for _, points in prometheus(promql(asked.text)) if points]
        return last[0] if last else None
    _, rows = store(sql(asked.text, start, end))
    return float(rows[0][0]) if rows and rows[0][0] is not None else None


def _rows(
    axes: Axes,
    panel: Mapping[str, Any],
    asked: Asked,
    prometheus: Prometheus,
    store: Store,
    start: int,
    end: int,
) -> None:
    names: Sequence[str]
    if asked.kind == "prometheus":
        found = prometheus(promql(asked.text))
        names = sorted({label for labels, _ in found for label in labels if not label.startswith("__")})[
            :8
        ] + ["value"]
        rows: Sequence[Sequence[Any]] = [
            [*(labels.get(name, "") for name in names[:-1]), points[-1][1]] for labels, points in found
        ]
    else:
        names, rows = store(sql(asked.text, start, end))
    shown = int(panel["gridPos"]["h"] * ROW / 0.17) - 3
    widest = max(8, int(panel["gridPos"]["w"] * 7.2 / max(1, len(names))))
    if panel["type"] == "logs":
        lines = [
            f"{row[0]:%H:%M:%S}  {row[2]:<8} {one_line(str(row[1]))}"[: panel["gridPos"]["w"] * 7]
            for row in rows[:shown]
        ]
    else:
        lines = [
            _line(names, widest),
            *(_line([_cell(value) for value in row], widest) for row in rows[:shown]),
        ]
    text = "\n".join(lines) if rows else "No data"
    axes.text(
        0.004,
        0.97,
        text,
        color=_TEXT,
        size=6,
        va="top",
        family="monospace",
        transform=axes.transAxes,
        clip_on=True,
        parse_math=False,
    )


def _line(cells: Sequence[str], width: int) -> str:
    return " ".join(f"{' '.join(cell.split())[: width - 1]:<{width}}" for cell in cells)


def _plain(name: str) -> str:
    """The name of a series: short, without signs that would be drawn as formulas or not at all."""
    text = one_line(name).replace("$", r"\$")
    return text if len(text) <= 28 else f"{text[:27]}…"


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return f"{value:%H:%M:%S}" if isinstance(value, datetime) else one_line(str(value))


def _shown(value: float, unit: str) -> str:
    if not math.isfinite(value):
        return "-"
    name, base = _UNITS.get(unit, ("", 1000))
    if unit == "percentunit":
        name, base, value = "%", 0, value * 100
    prefixes = ("", "k", "M", "G", "T")
    step = 0
    while base and abs(value) >= base and step < len(prefixes) - 1:
        value, step = value / base, step + 1
    return f"{value:.3g} {prefixes[step]}{name}".strip()


def _colour(panel: Mapping[str, Any], value: float | None) -> str:
    if value is None:
        return _DIM
    colour = "green"
    for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]:
        if step["value"] is None or value >= step["value"]:
            colour = step["color"]
    return {"green": "#73bf69", "red": "#f2495c"}.get(colour, colour)
