"""Families to bytes: text format 0.0.4 and OpenMetrics 1.0.0, and which of them to answer with."""

import zlib
from collections.abc import Collection, Iterable, Sequence

from exporters.families import Family, Value

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"

# Above 2**53 a float no longer holds every integer, so such a value keeps its own notation.
_EXACT = 2.0**53


def encode_text(families: Iterable[Family]) -> bytes:
    """A page in the Prometheus text format 0.0.4, which can express every family."""
    lines: list[str] = []
    for family in families:
        if family.samples or family.written:
            lines.append(
                f"# HELP {family.name} {_escape_help(family.help)}\n# TYPE {family.name} {family.type}"
            )
            _sample_lines(lines, family, family.name)
    lines.append("")
    return _page(lines)


def encode_openmetrics(families: Iterable[Family]) -> bytes:
    """A page in OpenMetrics 1.0.0; names of samples are the same as in the text format.

    What OpenMetrics cannot express (see `needs_text`) is written as type `unknown`.
    """
    lines: list[str] = []
    for family in families:
        if not family.samples and not family.written:
            continue
        if not fits_openmetrics(family):
            _unknown_lines(lines, family)
            continue
        name = family.name.removesuffix("_total") if family.type == "counter" else family.name
        type_ = "unknown" if family.type == "untyped" else family.type
        lines.append(f"# HELP {name} {escape_label(family.help)}\n# TYPE {name} {type_}")
        _sample_lines(lines, family, family.name)
    lines.append("# EOF\n")
    return _page(lines)


def fits_openmetrics(family: Family) -> bool:
    """Whether OpenMetrics has a way to say this: no counters without `_total`, no quantiles above 1."""
    if family.type == "counter":
        return family.name.endswith("_total")
    if family.type == "summary":
        extra = len(family.labels)
        return all(_is_quantile(sample[1][extra]) for sample in family.samples if len(sample[1]) > extra)
    return True


def choose_format(accept: str, families: Iterable[Family]) -> str:
    """The content type to answer with.

    OpenMetrics is chosen when the client prefers it *and* it can say the types of all families, because
    a series whose type changes to `unknown` breaks remote-write metadata and OpenTelemetry pipelines.
    A client that takes nothing else gets it anyway.
    """
    weights = _weights(accept)
    openmetrics = weights.get("application/openmetrics-text", 0.0)
    plain = max(weights.get(kind, 0.0) for kind in ("text/plain", "text/*", "*/*"))
    if openmetrics == 0 or openmetrics < plain:
        return TEXT
    if plain > 0 and not all(map(fits_openmetrics, families)):
        return TEXT
    return OPENMETRICS


def encode(families: Sequence[Family], content_type: str) -> bytes:
    """The page in the format `choose_format` named."""
    return encode_openmetrics(families) if content_type == OPENMETRICS else encode_text(families)


def select(families: Iterable[Family], names: Collection[str]) -> list[Family]:
    """The families that `name[]=` asks for, by the name of the family or of one of its samples."""
    return [
        family
        for family in families
        if family.name in names or any(family.name + sample[0] in names for sample in family.samples)
    ]


def gzip(page: bytes) -> bytes:
    """The page compressed at the fastest level: pages are scraped over short distances."""
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    return packer.compress(page) + packer.flush()


def _page(lines: list[str]) -> bytes:
    page = "\n".join(lines)
    if "\0" in page:
        # Prometheus' parser takes NUL for the end of the page; only label values can hold one.
        page = page.replace("\0", "\\\\x00")
    return page.encode("utf-8", "replace")


def _sample_lines(lines: list[str], family: Family, name: str) -> None:
    lines += family.written
    own = family.labels
    longer = (*own, family.extra_label)
    for suffix, values, value in family.samples:
        # `type` instead of isinstance: a bool must not be written as True.
        amount = str(value) if type(value) is int else _number(value)
        if len(values) == 1:
            lines.append(f'{name}{suffix}{{{longer[0]}="{escape_label(values[0])}"}} {amount}')
        elif values:
            names = longer if len(values) > len(own) else own
            pairs = ",".join(
                [f'{key}="{escape_label(text)}"' for key, text in zip(names, values, strict=True)]
            )
            lines.append(f"{name}{suffix}{{{pairs}}} {amount}")
        else:
            lines.append(f"{name}{suffix} {amount}")


def _unknown_lines(lines: list[str], family: Family) -> None:
    """One `unknown` family per sample name, since `unknown` has no suffixes."""
    if family.written:
        lines.append(f"# HELP {family.name} {escape_label(family.help)}\n# TYPE {family.name} unknown")
        lines += family.written
    for suffix in dict.fromkeys(sample[0] for sample in family.samples):
        name = family.name + suffix
        lines.append(f"# HELP {name} {escape_label(family.help)}\n# TYPE {name} unknown")
        part = Family(name, family.type, family.help, family.labels)
        part.samples = [("", values, value) for own, values, value in family.samples if own == suffix]
        _sample_lines(lines, part, name)


def escape_label(value: str) -> str:
    """A label value as it stands between the quotes."""
    # Nearly all values need nothing: three searches cost less than three replacements.
    if "\\" in value or '"' in value or "\n" in value:
        return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return value


def _escape_help(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n")


def _number(value: Value) -> str:
    if isinstance(value, int):
        return str(int(value))
    if value != value:
        return "NaN"
    if -_EXACT < value < _EXACT:
        whole = int(value)
        return str(whole) if whole == value else repr(value)
    if value in (float("inf"), float("-inf")):
        return "+Inf" if value > 0 else "-Inf"
    return repr(value)


def _is_quantile(value: str) -> bool:
    try:
        return 0 <= float(value) <= 1
    except ValueError:
        return False


def _weights(accept: str) -> dict[str, float]:
    """Media types of an Accept header with their q; a q that does not parse counts as 1."""
    weights: dict[str, float] = {}
    for item in accept.split(","):
        kind, *parameters = (part.strip().lower() for part in item.split(";"))
        weight = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    weight = float(parameter[2:])
                except ValueError:
                    weight = 1.0
        weights[kind] = max(weight, weights.get(kind, 0.0))
    return weights
