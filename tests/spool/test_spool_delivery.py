"""What is in the spool gets into the store once, whatever the store answers."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from spool_stores import Store, lines_of, row, rows_of

from loghouse.errors import StoreError, StoreUnreachable
from loghouse.spool import delivery as module
from loghouse.spool.answers import Answer, answer_of
from loghouse.spool.batchfile import read_blocks, read_rows
from loghouse.spool.delivery import Delivery
from loghouse.spool.sending import TOKEN_TRUSTED
from loghouse.spool.spool import Spool

STOP = threading.Event()


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_jitter", lambda: 0.001)
    monkeypatch.setattr(module, "SPOOL_TROUBLE_WAIT", 0.01)


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    spool = Spool(str(tmp_path / "spool"))
    yield spool
    spool.close()


def deliver(spool: Spool, store: Store, once: bool = False, now: float = 0.0) -> Delivery:
    """Send until the spool is empty or the delivery ended with an error."""
    options = {"clock": lambda: now} if now else {}
    delivery = Delivery(spool, lambda: store, once=once, **options)
    delivery.close(STOP, 0)
    return delivery


def first_inserts(*outcomes: str | Exception | None) -> Callable[[str, list[bytes]], str | None]:
    """A store that fails so, one outcome an insert, and works afterwards."""
    left = list(outcomes)

    def fault(_: str, __: list[bytes]) -> str | None:
        outcome = left.pop(0) if left else None
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return fault


def test_every_batch_is_stored_once_and_removed(spool: Spool) -> None:
    store = Store()
    batches = [rows_of(range(n * 10, n * 10 + 10), lines=3) for n in range(20)]
    for rows in batches:
        spool.append(rows)
    done = deliver(spool, store).done
    assert store.data == lines_of(each for rows in batches for each in rows)
    assert (done.batches, done.lines, done.retries) == (20, 600, 0)
    assert spool.pending_bytes == 0


def test_two_inserts_are_in_flight_and_no_more(spool: Spool) -> None:
    store = Store()
    store.gate.clear()
    for number in range(6):
        spool.append([row(number)])
    delivery = Delivery(spool, lambda: store)
    opened = threading.Timer(0.2, store.gate.set)
    opened.start()
    delivery.close(STOP, 0)
    opened.join()
    assert store.most_at_once == 2
    assert len(store.data) == 6


@pytest.mark.parametrize(
    "outcome",
    [
        "lose",
        StoreUnreachable("connection reset"),
        *(StoreError("x", code=c) for c in (252, 241, 242, 243, 209)),
    ],
)
def test_a_failed_insert_is_repeated_as_it_was(spool: Spool, outcome: str | Exception) -> None:
    store = Store()
    store.fault = first_inserts(outcome, outcome)
    spool.append(rows_of(range(5)))
    done = deliver(spool, store).done
    assert store.data == lines_of(rows_of(range(5)))
    assert done.retries == 2
    assert sum(done.errors.values()) == 2


def test_a_restart_sends_again_under_the_same_token(tmp_path: Path) -> None:
    store = Store()
    store.fault = first_inserts("lose")
    spool = Spool(str(tmp_path / "spool"))
    spool.append(rows_of(range(5)))
    delivery = Delivery(spool, lambda: store)
    delivery.abandon()
    spool.close()
    store.fault = first_inserts()
    deliver(Spool(str(tmp_path / "spool")), store)
    assert store.data == lines_of(rows_of(range(5)))


def test_a_store_that_forgot_the_token_is_asked_for_the_rows(spool: Spool) -> None:
    store = Store()
    store.tokens_forgotten = True
    store.fault = first_inserts("lose")
    entry = spool.append(rows_of(range(3000)))
    assert entry
    done = deliver(spool, store, now=entry.trailer.written_at + TOKEN_TRUSTED + 1).done
    assert store.data == lines_of(rows_of(range(3000)))
    assert done.found_stored == 1


def test_a_store_that_was_started_since_is_asked_for_the_rows(spool: Spool) -> None:
    """It may have lost power, and the token with it."""
    store = Store()
    store.tokens_forgotten, store.started_ago, store.inserts_since = True, -1, 1
    store.fault = first_inserts("lose")
    spool.append(rows_of(range(5)))
    done = deliver(spool, store).done
    assert store.data == lines_of(rows_of(range(5)))
    assert (done.found_stored, store.inserts) == (1, 1)


def test_what_lies_between_the_records_of_a_batch_is_not_taken_for_them(spool: Spool) -> None:
    """Records of another batch of the same file, stored already, do not keep a bad line from being found."""
    store = Store()
    store.blocks["other"] = [[[7], [2_000_000], [b"line 2.0\n"]]]

    def fault(token: str, data: list[bytes]) -> None:
        if b"line 3.0\n" in data:
            raise StoreError("bad", code=6)

    store.fault = fault
    spool.append(rows_of((1, 3, 4)))
    deliver(spool, store)
    assert store.data == lines_of(rows_of((1, 2, 4)))
    assert len(spool.quarantined.list()) == 1


def test_while_the_token_is_known_a_doubtful_batch_is_sent_again(spool: Spool) -> None:
    """So that a view which the first attempt did not reach gets the rows, too."""
    store = Store()
    store.inserts_since = 100
    store.fault = first_inserts("lose")
    entry = spool.append(rows_of(range(5)))
    assert entry
    done = deliver(spool, store, now=entry.trailer.written_at + TOKEN_TRUSTED + 1).done
    assert store.data == lines_of(rows_of(range(5)))
    assert (done.found_stored, store.inserts) == (0, 2)


def noting(store: Store, times: int) -> Callable[[str, list[bytes]], None]:
    """A store that notes a token and fails before the rows are in place, so many times."""
    left = iter(range(times))

    def fault(token: str, _: list[bytes]) -> None:
        if next(left, None) is not None:
            store.noted.add(token)
            raise StoreError("Input/output error", code=1001)

    return fault


@pytest.mark.parametrize("times", [1, 2, 5])
def test_rows_of_which_the_store_noted_only_the_token_are_sent_again(spool: Spool, times: int) -> None:
    store = Store()
    store.fault = noting(store, times)
    spool.append(rows_of(range(5), lines=3))
    deliver(spool, store)
    assert store.data == lines_of(rows_of(range(5), lines=3))
    assert len(store.noted) == times


def test_tokens_that_an_earlier_process_used_are_passed_over(tmp_path: Path) -> None:
    store = Store()
    spool = Spool(str(tmp_path / "spool"))
    entry = spool.append(rows_of(range(5)))
    assert entry
    spool.close()
    store.noted = {entry.id, f"{entry.id}+1"}
    deliver(Spool(str(tmp_path / "spool")), store)
    assert store.data == lines_of(rows_of(range(5)))


def test_an_insert_that_outlives_its_sender_finds_its_token_used(spool: Spool) -> None:
    """The repeat begins with the token it has, so that the store keeps one of the two."""
    store = Store()
    store.fault = first_inserts("lose", "lose", "lose")
    spool.append(rows_of(range(5)))
    deliver(spool, store)
    assert len(store.blocks) == 1


def test_where_rows_are_not_seen_the_token_alone_decides(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another replica may show them late, a policy may hide them: none of it means that they are missing."""
    store = Store()
    store.seen = False
    store.fault = first_inserts("lose")
    entry = spool.append(rows_of(range(5)))
    assert entry
    monkeypatch.setattr(store, "rows", lambda sql, params=None: [])
    deliver(spool, store)
    assert store.order == [entry.id]


def test_what_stays_missing_is_sent_under_one_more_token_only(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was stored and is gone since, by retention for instance."""
    store = Store()
    store.fault = first_inserts("lose")
    entry = spool.append(rows_of(range(5)))
    assert entry
    monkeypatch.setattr(store, "rows", lambda sql, params=None: [(1,)] if "MergeTree" in sql else [])
    deliver(spool, store)
    assert store.order == [entry.id, f"{entry.id}+1"]


def test_an_account_that_may_only_insert_relies_on_the_token(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store()

    def denied(*_: object) -> list[tuple[object, ...]]:
        raise StoreError("not enough privileges", code=497)

    monkeypatch.setattr(store, "rows", denied)
    store.fault = first_inserts("lose")
    entry = spool.append(rows_of(range(5)))
    assert entry
    delivery = deliver(spool, store, now=entry.trailer.written_at + TOKEN_TRUSTED + 1)
    assert store.data == lines_of(rows_of(range(5)))
    assert (delivery.done.retries, store.inserts) == (1, 2)


@pytest.mark.parametrize("code", [6, 25, 26, 27, 407, 469])
def test_a_bad_line_is_quarantined_alone(spool: Spool, code: int) -> None:
    store = Store()

    def fault(_: str, data: list[bytes]) -> None:
        if any(b"line 77.3\n" in each for each in data):
            raise StoreError("cannot parse", code=code)

    store.fault = fault
    rows = rows_of(range(100), lines=10)
    spool.append(rows)
    spool.append(rows_of(range(200, 210)))
    deliver(spool, store)
    expected = lines_of([*rows, *rows_of(range(200, 210))])
    expected.remove(b"line 77.3\n")
    assert store.data == expected
    (kept,) = spool.quarantined.list()
    assert [each.data for each in read_rows(kept.path)] == [b"line 77.3\n"]
    assert kept.reason == f"code {code}: cannot parse"
    assert spool.counts.quarantined_lines == 1


def test_an_insert_over_too_many_days_is_cut_and_other_252_wait(spool: Spool) -> None:
    error = StoreError("Too many partitions for single INSERT block (more than 100)", code=252)
    assert answer_of(error) is Answer.POISON
    assert answer_of(StoreError("Too many parts (300)", code=252)) is Answer.OVERLOADED


def test_a_batch_too_large_for_the_memory_of_the_store_is_cut(spool: Spool) -> None:
    store = Store()

    def fault(_: str, data: list[bytes]) -> None:
        if len(data) > 3:
            raise StoreError("memory limit exceeded", code=241)

    store.fault = fault
    spool.append(rows_of(range(10)))
    deliver(spool, store)
    assert store.data == lines_of(rows_of(range(10)))
    assert not spool.quarantined.list()


def test_a_view_that_fails_behind_stored_rows_does_not_double_them(spool: Spool) -> None:
    """ClickHouse may keep the rows and report the error of a view: halves of the batch would be new rows."""
    store = Store()
    spool.append(rows_of(range(4)))
    failures = iter(range(3))

    def fault(token: str, data: list[bytes]) -> None:
        if next(failures, None) is not None:
            store.blocks.setdefault(token, [[[7] * 4, [n * 1_000_000 for n in range(4)], data]])
            raise StoreError("view failed", code=395)
        store.blocks.clear()

    store.fault = fault
    deliver(spool, store)
    assert store.data == lines_of(rows_of(range(4)))
    assert not spool.quarantined.list()


def test_a_store_that_refuses_every_line_is_waited_for(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "POISON_IN_A_ROW", 5)
    store = Store()
    repaired = threading.Event()

    def fault(_: str, __: list[bytes]) -> None:
        if not repaired.is_set():
            raise StoreError("a view is broken", code=6)

    store.fault = fault
    spool.append(rows_of(range(64)))
    delivery = Delivery(spool, lambda: store)
    for _ in range(1000):
        if spool.counts.quarantined_lines >= 5 and store.inserts > 100:
            break
        STOP.wait(0.01)
    repaired.set()
    delivery.close(STOP, 0)
    assert spool.counts.quarantined_lines == 5
    assert len(store.data) == 64 - 5


def test_what_only_an_operator_can_help_waits_and_goes_on(spool: Spool) -> None:
    store = Store()
    store.fault = first_inserts(*(StoreError("no such table", code=60) for _ in range(3)))
    spool.append(rows_of(range(3)))
    delivery = deliver(spool, store)
    assert store.data == lines_of(rows_of(range(3)))
    assert delivery.done.errors == {(60, "refused"): 3}
    assert delivery.done.last_error == ""


def test_while_the_store_fails_only_one_batch_tries(spool: Spool) -> None:
    store = Store()
    store.fault = first_inserts(*[StoreUnreachable("down")] * 8)
    for number in range(4):
        spool.append([row(number)])
    done = deliver(spool, store).done
    assert len(store.data) == 4
    assert store.inserts <= 8 + 4
    assert done.retries == 8


def test_a_run_with_an_end_raises_what_time_does_not_heal(spool: Spool) -> None:
    store = Store()
    store.fault = first_inserts(StoreError("no such table", code=60))
    spool.append([row(1)])
    delivery = deliver(spool, store, once=True)
    with pytest.raises(StoreError, match="no such table"):
        delivery.check()
    assert len(spool.pending()) == 1
    assert spool.take(0)


def test_a_run_with_an_end_gives_a_silent_store_little_time(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FIRST_PATIENCE", 0.05)
    store = Store()
    store.fault = first_inserts(*[StoreUnreachable("down")] * 10_000)
    spool.append([row(1)])
    with pytest.raises(StoreUnreachable):
        deliver(spool, store, once=True).check()


def test_a_damaged_batch_gives_what_can_be_read(tmp_path: Path) -> None:
    spool = Spool(str(tmp_path / "spool"))
    good, bad = spool.append(rows_of(range(3))), spool.append(rows_of(range(10, 13)))
    assert good
    assert bad
    with open(bad.path, "r+b") as file:
        file.seek(-1, 2)
        file.write(b"?")
    store = Store()
    deliver(spool, store)
    assert store.data == lines_of([*rows_of(range(3)), *rows_of(range(10, 13))])
    assert len(list(Path(spool.directory, "damaged").iterdir())) == 1
    spool.close()


def test_a_spool_file_that_cannot_be_read_now_is_tried_again(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool.append([row(1)])
    failures = iter([OSError(5, "I/O error")])

    def flaky(path: str) -> Iterator[object]:
        if error := next(failures, None):
            raise error
        return iter(read_blocks(path))

    monkeypatch.setattr("loghouse.spool.lookup.read_blocks", flaky)
    store = Store()
    delivery = deliver(spool, store)
    assert store.data == lines_of([row(1)])
    assert delivery.done.retries == 0


def test_nobody_waits_for_a_store_that_is_away_when_told_to_stop(spool: Spool) -> None:
    store = Store()
    store.fault = first_inserts(*[StoreUnreachable("down")] * 100_000)
    spool.append([row(1)])
    delivery = Delivery(spool, lambda: store)
    for _ in range(1000):
        if delivery.failing_since is not None:
            break
        STOP.wait(0.01)
    stop = threading.Event()
    stop.set()
    assert not delivery.close(stop, 60)
    assert len(spool.pending()) == 1


def test_a_bug_ends_the_delivery_instead_of_hanging(spool: Spool) -> None:
    store = Store()
    store.fault = first_inserts(ZeroDivisionError("a bug"))
    spool.append([row(1)])
    with pytest.raises(ZeroDivisionError):
        deliver(spool, store).check()


def test_a_batch_without_rows_is_only_removed(spool: Spool) -> None:
    store = Store()
    spool.append([])
    assert deliver(spool, store).done.batches == 0
    assert store.inserts == 0
    assert not spool.pending()
