"""The pages of an exporter: /metrics, /probe, /scrape, /healthz and the landing page."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

from exporters.connection import Address
from exporters.deadline import TIMEOUT_HEADER, Deadline, scrape_seconds
from exporters.exporter import Ask, Exporter, gather
from exporters.exposition import choose_format, encode, select
from exporters.httpserver import Handler, Request, Response
from exporters.outages import Outages
from exporters.targets import TargetRefused, TargetRules


@dataclass(frozen=True, slots=True)
class Pages:
    """Builds the routes of one exporter."""

    exporter: Exporter
    title: str
    timeout: float
    rules: TargetRules[Any]
    telemetry_path: str = "/metrics"
    scrape_path: str = "/scrape"
    outages: Outages = field(default_factory=lambda: Outages("exporter"))

    def routes(self, more: Mapping[str, Handler] | None = None) -> dict[str, Handler]:
        """Path to handler; `more` adds the exporter's own pages."""
        return {
            "/": self._landing,
            "/healthz": _healthy,
            "/health": _healthy,
            "/-/healthy": _healthy,
            "/-/ready": _healthy,
            "/probe": self._multi_target,
            self.scrape_path: self._multi_target,
            **(more or {}),
            self.telemetry_path: self._metrics,
        }

    def _metrics(self, request: Request) -> Response:
        return self._page(request, None, "")

    def _multi_target(self, request: Request) -> Response:
        if not self.rules.enabled:
            return Response(403, b"scraping other targets is off: set --targets to allow some\n")
        target, module = request.first("target"), request.first("module")
        if not target:
            self.rules.refused.add()
            return Response(400, b"'target' parameter must be specified\n")
        try:
            address = self.rules.allow(target)
            self.rules.settings(address, module)
        except TargetRefused as error:
            self.rules.refused.add()
            return Response(400, f"{error}\n".encode())
        return self._page(request, address, module)

    def _page(self, request: Request, target: Address | None, module: str) -> Response:
        if request.method not in ("GET", "HEAD"):
            return Response(405, b"use GET\n", headers={"Allow": "GET, HEAD"})
        unknown = _unknown(request.query.get("collect[]", ()), self.exporter.parts)
        if unknown:
            known = ", ".join(self.exporter.parts)
            return Response(400, f"unknown collect[] value; known are: {known}\n".encode())
        seconds = scrape_seconds(self.timeout, request.headers.get(TIMEOUT_HEADER))
        ask = Ask(
            Deadline.after(seconds),
            target,
            module,
            frozenset(request.query.get("collect[]", ())),
            request.query,
            self.outages,
        )
        families = gather(self.exporter, ask)
        names = request.query.get("name[]")
        if names:
            families = select(families, frozenset(names))
        content_type = choose_format(request.headers.get("accept", ""), families)
        return Response(200, encode(families, content_type), content_type)

    def _landing(self, request: Request) -> Response:
        title, path = escape(self.title), escape(self.telemetry_path, quote=True)
        page = (
            f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title><h1>{title}</h1>"
            f'<p><a href="{path}">Metrics</a></p><p><a href="/healthz">Health</a></p>'
        )
        return Response(200, page.encode(), "text/html; charset=utf-8")


def _healthy(request: Request) -> Response:
    return Response(200, b"ok\n")


def _unknown(asked: Iterable[str], known: Collection[str]) -> bool:
    return any(part not in known for part in asked)
