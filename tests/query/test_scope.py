"""The filter that command line options make."""

import pytest

from loghouse.errors import UsageError
from loghouse.formats.level import SPELLINGS as INGESTED
from loghouse.query import parse, scope_filter
from loghouse.query.levels import SPELLINGS, level_number


def scope(**options: list[str]) -> str:
    found = scope_filter(**options)
    assert found is None or parse(str(found)).filter == found
    return str(found)


def test_no_options_no_filter() -> None:
    assert scope_filter() is None


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"namespaces": ["prod"]}, "namespace == prod"),
        ({"namespaces": ["prod", "stag*"]}, "namespace == prod or namespace:stag*"),
        (
            {"namespaces": ["a", "b"], "pods": ["web-*"], "containers": ["nginx"]},
            "(namespace == a or namespace == b) and pod:web-* and container == nginx",
        ),
        ({"labels": ["app=web"]}, "~app == web"),
        ({"labels": ["app=web,tier!=db", "release"]}, "~app == web and ~tier not in (db) and has(~release)"),
        ({"labels": ["app.kubernetes.io/name=sh*p"]}, "~app.kubernetes.io/name:sh*p"),
        ({"levels": ["warn"]}, "level >= warning"),
        ({"levels": ["warn+"]}, "level >= warning"),
        ({"levels": ["=info"]}, "level == info"),
        ({"levels": ["=info", "ERR"]}, "level == info or level >= error"),
    ],
)
def test_options_as_a_filter(options: dict[str, list[str]], expected: str) -> None:
    assert scope(**options) == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"levels": ["wran"]}, '"wran" is not a level, did you mean "warn"?'),
        ({"labels": ["=x"]}, '"=x" is not a label'),
        ({"labels": [""]}, '"" is not a label'),
        ({"namespaces": [""]}, "the name of the namespace is empty"),
    ],
)
def test_wrong_options(options: dict[str, list[str]], message: str) -> None:
    with pytest.raises(UsageError) as error:
        scope_filter(**options)
    assert error.value.message == message


def test_levels_are_spelled_as_they_are_ingested() -> None:
    for name in SPELLINGS:
        if name != "unknown":
            assert level_number(name) == INGESTED[name]
