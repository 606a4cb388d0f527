"""What the store refused is listed with its reason, and sent again."""

from pathlib import Path

import pytest

from loghouse.config import StoreUrl
from loghouse.errors import ExitCode
from loghouse.operator.quarantine import Action, QuarantineOptions, quarantine
from loghouse.spool.rows import Place, Row
from loghouse.spool.spool import Spool
from loghouse.store.client import Store
from loghouse.store.migrate import migrate

LINE = b"2026-01-02T03:04:05.000000001Z stdout F refused \x1b[31monce\n"


@pytest.fixture(scope="module")
def url(store_url: StoreUrl) -> StoreUrl:
    own = StoreUrl(store_url.host, store_url.port, "quarantined")
    with Store(own) as store:
        migrate(store)
    return own


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state directory with one refused batch."""
    spool = Spool(str(tmp_path / "spool"))
    spool.append([Row(Place("cri", "prod", "web-1", "web"), 7, 0, 0, LINE * 2)])
    entry = spool.take(1)
    assert entry
    spool.quarantine(entry, "Code: 27. Cannot parse input\n")
    spool.close()
    return tmp_path


def options(action: Action, state: Path, url: StoreUrl) -> QuarantineOptions:
    return QuarantineOptions(
        action=action, state_dir=str(state), url=f"clickhouse://{url.address}/{url.database}"
    )


def test_it_lists_lines_and_reasons(state: Path, url: StoreUrl, capsys: pytest.CaptureFixture[str]) -> None:
    assert quarantine(options(Action.LS, state, url)) is ExitCode.PARTIAL
    said = capsys.readouterr().out
    assert "refused: Code: 27. Cannot parse input" in said
    assert "prod/web-1/web at 0000000000000007:0" in said and "2 lines: 2026-01-02T03" in said
    assert "\x1b" not in said


def test_retry_stores_once_and_empties_it(
    state: Path, url: StoreUrl, capsys: pytest.CaptureFixture[str]
) -> None:
    with Store(url) as store:
        before = store.rows("SELECT count() FROM logs")[0][0]
        assert quarantine(options(Action.RETRY, state, url)) is ExitCode.OK
        assert quarantine(options(Action.LS, state, url)) is ExitCode.OK
        assert store.rows("SELECT count() FROM logs")[0][0] == before + 2
    assert "the quarantine is empty" in capsys.readouterr().err
    assert list((state / "spool" / "quarantine").iterdir()) == []


def test_what_is_refused_again_stays(
    state: Path, store_url: StoreUrl, capsys: pytest.CaptureFixture[str]
) -> None:
    without_tables = StoreUrl(store_url.host, store_url.port, "default")
    assert quarantine(options(Action.RETRY, state, without_tables)) is ExitCode.PARTIAL
    assert "still refused" in capsys.readouterr().err
    assert len(list((state / "spool" / "quarantine").glob("*.batch"))) == 1


def test_a_quarantine_that_was_emptied_has_room_again(tmp_path: Path) -> None:
    spool = Spool(str(tmp_path / "spool"))
    spool.quarantined._limit = 400
    lost = []
    for number in range(2):
        spool.append([Row(Place(), 7, number * 1000, 0, LINE)])
        entry = spool.take(1)
        assert entry
        spool.quarantined._limit = entry.size + 10
        spool.quarantine(entry, "no")
        lost.append(spool.counts.lost_bytes)
        for held in spool.quarantined.list():
            held.remove()
    spool.close()
    assert lost == [0, 0]
