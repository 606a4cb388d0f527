"""The query language: text -> tokens -> tree -> SQL with bound values."""

from loghouse.query.ast import Filter
from loghouse.query.live import Live, all_filters, is_live
from loghouse.query.parser import Query, parse
from loghouse.query.relation import Order, Shown
from loghouse.query.scope import scope_filter
from loghouse.query.sql import Compiled, compile, filter_sql
from loghouse.query.timerange import TimeRange, parse_duration, parse_instant, parse_period, window

__all__ = [
    "Compiled",
    "Filter",
    "Live",
    "Order",
    "Query",
    "Shown",
    "TimeRange",
    "all_filters",
    "compile",
    "filter_sql",
    "is_live",
    "parse",
    "parse_duration",
    "parse_instant",
    "parse_period",
    "scope_filter",
    "window",
]
