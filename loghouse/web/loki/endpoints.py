"""The paths of Loki's API."""

from __future__ import annotations

from collections.abc import Sequence

from loghouse.web.endpoints import Endpoint
from loghouse.web.loki import handlers

V1 = "/loki/api/v1"


def _endpoint(path: str, handler: object, summary: str) -> Endpoint:
    assert callable(handler)
    return Endpoint(f"{V1}/{path}", handler, summary, lenient=True)


LOKI_ENDPOINTS: Sequence[Endpoint] = (
    _endpoint("query_range", handlers.query_range, "Lines or series over a time range"),
    _endpoint("query", handlers.query, "Lines or values at one moment"),
    _endpoint("labels", handlers.labels, "The names of the labels"),
    _endpoint("label", handlers.labels, "The names of the labels"),
    _endpoint("label/{name}/values", handlers.label_values, "The values of a label"),
    _endpoint("series", handlers.series, "The streams that a selector finds"),
    _endpoint("index/stats", handlers.statistics, "How much a selector covers"),
    _endpoint("status/buildinfo", handlers.build, "Which version this is like"),
)
