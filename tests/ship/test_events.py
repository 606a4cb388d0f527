"""The lines of one event become one record, whatever the language, the runtime and the borders of reads."""

import json
from pathlib import Path

import pytest

from loghouse.errors import UsageError
from loghouse.ship import events
from loghouse.ship.hints import rules_of
from loghouse.ship.partials import Piece
from loghouse.ship.problems import Problems
from loghouse.ship.records import Records
from loghouse.ship.traces import Traces

SAMPLES = sorted((Path(__file__).parent / "traces").glob("*.txt"))
STAMP = b"2026-11-20T08:00:00.000000001Z"
WRAPPERS = ("cri", "docker", "plain")


def events_of(sample: Path) -> list[bytes]:
    return sample.read_bytes().removesuffix(b"\n").split(b"\n%%\n")


def line(text: bytes, wrapper: str, stream: bytes = b"stderr") -> bytes:
    if wrapper == "cri":
        return STAMP + b" " + stream + b" F " + text + b"\n"
    if wrapper == "docker":
        value = {"log": text.decode() + "\n", "stream": stream.decode(), "time": STAMP.decode()}
        return json.dumps(value, separators=(",", ":")).encode() + b"\n"
    return text + b"\n"


def text_of(data: bytes, wrapper: str) -> tuple[bytes, bytes]:
    if wrapper == "cri":
        _, stream, _, text = data.removesuffix(b"\n").split(b" ", 3)
        return stream, text
    if wrapper == "docker":
        value = json.loads(data)
        return value["stream"].encode(), value["log"].removesuffix("\n").encode()
    return b"stderr", data.removesuffix(b"\n")


class Feeding:
    """Lines into `Records`, records out by stream; every byte must come out once."""

    def __init__(self, wrapper: str = "cri", hint: str = "auto") -> None:
        self.problems = Problems()
        self.records = Records(wrapper, rules_of(hint), self.problems)
        self.wrapper = wrapper
        self.pieces: list[Piece] = []
        self.fed = 0

    def feed(self, data: bytes, now: float = 0.0) -> None:
        self.pieces.extend(self.records.feed(Piece(7, self.fed, 0, data), now))
        self.fed += len(data)

    def end(self) -> list[tuple[bytes, bytes]]:
        self.pieces.extend(self.records.flush(1.0, 1.0, 1.0))
        assert not self.records.waiting
        assert sum(piece.span or len(piece.data) for piece in self.pieces) == self.fed
        return self.out()

    def out(self) -> list[tuple[bytes, bytes]]:
        found = []
        for piece in sorted(self.pieces, key=lambda piece: piece.offset):
            lines = [piece.data] if piece.span else piece.data.splitlines(keepends=True)
            found.extend(text_of(each, self.wrapper) for each in lines)
        return found

    def texts(self) -> list[bytes]:
        return [text for _, text in self.end()]


@pytest.mark.parametrize("wrapper", WRAPPERS)
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_each_event_is_a_record_and_no_two_are_one(sample: Path, wrapper: str) -> None:
    feeding = Feeding(wrapper)
    expected = events_of(sample)
    feeding.feed(b"".join(line(text, wrapper) for each in expected for text in each.split(b"\n")))
    assert feeding.texts() == expected


@pytest.mark.parametrize("wrapper", WRAPPERS)
@pytest.mark.parametrize("size", [1, 2, 3, 7])
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_reading_in_pieces_makes_the_same_records(sample: Path, size: int, wrapper: str) -> None:
    feeding = Feeding(wrapper)
    expected = events_of(sample)
    lines = [line(text, wrapper) for each in expected for text in each.split(b"\n")]
    for start in range(0, len(lines), size):
        feeding.feed(b"".join(lines[start : start + size]))
    assert feeding.texts() == expected


@pytest.mark.parametrize("wrapper", ["cri", "docker"])
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_the_other_stream_does_not_end_an_event(sample: Path, wrapper: str) -> None:
    feeding = Feeding(wrapper)
    expected = events_of(sample)
    others = []
    for number, text in enumerate(text for each in expected for text in each.split(b"\n")):
        others.append(b"other %d" % number)
        feeding.feed(line(text, wrapper) + line(others[-1], wrapper, b"stdout"))
    out = feeding.end()
    assert [text for stream, text in out if stream == b"stderr"] == expected
    assert [text for stream, text in out if stream == b"stdout"] == others


def test_two_streams_with_traces_at_once() -> None:
    feeding = Feeding()
    trace = [b"ValueError: x", b"\tat a", b"\tat b", b"\tat c"]
    for text in trace:
        feeding.feed(line(text, "cri", b"stdout") + line(text, "cri", b"stderr"))
    assert sorted(feeding.end()) == [(b"stderr", b"\n".join(trace)), (b"stdout", b"\n".join(trace))]


def test_a_line_that_goes_on_any_event_is_known_as_such() -> None:
    rules = Traces()
    texts = {text for sample in SAMPLES for each in events_of(sample) for text in each.split(b"\n")}
    going_on: set[bytes] = set()
    for opened in map(rules.opens, texts):
        states = [opened] if opened else []
        for state in states:  # grows as texts lead on
            for text in texts:
                if (following := rules.follows(state, text)) is not None:
                    going_on.add(text)
                    if following != "done" and following not in states:
                        states.append(following)
    assert len(going_on) > 100
    assert all(rules.continues(text) for text in going_on)
    assert not any(map(rules.continues, (b"2026-11-20 08:00:00 INFO all is well", b'{"message":"at x"}')))


def test_a_chunk_without_events_goes_out_as_it_is() -> None:
    feeding = Feeding()
    chunk = b"".join(line(b"all is well %d" % number, "cri") for number in range(1000))
    feeding.feed(chunk)
    assert feeding.pieces == [Piece(7, 0, 0, chunk)]
    assert feeding.pieces[0].data is chunk


def test_an_event_has_the_place_and_the_time_of_its_first_line() -> None:
    feeding = Feeding()
    before = line(b"before", "cri")
    first = STAMP + b" stderr F ERROR x\n"
    rest = b"2026-11-20T08:00:00.000000002Z stderr F \tat y\n"
    feeding.feed(before + first + rest)
    feeding.end()
    (joined,) = [piece for piece in feeding.pieces if piece.span]
    assert (joined.source, joined.offset, joined.span) == (7, len(before), len(first + rest))
    assert joined.data == first[:-1] + b"\n\tat y\n"


def test_an_event_that_may_go_on_waits_until_nothing_came_for_a_while() -> None:
    feeding = Feeding()
    feeding.feed(line(b"ValueError: x", "cri"), now=10.0)
    feeding.feed(line(b"\tat y", "cri"), now=11.0)
    assert feeding.pieces == []
    assert feeding.records.flush(11.5, 0.0, 10.5) == []
    (event,) = feeding.records.flush(12.0, 0.0, 11.0)
    assert text_of(event.data, "cri")[1] == b"ValueError: x\n\tat y"


def test_ordinary_lines_do_not_wait() -> None:
    feeding = Feeding()
    feeding.feed(line(b"all is well", "cri") + line(b'{"level":"error"}', "cri"))
    assert not feeding.records.waiting


def test_what_turned_out_not_to_belong_to_an_event_is_a_line_of_its_own() -> None:
    feeding = Feeding()
    texts = [b"ERROR x", b"FooError: y", b"", b"INFO z"]
    for text in texts:
        feeding.feed(line(text, "cri"))
    assert feeding.texts() == texts


def test_an_event_without_end_is_stored_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "MAX_LINES", 10)
    feeding = Feeding()
    texts = [b"ValueError: x", *(b"\tat y%d" % number for number in range(25))]
    feeding.feed(b"".join(line(text, "cri") for text in texts))
    assert feeding.texts() == [b"\n".join(texts[start : start + 10]) for start in (0, 10, 20)]
    assert feeding.problems.counts == {"long events stored in pieces": 2}


def test_an_event_of_many_bytes_is_stored_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "MAX_RECORD", 1000)
    feeding = Feeding()
    feeding.feed(b"".join(line(b"\tat " + b"y" * 300, "cri") for _ in range(8)))
    assert [text.count(b"\n") + 1 for text in feeding.texts()] == [2, 2, 2, 2]


def test_a_part_joins_its_record_before_the_record_joins_an_event() -> None:
    feeding = Feeding()
    feeding.feed(line(b"ValueError: x", "cri"))
    feeding.feed(STAMP + b" stderr P \tat \n" + line(b"other", "cri", b"stdout") + line(b"y", "cri"))
    feeding.feed(line(b"\tat z", "cri"))
    assert feeding.end() == [(b"stderr", b"ValueError: x\n\tat y\n\tat z"), (b"stdout", b"other")]


@pytest.mark.parametrize("cut", range(1, 6))
def test_what_waits_can_be_read_again(cut: int) -> None:
    texts = [b"ERROR a", b"ValueError: x", b"  detail", b"\tat y", b"\tat z", b"INFO b"]
    lines = [line(text, "cri") for text in texts]
    lines[3:4] = [STAMP + b" stderr P \tat \n", line(b"y", "cri")]
    before = Feeding()
    file = b"".join(lines)
    for each in lines[:cut]:
        before.feed(each)
    after = Feeding()
    for ranges in before.records.waits().values():
        for each in ranges:
            after.pieces += after.records.feed(Piece(7, each.start, 0, file[each.start : each.end]), 0.0)
    after.fed = before.fed
    after.pieces += before.pieces
    for each in lines[cut:]:
        after.feed(each)
    assert after.texts() == [b"ERROR a\nValueError: x\n  detail\n\tat y\n\tat z", b"INFO b"]


def test_off_joins_nothing() -> None:
    feeding = Feeding(hint="off")
    feeding.feed(line(b"ValueError: x", "cri") + line(b"\tat y", "cri"))
    assert feeding.texts() == [b"ValueError: x", b"\tat y"]


def test_indent_joins_indented_lines_to_any_line() -> None:
    feeding = Feeding(hint="indent")
    for text in (b"report", b"  a", b"  b", b"next {", b"  c", b"}", b'{"json":1}', b"end"):
        feeding.feed(line(text, "cri"))
    assert feeding.texts() == [b"report\n  a\n  b", b"next {\n  c\n}", b'{"json":1}', b"end"]


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_a_start_expression_joins_all_other_lines(wrapper: str) -> None:
    feeding = Feeding(wrapper, hint=r"start:\d{4}-\d\d")
    for text in (b"2026-11 a", b"b", b'{"c":1}', b"2026-11 d", b"e"):
        feeding.feed(line(text, wrapper))
    assert feeding.texts() == [b'2026-11 a\nb\n{"c":1}', b"2026-11 d\ne"]


@pytest.mark.parametrize("hint", ["", "on", "start:", "start:(", "start:(?=x)"])
def test_a_wrong_hint_is_refused_with_the_reason(hint: str) -> None:
    with pytest.raises(UsageError):
        rules_of(hint)
