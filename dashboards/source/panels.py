"""The parts of our dashboards: panels on Prometheus and on the logs, variables, and a board that lays them out.

In expressions `<S>` stands for the selector of the board's variables: namespace and instance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from grafana_foundation_sdk.builders import dashboard, logs, prometheus, stat, table, timeseries
from grafana_foundation_sdk.builders.common import (
    GraphThresholdsStyleConfig,
    ReduceDataOptions,
    StackingConfig,
    VizLegendOptions,
    VizTooltipOptions,
)
from grafana_foundation_sdk.cog import builder, variants
from grafana_foundation_sdk.models import common, units
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models import prometheus as prometheus_models

PROMETHEUS = models.DataSourceRef(type_val="prometheus", uid="${datasource}")
CLICKHOUSE = models.DataSourceRef(type_val="grafana-clickhouse-datasource", uid="${logs}")
SELECTOR = 'namespace=~"$namespace",instance=~"$instance"'
EXPLORER = "lq-logs-explorer"
# The same colour for a level on every board.
LEVELS = {"emergency|alert|critical": "purple", "error": "red", "warning": "yellow", "notice|info": "green"}
COLOURS = ("green", "#EAB839", "red")

Query = tuple[str, str]  # an expression or a statement, and its legend


@dataclass
class ClickHouse(variants.Dataquery, builder.Builder[variants.Dataquery]):
    """A query of the ClickHouse data source; `shape` is timeseries, table or logs."""

    sql: str
    shape: str
    ref_id: str = "A"

    def to_json(self) -> dict[str, object]:
        """As the plugin keeps it."""
        formats = {"timeseries": 0, "table": 1, "logs": 2}
        return {
            "datasource": CLICKHOUSE.to_json(),
            "editorType": "sql",
            "format": formats[self.shape],
            "queryType": self.shape,
            "rawSql": self.sql,
            "refId": self.ref_id,
        }

    def build(self) -> ClickHouse:
        """It is built already."""
        return self


@dataclass(frozen=True)
class Target:
    """Where a panel's link to the logs leads: a container and words to look for."""

    container: str = ""
    search: str = ""
    level: str = ""

    @property
    def url(self) -> str:
        """The explorer with these variables, in the same time and namespace."""
        named = [("container", self.container), ("search", self.search), ("level", self.level)]
        given = "".join(f"&var-{name}={quote(value)}" for name, value in named if value)
        return f"/d/{EXPLORER}?${{__url_time_range}}&${{namespace:queryparam}}{given}"


def _finished(panel: Any, title: str, what: str, width: int, height: int, target: Target | None) -> Any:
    panel = panel.title(title).description(what).span(width).height(height)
    if target is not None:
        panel = panel.links(
            [dashboard.DashboardLink("Logs").type(models.DashboardLinkType.LINK).url(target.url)]
        )
    return panel


def _thresholds(warn: float | None, bad: float | None) -> Any:
    """Steps from green; `bad` below `warn` means that low is bad."""
    steps: list[tuple[float | None, str]] = [(None, COLOURS[0])]
    if warn is not None and bad is not None and bad < warn:
        steps = [(None, COLOURS[2]), (bad, COLOURS[1]), (warn, COLOURS[0])]
    else:
        steps += [
            (value, colour) for value, colour in ((warn, COLOURS[1]), (bad, COLOURS[2])) if value is not None
        ]
    return (
        dashboard.ThresholdsConfig()
        .mode(models.ThresholdsMode.ABSOLUTE)
        .steps([models.Threshold(value=value, color=colour) for value, colour in steps])
    )


def _asked(panel: Any, queries: Sequence[Query], instant: bool = False) -> Any:
    for number, (expression, legend) in enumerate(queries):
        query = (
            prometheus.Dataquery()
            .expr(expression.replace("<S>", SELECTOR))
            .legend_format(legend)
            .ref_id(chr(ord("A") + number))
        )
        panel = panel.with_target(query.instant() if instant else query.range())
    return panel.datasource(PROMETHEUS)


def _graph(unit: str, stacked: bool, warn: float | None, bad: float | None, top: float | None) -> Any:
    panel = (
        timeseries.Panel()
        .unit(unit)
        .min(0)
        .line_width(1)
        .fill_opacity(30 if stacked else 10)
        .show_points(common.VisibilityMode.NEVER)
        .legend(
            VizLegendOptions()
            .display_mode(common.LegendDisplayMode.LIST)
            .placement(common.LegendPlacement.BOTTOM)
            .show_legend(True)
        )
        .tooltip(VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI).sort(common.SortOrder.DESCENDING))
    )
    if stacked:
        panel = panel.stacking(StackingConfig().mode(common.StackingMode.NORMAL))
    if top is not None:
        panel = panel.max(top)
    if warn is not None or bad is not None:
        panel = panel.thresholds(_thresholds(warn, bad)).thresholds_style(
            GraphThresholdsStyleConfig().mode(common.GraphTresholdsStyleMode.DASHED)
        )
    return panel


def graph(
    title: str,
    what: str,
    unit: str,
    *queries: Query,
    width: int = 8,
    stacked: bool = False,
    warn: float | None = None,
    bad: float | None = None,
    top: float | None = None,
    logs_of: Target | None = None,
) -> Any:
    """Figures of Prometheus over time."""
    panel = _asked(_graph(unit, stacked, warn, bad, top), queries)
    return _finished(panel, title, what, width, 7, logs_of)


def number(
    title: str,
    what: str,
    unit: str,
    expression: str,
    *,
    width: int = 4,
    warn: float | None = None,
    bad: float | None = None,
    logs_of: Target | None = None,
) -> Any:
    """One figure of now."""
    panel = _number(unit, warn, bad)
    return _finished(_asked(panel, [(expression, "")], instant=True), title, what, width, 4, logs_of)


def _number(unit: str, warn: float | None, bad: float | None) -> Any:
    return (
        stat.Panel()
        .unit(unit)
        .graph_mode(common.BigValueGraphMode.NONE)
        .color_mode(common.BigValueColorMode.VALUE)
        .reduce_options(ReduceDataOptions().calcs(["lastNotNull"]).fields("").values(False))
        .thresholds(_thresholds(warn, bad))
    )


def listing(
    title: str, what: str, unit: str, *queries: Query, width: int = 12, logs_of: Target | None = None
) -> Any:
    """Figures of now as a table, a row for each series."""
    panel = table.Panel().unit(unit).show_header(True)
    for count, (expression, _) in enumerate(queries):
        panel = panel.with_target(
            prometheus.Dataquery()
            .expr(expression.replace("<S>", SELECTOR))
            .instant()
            .format(prometheus_models.PromQueryFormat.TABLE)
            .ref_id(chr(ord("A") + count))
        )
    return _finished(panel.datasource(PROMETHEUS), title, what, width, 8, logs_of)


def sql_graph(
    title: str,
    what: str,
    unit: str,
    sql: str,
    *,
    width: int = 12,
    stacked: bool = True,
    logs_of: Target | None = None,
) -> Any:
    """Figures of the logs over time: a column `time`, a number, and texts that name the series."""
    panel = (
        _graph(unit, stacked, None, None, None)
        .datasource(CLICKHOUSE)
        .with_target(ClickHouse(sql, "timeseries"))
    )
    if stacked:
        panel = panel.draw_style(common.GraphDrawStyle.BARS)
    for level, colour in LEVELS.items():
        fixed = {"mode": "fixed", "fixedColor": colour}
        panel = panel.override_by_regexp(
            f"/\\b({level})\\b/", [models.DynamicConfigValue(id_val="color", value=fixed)]
        )
    return _finished(panel, title, what, width, 8, logs_of)


def sql_number(
    title: str,
    what: str,
    unit: str,
    sql: str,
    *,
    width: int = 4,
    warn: float | None = None,
    bad: float | None = None,
) -> Any:
    """One figure of the logs."""
    panel = _number(unit, warn, bad).datasource(CLICKHOUSE).with_target(ClickHouse(sql, "table"))
    return _finished(panel, title, what, width, 4, None)


def sql_table(
    title: str, what: str, sql: str, *, unit: str = units.Short, width: int = 12, height: int = 9
) -> Any:
    """Rows of the logs."""
    panel = (
        table.Panel()
        .unit(unit)
        .show_header(True)
        .datasource(CLICKHOUSE)
        .with_target(ClickHouse(sql, "table"))
    )
    return _finished(panel, title, what, width, height, None)


def log_lines(title: str, what: str, sql: str, *, width: int = 24, height: int = 14) -> Any:
    """The records themselves."""
    panel = (
        logs.Panel()
        .show_time(True)
        .wrap_log_message(True)
        .enable_log_details(True)
        .sort_order(common.LogsSortOrder.DESCENDING)
        .datasource(CLICKHOUSE)
        .with_target(ClickHouse(sql, "logs"))
    )
    return _finished(panel, title, what, width, height, None)


@dataclass
class Board:
    """A dashboard: rows of panels, laid out from left to right."""

    uid: str
    title: str
    what: str
    tags: tuple[str, ...] = ()
    builder: Any = field(init=False)
    _x: int = 0
    _y: int = 0
    _height: int = 0
    _id: int = 0

    def __post_init__(self) -> None:
        self.builder = (
            dashboard.Dashboard(self.title)
            .uid(self.uid)
            .description(self.what)
            .tags(["logq", *self.tags])
            .time("now-1h", "now")
            .refresh("1m")
            .timezone("browser")
            .editable()
            .tooltip(models.DashboardCursorSync.CROSSHAIR)
            .link(
                dashboard.DashboardLink("Others")
                .type(models.DashboardLinkType.DASHBOARDS)
                .tags(["logq"])
                .as_dropdown(True)
                .include_vars(True)
                .keep_time(True)
            )
        )

    def prometheus(self, metric: str = "", logs_source: bool = False) -> Board:
        """Variables: the data source and, of a metric, namespace and instance."""
        self._source("datasource", "Prometheus", "prometheus")
        if logs_source:
            self._source("logs", "Logs", "grafana-clickhouse-datasource")
        if metric:
            self.variable("namespace", "Namespace", f"label_values({metric}, namespace)")
            selected = f'{metric}{{namespace=~"$namespace"}}'
            self.variable("instance", "Instance", f"label_values({selected}, instance)")
        return self

    def namespaces_of(self, metric: str) -> Board:
        """The variable namespace alone."""
        self.variable("namespace", "Namespace", f"label_values({metric}, namespace)")
        return self

    def clickhouse(self) -> Board:
        """Variables of the logs: the data source, namespace, container."""
        self._source("logs", "Logs", "grafana-clickhouse-datasource")
        self.sql_variable(
            "namespace", "Namespace", "SELECT DISTINCT namespace FROM streams ORDER BY namespace"
        )
        return self

    def sql_variable(self, name: str, label: str, sql: str) -> Board:
        """A variable whose values the logs have."""
        self.builder.with_variable(
            dashboard.QueryVariable(name)
            .label(label)
            .datasource(CLICKHOUSE)
            .query(sql)
            .multi(True)
            .include_all(True)
            .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
            .current(models.VariableOption(selected=True, text="All", value="$__all"))
        )
        return self

    def variable(self, name: str, label: str, query: str) -> Board:
        """A variable whose values Prometheus has."""
        self.builder.with_variable(
            dashboard.QueryVariable(name)
            .label(label)
            .datasource(PROMETHEUS)
            .query(query)
            .multi(True)
            .include_all(True)
            .all_value(".*")
            .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
            .sort(models.VariableSort.ALPHABETICAL_ASC)
            .current(models.VariableOption(selected=True, text="All", value="$__all"))
        )
        return self

    def choice(self, name: str, label: str, values: str, first: str) -> Board:
        """A variable with fixed values."""
        self.builder.with_variable(
            dashboard.CustomVariable(name)
            .label(label)
            .values(values)
            .current(models.VariableOption(selected=True, text=first, value=first))
        )
        return self

    def text(self, name: str, label: str, what: str) -> Board:
        """A variable that people type."""
        self.builder.with_variable(
            dashboard.TextBoxVariable(name).label(label).description(what).default_value("")
        )
        return self

    def row(self, title: str, *panels: Any) -> Board:
        """A row with a title and its panels."""
        if self._x:
            self._x, self._y = 0, self._y + self._height
        self._id += 1
        place = models.GridPos(x=0, y=self._y, w=24, h=1)
        self.builder.with_row(dashboard.Row(title).id(self._id).grid_pos(place))
        self._y, self._height = self._y + 1, 0
        for panel in panels:
            self._place(panel)
        if self._x:
            self._x, self._y = 0, self._y + self._height
        self._height = 0
        return self

    def _place(self, panel: Any) -> None:
        made = panel.build()
        width, height = made.grid_pos.w, made.grid_pos.h
        if self._x + width > 24:
            self._x, self._y, self._height = 0, self._y + self._height, 0
        self._id += 1
        place = models.GridPos(x=self._x, y=self._y, w=width, h=height)
        self.builder.with_panel(panel.id(self._id).grid_pos(place))
        self._x += width
        self._height = max(self._height, height)

    def _source(self, name: str, label: str, kind: str) -> None:
        self.builder.with_variable(dashboard.DatasourceVariable(name).label(label).type(kind))
