"""Pages of another exporter that are passed on: what stays, what is corrected, what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from exporters.errors import ScrapeError
from exporters.exposition import encode_openmetrics, encode_text
from exporters.families import LABEL_LIMIT, Family
from exporters.registry import as_metric
from exporters.textformat import (
    LabelTexts,
    corrected,
    labels_of,
    lines_of,
    parse_labels,
    read_families,
    split_blocks,
)

PAGE = """\
# HELP jobs_total Jobs,\\nby queue
# TYPE jobs_total counter
jobs_total{queue="a"} 1
jobs_total{queue="b} 2"} 2
# a remark

# TYPE up gauge
up 1
# TYPE size histogram
size_bucket{le="1"} 1
size_bucket{le="+Inf"} 2
size_sum 3
size_count 2
"""


def _read(page: str, chunk: int = 1 << 20, texts: LabelTexts | None = None) -> list[Family]:
    data = page.encode()
    pieces = [data[start : start + chunk] for start in range(0, len(data), chunk)]
    return list(read_families(split_blocks(pieces), texts or LabelTexts()))


@pytest.mark.parametrize("chunk", [1, 7, 64, 1 << 20])
def test_a_page_comes_out_as_it_went_in(chunk: int) -> None:
    families = _read(PAGE, chunk)
    assert [(family.name, family.type) for family in families] == [
        ("jobs_total", "counter"),
        ("up", "gauge"),
        ("size", "histogram"),
    ]
    assert families[0].help == "Jobs,\nby queue"
    remade = encode_text(families).decode()
    kept = [line for line in PAGE.splitlines() if line and not line.startswith("# a")]
    assert [line for line in remade.splitlines() if not line.startswith("# HELP")] == kept[1:]


def test_openmetrics_and_registries_get_the_lines_too() -> None:
    families = _read(PAGE)
    assert b'jobs_total{queue="b} 2"} 2' in encode_openmetrics(families)
    metric = as_metric(families[0])
    assert [(sample.labels, sample.value) for sample in metric.samples] == [
        ({"queue": "a"}, 1.0),
        ({"queue": "b} 2"}, 2.0),
    ]


def test_left_out_and_renamed() -> None:
    class OnlyA(LabelTexts):
        def decide(self, raw: str) -> str | None:
            return raw if "a" in parse_labels(raw).values() else None

    page = '# TYPE long_x gauge\nlong_x{q="a"} 1\nlong_x{q="b"} 2\nlong_x{q="a"} +Inf\n'
    (family,) = read_families([f"\n{page.rstrip()}"], OnlyA(), lambda name: name.replace("long_", ""))
    assert lines_of(family) == ['x{q="a"} 1', 'x{q="a"} +Inf']


def test_settled_texts_are_still_checked_for_quotes() -> None:
    texts = LabelTexts()
    texts.settled = True
    page = '# TYPE x gauge\nx{v="1",q="a"} 1\nx{v="1",q="b"c"} 2\n'
    (family,) = _read(page, texts=texts)
    assert lines_of(family) == ['x{v="1",q="a"} 1', 'x{v="1",q="b\\"c"} 2']


@given(
    st.dictionaries(st.sampled_from(["vhost", "queue"]), st.text(st.characters(codec="utf-8")), min_size=1)
)
def test_escaped_labels_are_understood(labels: dict[str, str]) -> None:
    short = {name: value[:50].replace("\r", "") for name, value in labels.items()}
    escaped = {
        name: value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        for name, value in short.items()
    }
    raw = ",".join(f'{name}="{value}"' for name, value in escaped.items())
    assert parse_labels(raw) == short
    assert corrected(raw) == raw or len(raw) > LABEL_LIMIT


@given(st.text(st.characters(codec="ascii", exclude_characters="\n\r\0"), max_size=60))
def test_unescaped_names_give_a_page_that_parses(name: str) -> None:
    """As old plugins write them; a name that itself looks like labels may be read as such."""
    page = f'# TYPE x gauge\nx{{vhost="/",queue="{name}"}} 1\n'
    if '="' in name or name.endswith("\\"):
        return
    text = encode_text(_read(page)).decode()
    (family,) = text_string_to_metric_families(text)
    (sample,) = family.samples
    assert sample.labels["vhost"] == "/"


def test_long_values_are_cut() -> None:
    (family,) = _read(f'# TYPE x gauge\nx{{q="{"y" * 300}"}} 1\n')
    (line,) = lines_of(family)
    assert len(parse_labels(labels_of(line))["q"]) == LABEL_LIMIT


@pytest.mark.parametrize(
    "page",
    [
        "<html></html>",
        "up 1\n",
        "# TYPE up gauge\nup one\n",
        '# TYPE up gauge\nup{a="b"} one\n',
        '# TYPE up gauge\nup{a="b"}\n',
        "# TYPE up gauge\nup{a=b} 1\n",
        "# TYPE up gauge\n5up 1\n",
    ],
)
def test_what_is_no_page_is_refused(page: str) -> None:
    with pytest.raises(ScrapeError, match="protocol"):
        _read(page)


def test_a_line_without_end_is_refused() -> None:
    with pytest.raises(ScrapeError, match="line of more than"):
        list(split_blocks(iter([b"x" * 1000] * 100)))
