"""Guesses after a search without results, and what is marked in one with."""

import pytest

from loghouse.highlight import highlight
from loghouse.known_fields import unknown_field
from loghouse.query import parse

KNOWN = ["status", "user.id", "request_id"]


@pytest.mark.parametrize(
    ("query", "message", "place"),
    [
        ("error statsu=500", 'unknown field "statsu", did you mean "status"?', (6, 12)),
        ("* | top 3 requestid", 'unknown field "requestid", did you mean "request_id"?', (10, 19)),
        ("not (userid=1)", 'unknown field "userid", did you mean "user.id"?', (5, 11)),
        ("namespce=prod", 'unknown field "namespce", did you mean "namespace"?', (0, 8)),
    ],
)
def test_a_misspelled_field_is_guessed(query: str, message: str, place: tuple[int, int]) -> None:
    found = unknown_field(parse(query), KNOWN)
    assert found is not None
    assert (found.message, (found.start, found.end)) == (message, place)


@pytest.mark.parametrize("query", ["status=1", "pod=x", "~statsu=1", "zzz=1", "statsu", ""])
def test_known_names_labels_and_words_are_left_alone(query: str) -> None:
    assert unknown_field(parse(query), KNOWN) is None


@pytest.mark.parametrize(
    ("query", "text", "marked"),
    [
        ("error", "An ERROR, not errors", ["ERROR"]),
        ('"connection refused"', "Connection refused", ["Connection refused"]),
        ("time*", "timeout at a time", ["timeout", "time"]),
        ("a.b or not x", "a.b x", ["a.b"]),
        ('message contains "Ab"', "ab Ab", ["Ab"]),
        ('~"s+" b', "ss b", ["ss", "b"]),
        ("status=500", "500", []),
    ],
)
def test_what_was_looked_for_is_marked(query: str, text: str, marked: list[str]) -> None:
    pattern = highlight(parse(query).filter)
    assert ([match[0] for match in pattern.finditer(text)] if pattern else []) == marked


def test_columns_of_a_table_are_no_fields() -> None:
    assert unknown_field(parse("* | top 3 pod | sort count"), ["counter"]) is None
    assert unknown_field(parse("* | stats count() as statuss by pod | sort statuss"), KNOWN) is None
