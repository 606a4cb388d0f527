"""Reading pages of the text format that another exporter wrote, to pass parts of them on.

The lines are kept as text: a page of a hundred thousand series is filtered at the price of splitting it.
"""

import os.path
import re
from collections.abc import Callable, Iterable, Iterator
from typing import get_args

from exporters.errors import ScrapeError
from exporters.exposition import escape_label
from exporters.families import LABEL_LIMIT, Family, FamilyType, shortened, text

_LABEL = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\[\\"n])*)"(?:,|$)')
_LABELS = re.compile(rf"(?:{_LABEL.pattern})*")
# Where a label begins, for values whose quotes were not escaped.
_BEGIN = re.compile(r'(?:^|",)([a-zA-Z_]\w*)="')
_NAME = re.compile(r"[a-zA-Z_:][\w:]*")
_ESCAPE = re.compile(r"\\(.)")
_TYPES: dict[str, FamilyType] = {name: name for name in get_args(FamilyType)}


class LabelTexts(dict[str, str | None]):
    """What becomes of each text between braces: itself, its correction, or None to leave the series out.

    Filled on the way, so a text that comes once for each family of a page is looked at once.
    """

    # Set when every sample that may still come has two labels and stays as it is: then lines are no longer
    # looked at one by one, only whether their quotes can be right.
    settled = False

    def __missing__(self, raw: str) -> str | None:
        self[raw] = clean = self.decide(raw)
        return clean

    def decide(self, raw: str) -> str | None:
        return corrected(raw)


def read_families(
    blocks: Iterable[str], texts: LabelTexts, rename: Callable[[str], str] = lambda name: name
) -> Iterator[Family]:
    """Families of a page in blocks; each comes as soon as the next begins. ScrapeError("protocol") if none.

    `rename` gives the name under which a family is passed on.
    """
    name = ""
    family: Family | None = None
    for block in blocks:
        first, *described = block.split("\n# ")
        if first not in ("", "\n"):
            _add_lines(family, name, first, texts)
        for part in described:
            end = part.find("\n")
            words = (part if end < 0 else part[:end]).split(" ", 2)
            if len(words) > 1 and words[0] in ("TYPE", "HELP"):
                if family is None or name != words[1]:
                    if family is not None:
                        yield family
                    name = words[1]
                    family = Family(rename(name), "untyped", "")
                _describe(family, words)
            if end >= 0:
                _add_lines(family, name, part[end:], texts)
    if family is not None:
        yield family


def split_blocks(chunks: Iterable[bytes], longest: int = 65536) -> Iterator[str]:
    """Blocks of whole lines from pieces of a page, so that the page is never held as a whole.

    Each line has its line break before it, so that names are found at the beginning of lines.
    """
    rest = b"\n"
    for chunk in chunks:
        end = chunk.rfind(b"\n")
        if end >= 0:
            yield text(rest + chunk[:end])
            rest = chunk[end:]
        else:
            rest += chunk
            if len(rest) > longest:
                raise ScrapeError("protocol", f"the page has a line of more than {longest} bytes")
    if len(rest) > 1:
        yield text(rest)


def lines_of(family: Family) -> list[str]:
    """The written lines of a family."""
    return [line for block in family.written for line in block.split("\n")]


def labels_of(line: str) -> str:
    """The text between the braces of a line."""
    return line[line.find("{") + 1 : line.rfind("}")]


def corrected(raw: str) -> str:
    """The text between braces as the format wants it, with values of bounded length."""
    # Names and values together are shorter than one value may be, in nearly all cases.
    if len(raw) <= LABEL_LIMIT and _LABELS.fullmatch(raw):
        return raw
    pairs = parse_labels(raw).items()
    return ",".join([f'{name}="{escape_label(shortened(value))}"' for name, value in pairs])


def parse_labels(raw: str) -> dict[str, str]:
    """Labels of a text between braces; values whose quotes were not escaped are taken as they are."""
    if _LABELS.fullmatch(raw):
        return {name: _unescape(value) for name, value in _LABEL.findall(raw)}
    pieces = _BEGIN.split(raw.removesuffix(","))
    if pieces[0] or len(pieces) < 3 or not pieces[-1].endswith('"'):
        raise ScrapeError("protocol", f"not labels: {raw[:80]!r}")
    pieces[-1] = pieces[-1][:-1]
    return dict(zip(pieces[1::2], pieces[2::2], strict=True))


def parse_sample(line: str) -> tuple[str, dict[str, str], float]:
    """Name, labels and value of a line."""
    series, _, value = line.rpartition(" ")
    name, brace, labels = series.partition("{")
    return name, parse_labels(labels.removesuffix("}")) if brace else {}, float(value)


def _add_lines(family: Family | None, name: str, body: str, texts: LabelTexts) -> None:
    """Samples of a family, each after a line break; most of them are taken without a look at each line."""
    if family is None:
        raise ScrapeError("protocol", "the page begins with something else than a family")
    if texts.settled and _has_two_plain_labels(body):
        same = len(os.path.commonprefix((name[::-1], family.name[::-1])))
        # Only what differs is replaced: short texts are found several times faster.
        old, new = name[: len(name) - same], family.name[: len(family.name) - same]
        family.written.append(body.replace(f"\n{old}", f"\n{new}")[1:] if old != new else body[1:])
        return
    begin = f"\n{family.name}{{"
    samples = body.split(f"\n{name}{{")
    # Labels and values in turn; only labels that hold "} " come out wrong.
    pieces = "} ".join(samples[1:]).split("} ")
    raw, values = pieces[::2], pieces[1::2]
    if not samples[0] and len(raw) == len(values) == body.count("\n") and _are_numbers(values):
        clean = list(map(texts.__getitem__, raw))
        if clean == raw:
            written = begin.join(samples)
        else:
            pairs = zip(clean, values, strict=True)
            written = "".join([f"{begin}{labels}}} {value}" for labels, value in pairs if labels])
    else:
        lines = (_line(line, texts) for line in body.split("\n"))
        written = "".join([f"\n{family.name}{line.removeprefix(name)}" for line in lines if line])
    if written:
        family.written.append(written[1:])


def _has_two_plain_labels(body: str) -> bool:
    """Whether every line has four quotes, the last before its value, and nothing is escaped."""
    lines = body.count("\n")
    return body.count('"') == 4 * lines == 4 * body.count('"} ') and "\\" not in body


def _line(line: str, texts: LabelTexts) -> str | None:
    """A line as it is to be written; None when it is left out."""
    if not line or line.startswith("#"):
        return None
    end = line.rfind("}")
    if end < 0:
        _check(line, line)
        return line
    start = line.find("{") + 1
    _check(line[: start - 1] + line[end + 1 :], line)
    clean = texts[line[start:end]]
    return None if clean is None else f"{line[:start]}{clean}{line[end:]}"


def _describe(family: Family, words: list[str]) -> None:
    rest = words[2] if len(words) > 2 else ""
    if words[0] == "TYPE":
        family.type = _TYPES.get(rest, "untyped")
    else:
        family.help = _unescape(rest)


def _check(plain: str, line: str) -> None:
    """ScrapeError unless a line without its labels is a name and a number."""
    name, _, value = plain.partition(" ")
    if not _NAME.fullmatch(name) or not _are_numbers([value]):
        raise ScrapeError("protocol", f"not a sample: {line[:80]!r}")


def _are_numbers(values: list[str]) -> bool:
    try:
        # Many samples are equal, most of them 0.
        list(map(float, set(values)))
    except ValueError:
        return False
    return True


def _unescape(value: str) -> str:
    if "\\" not in value:
        return value
    return _ESCAPE.sub(lambda found: "\n" if found[1] == "n" else found[1], value)
