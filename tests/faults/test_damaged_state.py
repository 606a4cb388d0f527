"""The shipper's own files are damaged, lost or in use: it starts, keeps what is good, and says the rest."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from faultproxy import Down, FaultProxy
from scene import LIMIT, QUICK_RETRIES, App, Scene, until

from loghouse.spool.lookup import view_age
from loghouse.store.client import Store

# Seconds until a batch goes to the disk when the store is away.
QUICK_SPOOLING = "loghouse.ship.shipper:HOLD=0.5"


def flip_a_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def cut_the_tail(path: Path) -> None:
    os.truncate(path, path.stat().st_size * 2 // 3)


def fill_the_tail_with_zeros(path: Path) -> None:
    size = path.stat().st_size
    os.truncate(path, size * 2 // 3)
    os.truncate(path, size)


def empty(path: Path) -> None:
    os.truncate(path, 0)


def fill_the_spool(scene: Scene, proxy: FaultProxy, apps: list[App]) -> list[Path]:
    """A batch for each container, while the store is away; the files of the batches."""
    proxy.fault = Down()
    with scene.shipping(QUICK_RETRIES, QUICK_SPOOLING, store=proxy.address) as shipper:
        for app in apps:
            before = len(scene.spooled())
            app.say(3000, size=50)
            until(lambda before=before: len(scene.spooled()) > before)
            until(lambda: sum(file["behind"] for file in shipper.status()["files"]) == 0)
    return scene.spooled()


@pytest.mark.parametrize(
    "damage",
    [flip_a_bit, cut_the_tail, pytest.param(fill_the_tail_with_zeros, marks=pytest.mark.slow), empty],
)
def test_a_damaged_batch(scene: Scene, proxy: FaultProxy, damage: Callable[[Path], None]) -> None:
    """Its neighbours arrive whole, what can be read of it too; the file is kept, the bytes are counted."""
    apps = [scene.app() for _ in range(3)]
    batches = fill_the_spool(scene, proxy, apps)
    assert len(batches) >= 3
    size = batches[1].stat().st_size
    damage(batches[1])
    with scene.shipping(QUICK_RETRIES) as shipper:
        until(lambda: not scene.spooled())
        scene.wait_for(apps[0])
        scene.wait_for(apps[2])
        scene.assert_fresh_line_arrives(apps[1])
        if damage is not empty:
            assert 0 < shipper.metric("loghouse_lost_bytes_total") <= size
        assert "damaged" in shipper.said
    for app in (apps[0], apps[2]):
        assert {row.text for row in scene.rows(app)} == {text for _, text in app.written}
    stored = [row.text for row in scene.rows(apps[1])]
    assert len(stored) == len(set(stored)) < len(apps[1].written)
    assert set(stored) < {text for _, text in apps[1].written}
    assert list((scene.state / "spool" / "damaged").iterdir())


def test_a_batch_that_is_gone(scene: Scene, proxy: FaultProxy) -> None:
    """Somebody removed it: the others arrive, in order, and verify shows the hole."""
    app = scene.app()
    batches = fill_the_spool(scene, proxy, [app, app, app])
    batches[1].unlink()
    scene.once()
    stored = [row.text for row in scene.rows(app)]
    wanted = [text for _, text in app.written]
    assert len(stored) == len(set(stored)) < len(wanted)
    assert stored == [text for text in wanted if text in set(stored)]
    with pytest.raises(AssertionError, match="missing"):
        scene.assert_sound()


@pytest.mark.parametrize(
    "damage",
    [
        flip_a_bit,
        *(pytest.param(how, marks=pytest.mark.slow) for how in (cut_the_tail, fill_the_tail_with_zeros)),
    ],
)
def test_a_damaged_journal(scene: Scene, proxy: FaultProxy, damage: Callable[[Path], None]) -> None:
    """The places that it does not know any more come from the batches that wait."""
    apps = [scene.app() for _ in range(3)]
    fill_the_spool(scene, proxy, apps)
    (journal,) = [path for path in scene.state.iterdir() if path.name.startswith("offsets")]
    damage(journal)
    for app in apps:
        app.say(10)
    scene.once()
    for app in apps:
        scene.assert_every_line_once(app)


def test_the_state_is_lost(scene: Scene) -> None:
    """Then everything is read again from its beginning: nothing is missing, and verify counts the doubles."""
    app = scene.app()
    app.say(100)
    scene.once()
    shutil.rmtree(scene.state)
    app.say(10)
    scene.once()
    rows = scene.rows(app)
    assert {row.text for row in rows} == {text for _, text in app.written}
    assert len(rows) == 210
    assert len({(row.source, row.offset) for row in rows}) == 110


def test_two_shippers_by_mistake(scene: Scene) -> None:
    """The second is refused and says why; the first is not disturbed."""
    import subprocess

    app = scene.app()
    app.say(10)
    with scene.shipping():
        scene.wait_for(app)
        second = subprocess.run(
            scene.command((), ("--once",)), capture_output=True, timeout=LIMIT, check=False, text=True
        )
        assert second.returncode not in (0, 4)
        assert "Traceback" not in second.stderr and str(scene.state) in second.stderr
        scene.assert_fresh_line_arrives(app)
    scene.assert_every_line_once(app)


def test_a_view_that_fails_behind_stored_rows(own_scene: Scene) -> None:
    """The records are there once, the batch is tried again, and when the view is repaired it catches up."""
    app = own_scene.app()
    app.say(10)
    own_scene.once()
    with Store(own_scene.url) as store:
        store.rows("CREATE TABLE seen (raw String) ENGINE = MergeTree ORDER BY raw")
        store.rows(
            "CREATE MATERIALIZED VIEW fails TO seen AS"
            " SELECT raw FROM logs WHERE NOT throwIf(raw LIKE '%/35/%')"
        )
        app.say(50)
        # Tokens of a store or a view that is younger than the first attempt are not relied on.
        until(lambda: min(store.uptime(), view_age(store)) > 5)
        with own_scene.shipping("loghouse.spool.delivery:_jitter=0.05") as shipper:
            until(lambda: shipper.metric("loghouse_insert_errors_total") >= 2)
            assert shipper.metric("loghouse_quarantined_rows_total") == 0
            store.rows("DROP TABLE fails")
            own_scene.wait_for(app)
            until(lambda: not own_scene.spooled())
    own_scene.assert_every_line_once(app)
