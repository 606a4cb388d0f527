"""/metrics of the receiver: every count has its family, with what it means."""

import re
from pathlib import Path

import loghouse.receive
from loghouse.receive.command import Receiver
from loghouse.receive.exposition import COUNTED

COUNT = re.compile(r"""\.count\([\w".]+, "(\w+)"|counts\[protocol, "(\w+)"\]""")


def test_whatever_is_counted_is_shown_and_nothing_else() -> None:
    sources = Path(loghouse.receive.__path__[0]).glob("*.py")
    counted = {one or other for source in sources for one, other in COUNT.findall(source.read_text())}
    assert counted == set(COUNTED)


def test_families_are_there_before_anything_is_counted(receiver: Receiver) -> None:
    from loghouse.receive.exposition import page

    text = page(receiver.intake).decode()
    for what in COUNTED:
        assert f"# TYPE loghouse_receive_{what}_total counter" in text
