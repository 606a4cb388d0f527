"""Every wrong query is refused at the right place, with a message that helps: `refused.txt` has them all."""

from pathlib import Path

import pytest
from query.records import END, NOW, START

from loghouse.errors import QueryError
from loghouse.query import TimeRange, compile, parse

# Blocks of: the query, marks under the place, the message, and the hint if there is one.
BLOCKS = [block.split("\n") for block in Path(__file__).with_name("refused.txt").read_text().split("\n\n")]
REFUSED = {query: (marks, message, "\n".join(hint)) for query, marks, message, *hint in BLOCKS}
FOREIGN = [query for query, (_, message, _) in REFUSED.items() if "LogQL" in message or "SQL" in message]


def refusal(text: str) -> QueryError:
    with pytest.raises(QueryError) as caught:
        compile(parse(text), TimeRange(START, END), limit=10, now_ns=NOW)
    return caught.value


def test_there_are_enough() -> None:
    assert len(REFUSED) == len(BLOCKS) > 120


@pytest.mark.parametrize("text", REFUSED)
def test_wrong_query_is_refused(text: str) -> None:
    marks, message, hint = REFUSED[text]
    error = refusal(text)
    assert error.text == text
    assert " " * error.start + "^" * max(1, error.end - error.start) == marks
    assert error.message == message
    assert error.hint == hint.rstrip("\n")


@pytest.mark.parametrize("text", FOREIGN)
def test_query_of_another_language_is_shown_in_this_one(text: str) -> None:
    hint = refusal(text).hint
    assert hint.startswith("Write: ")
    parse(hint.removeprefix("Write: "))
