"""Hostile text as an argument of any verb: an answer or an error that says what is wrong, and no harm."""

import pytest
from logq.stores import Logq

from loghouse.logq.cli import VERBS

HOSTILE = [
    "'; DROP TABLE logs; --",
    '")) OR 1=1 /* `{p0:String}` \\ %(x)s ../../etc \x1b]0;x\x07\x1b[2J\u202e 日本 🙂 a\nb ---- {{ }} $(id)',
]

# Every verb with X in each place that takes text; what the store could be told to do is in `test_binding`.
COMMANDS = {
    "search": "search X -n X -p X -c X -l X -L info --node X --fields X -T X",
    "tail": "tail X -n X -L X",
    "hist": "hist X --by X --every 5m",
    "stats": "stats -n X -- X X",
    "patterns": "patterns X --of X",
    "context": "context X --across X",
    "fields": "fields X -n X",
    "values": "values X X",
    "export": "export X --fields X",
    "du": "du X --by X",
    "saved": "saved run X X",
    "explain": "explain X",
    "sql": "sql X",
    "verify": "verify --since X",
    "doctor": "doctor --profile X",
    "completion": "completion X",
    "alerts": "alerts --profile X",
    "profile": "profile X",
}


def test_every_verb_is_tried() -> None:
    assert COMMANDS.keys() == set(VERBS)


@pytest.mark.parametrize("verb", COMMANDS)
def test_hostile_arguments_are_answered_and_do_no_harm(logq: Logq, known: list[bytes], verb: str) -> None:
    for text in HOSTILE:
        done = logq(*(text if word == "X" else word for word in COMMANDS[verb].split()))
        said = done.stderr.decode()
        assert done.returncode in (0, 1, 2, 3), said
        assert "Traceback" not in said
        assert done.returncode < 2 or said.startswith("error: "), said
        assert not {"\x1b", "\x07", "\u202e"} & set(said + done.stdout.decode())
    count = logq("sql", "SELECT count() FROM logs").stdout
    assert count == f"count()\n{len(known) + 1}\n".encode()
