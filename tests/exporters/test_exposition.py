"""The page as Prometheus reads it: escapes, numbers, formats and their choice."""

import zlib
from collections.abc import Iterable

import pytest
from exporter_servers import parse_page
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics import parser as openmetrics_parser
from prometheus_client.parser import text_string_to_metric_families as parse_text

from exporters.exporter import Ask
from exporters.exposition import (
    OPENMETRICS,
    TEXT,
    choose_format,
    encode_openmetrics,
    encode_text,
    gzip,
    select,
)
from exporters.families import LABEL_LIMIT, Family, counter, gauge, merge, text
from exporters.registry import RegistryCollector, as_metric


def test_label_values_survive_quotes_newlines_and_backslashes() -> None:
    family = Family("x", "gauge", "Help with \\ and\nnewline.", ("a", "b"))
    family.add(1, 'q"uote\\', "new\nline\\n")
    page = encode_text([family]).decode()
    assert page.count("\n") == 3
    parsed = next(iter(parse_text(page)))
    assert parsed.documentation == "Help with \\ and\nnewline."
    assert parsed.samples[0].labels == {"a": 'q"uote\\', "b": "new\nline\\n"}


@given(st.lists(st.tuples(st.text(max_size=60), st.floats() | st.integers()), max_size=20))
def test_any_text_and_number_can_be_read_back(samples: list[tuple[str, float]]) -> None:
    family = Family("x", "gauge", "Help.", ("label",))
    for value, number in dict(samples).items():
        family.add(number, value)
    page = encode_text([family]).decode()
    # What is no text (lone surrogates) becomes a question mark; such values may then be equal.
    expected = [
        (value.encode("utf-8", "replace").decode().replace("\0", "\\x00"), float(number))
        for value, number in dict(samples).items()
    ]
    read = [(s.labels["label"], s.value) for f in parse_text(page) for s in f.samples]
    assert [v for v, _ in read] == [v for v, _ in expected]
    assert [float(n) for _, n in read] == pytest.approx([n for _, n in expected], rel=0, abs=0, nan_ok=True)


def test_nul_never_reaches_prometheus() -> None:
    family = Family("x", "gauge", "Help.", ("label",))
    family.add(1, "a\0b")
    page = encode_text([family])
    assert b"\0" not in page
    assert parse_page(page.decode()).label_values("x", "label") == {"a\\x00b"}


def test_invalid_utf8_stays_distinct() -> None:
    assert text(b"ok \xc3\xa9") == "ok é"
    assert text(b"\xff") != text(b"\xfe")


def test_long_label_values_are_cut_but_stay_distinct() -> None:
    family = Family("x", "gauge", "Help.", ("label",))
    family.add(1, "a" * 500)
    family.add(2, "a" * 501)
    page = parse_page(encode_text([family]).decode())
    values = page.label_values("x", "label")
    assert len(values) == 2
    assert max(map(len, values)) == LABEL_LIMIT


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (1, "1"),
        (True, "1"),
        (1.0, "1"),
        (0.1, "0.1"),
        (2**63, "9223372036854775808"),
        (1e300, "1e+300"),
        (float("inf"), "+Inf"),
        (float("-inf"), "-Inf"),
        (float("nan"), "NaN"),
    ],
)
def test_numbers(value: float, shown: str) -> None:
    assert encode_text([gauge("x", "Help.", value)]).decode().splitlines()[-1] == f"x {shown}"


def _everything() -> list[Family]:
    histogram = Family("lat_seconds", "histogram", "Help.", ("cmd",))
    histogram.add_bucket(1, "0.5", "get")
    histogram.add_bucket(2, "+Inf", "get")
    histogram.add_sum_count(0.7, 2, "get")
    summary = Family("sum_usec", "summary", "Help.", ("cmd",))
    summary.add_quantile(5, "0.5", "get")
    summary.add_sum_count(9, 3, "get")
    return [gauge("up", "Help.", 1), counter("calls_total", "Help.", 4), histogram, summary]


def test_both_formats_are_read_by_prometheus_clients_parsers() -> None:
    families = _everything()
    plain = _samples(parse_text(encode_text(families).decode()))
    assert len(plain) == 9
    assert plain == _samples(parse_openmetrics(encode_openmetrics(families).decode()))


def test_openmetrics_keeps_the_names_it_cannot_type() -> None:
    percentiles = Family("redis_latency_percentiles_usec", "summary", "Help.", ("cmd",))
    percentiles.add_quantile(5, "99.9", "get")
    percentiles.add_sum_count(9, 3, "get")
    page = encode_openmetrics([counter("redis_total_error_replies", "Help.", 3), percentiles]).decode()
    families = list(parse_openmetrics(page))
    assert {family.type for family in families} == {"unknown"}
    assert {s.name for f in families for s in f.samples} == {
        "redis_total_error_replies",
        "redis_latency_percentiles_usec",
        "redis_latency_percentiles_usec_sum",
        "redis_latency_percentiles_usec_count",
    }


def parse_openmetrics(page: str) -> list[Metric]:
    """The families as prometheus_client's own parser, which has no types, reads them."""
    return list(openmetrics_parser.text_string_to_metric_families(page))  # type: ignore[no-untyped-call]


PROMETHEUS = "application/openmetrics-text;version=1.0.0;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", TEXT),
        ("*/*", TEXT),
        (PROMETHEUS, OPENMETRICS),
        ("application/openmetrics-text;version=abc", OPENMETRICS),
        ("text/plain", TEXT),
        ("application/openmetrics-text;q=0.1,text/plain;q=0.9", TEXT),
        ("application/openmetrics-text;q=nonsense", OPENMETRICS),
        ("text/html", TEXT),
    ],
)
def test_format_follows_the_accept_header(accept: str, expected: str) -> None:
    assert choose_format(accept, _everything()) == expected


def test_text_is_chosen_where_openmetrics_would_lose_a_type() -> None:
    families = [counter("phpfpm_slow_requests", "Help.", 1)]
    assert choose_format(PROMETHEUS, families) == TEXT
    assert choose_format("application/openmetrics-text", families) == OPENMETRICS


def test_merge_makes_one_group_of_a_name() -> None:
    assert len(merge([gauge("a", "Help.", 1), gauge("b", "Help.", 1), gauge("a", "Help.", 2)])) == 2
    with pytest.raises(ValueError, match="two different families"):
        merge([gauge("a", "Help.", 1), counter("a", "Help.", 1)])


def test_select_knows_names_of_families_and_samples() -> None:
    assert [f.name for f in select(_everything(), {"up", "lat_seconds_bucket"})] == ["up", "lat_seconds"]


def test_gzip_can_be_unpacked() -> None:
    assert zlib.decompress(gzip(b"page" * 1000), 31) == b"page" * 1000


def _all_fixed() -> list[Family]:
    return [*_everything(), counter("fixed_slow_requests", "Help.", 7)]


def _samples(families: Iterable[Metric]) -> set[tuple[str, tuple[tuple[str, str], ...], float]]:
    return {(s.name, tuple(sorted(s.labels.items())), s.value) for f in families for s in f.samples}


class _Fixed:
    namespace = "fixed"
    parts = ()

    def scrape(self, ask: Ask) -> list[Family]:
        return _all_fixed()


def test_an_exporter_can_be_registered_in_any_registry() -> None:
    registry = CollectorRegistry()
    registry.register(RegistryCollector(_Fixed()))
    assert registry.get_sample_value("calls_total") == 4
    assert registry.get_sample_value("lat_seconds_bucket", {"cmd": "get", "le": "0.5"}) == 1
    assert registry.get_sample_value("fixed_slow_requests") == 7
    page = generate_latest(registry).decode()
    assert parse_page(page).samples == parse_page(encode_text(_all_fixed()).decode()).samples


def test_counter_becomes_a_counter_of_prometheus_client() -> None:
    assert as_metric(counter("calls_total", "Help.", 4)).type == "counter"
    assert as_metric(counter("calls", "Help.", 4)).type == "unknown"
