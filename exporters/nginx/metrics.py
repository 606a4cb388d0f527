"""The catalogue of nginx-exporter, and stub_status' numbers under its names."""

from exporters.catalogue import Catalogue, Metric
from exporters.families import Value
from exporters.nginx.stubstatus import StubStatus

CATALOGUE = Catalogue(
    (
        Metric("up", "gauge", "Whether the stub_status page could be read."),
        Metric("connections_active", "gauge", "Client connections, with the waiting ones."),
        Metric("connections_accepted", "counter", "Client connections accepted."),
        Metric(
            "connections_handled", "counter", "Client connections handled; less than accepted at a limit."
        ),
        Metric("connections_reading", "gauge", "Connections where nginx reads the request's header."),
        Metric("connections_writing", "gauge", "Connections where nginx writes the response."),
        Metric("connections_waiting", "gauge", "Idle client connections."),
        Metric("http_requests_total", "counter", "Client requests."),
        Metric("exporter_scrape_error", "gauge", "Why the page could not be read.", ("reason",)),
        Metric(
            "exporter_build_info",
            "gauge",
            "Version of the exporter.",
            ("version", "revision", "branch", "goversion", "goos", "goarch", "tags"),
        ),
    )
)


def values(status: StubStatus) -> dict[str, Value]:
    """Values by the names of the catalogue."""
    return {
        "connections_active": status.active,
        "connections_accepted": status.accepted,
        "connections_handled": status.handled,
        "connections_reading": status.reading,
        "connections_writing": status.writing,
        "connections_waiting": status.waiting,
        "http_requests_total": status.requests,
    }
