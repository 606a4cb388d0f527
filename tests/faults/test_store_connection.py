"""The connection to the store breaks at any place, the store is away or refuses: once, all the same."""

import os
import threading

import pytest
from faultproxy import CutsRequests, Down, FaultProxy, HalfOpen, LosesAnswers, Passing, Says, Slow
from scene import QUICK_RETRIES, App, Scene, until

from loghouse.store.client import Store

SMALL_BATCHES = "loghouse.ship.batch:MAX_BYTES=1"  # every read is a batch
IMPATIENT = "loghouse.ship.command:INSERT_TIMEOUT=1.5"


def lose_answers(scene: Scene, proxy: FaultProxy, times: int) -> None:
    app = scene.app()
    app.say(10)
    with scene.shipping(QUICK_RETRIES, SMALL_BATCHES, store=proxy.address) as shipper:
        scene.wait_for(app)
        proxy.fault = LosesAnswers(times)
        for _ in range(10):
            app.say(50, ("stdout", "stderr"))
            scene.wait_for(app)
        for _ in range(3 * times):  # an answer that is lost is one of two, or of three
            if proxy.fault.times <= 0:
                break
            app.say(5)
            scene.wait_for(app)
        assert proxy.fault.times <= 0, "answers were not lost so often"
        scene.assert_fresh_line_arrives(app)
        assert shipper.metric("loghouse_batches_ambiguous_total") >= times
    scene.assert_every_line_once(app)


def test_the_answer_to_an_insert_is_lost(scene: Scene, proxy: FaultProxy) -> None:
    lose_answers(scene, proxy, 8)


@pytest.mark.slow
def test_the_answers_to_a_hundred_inserts_are_lost(scene: Scene, proxy: FaultProxy) -> None:
    lose_answers(scene, proxy, 100)


def test_an_insert_is_cut_in_the_middle(scene: Scene, proxy: FaultProxy) -> None:
    app = scene.app()
    app.say(10)
    proxy.fault = CutsRequests(4, after=50_000)
    with scene.shipping(QUICK_RETRIES, store=proxy.address) as shipper:
        app.say(20_000, size=100)
        scene.wait_for(app)
        assert shipper.metric("loghouse_batches_ambiguous_total") >= 4
        scene.assert_fresh_line_arrives(app)
    scene.assert_every_line_once(app)


def test_packets_vanish_amid_an_insert(scene: Scene, proxy: FaultProxy) -> None:
    """Nobody closes the connection: the shipper gives the insert up by itself."""
    app = scene.app()
    app.say(10)
    with scene.shipping(QUICK_RETRIES, IMPATIENT, store=proxy.address) as shipper:
        scene.wait_for(app)
        proxy.fault = HalfOpen()
        app.say(500)
        until(lambda: shipper.metric("loghouse_batches_ambiguous_total") >= 1)
        proxy.fault = Passing()
        scene.wait_for(app)
        scene.assert_fresh_line_arrives(app)
    scene.assert_every_line_once(app)


@pytest.mark.slow
def test_a_slow_store_is_waited_for_or_tried_again(scene: Scene, proxy: FaultProxy) -> None:
    app = scene.app()
    app.say(10)
    proxy.fault = Slow(15)
    with scene.shipping(QUICK_RETRIES, IMPATIENT, store=proxy.address):
        for _ in range(5):
            app.say(2000, size=200)
            scene.wait_for(app)
    scene.assert_every_line_once(app)


def test_a_store_that_is_away(scene: Scene, proxy: FaultProxy) -> None:
    """Reading goes on into the spool, which is told; nothing is retried in a hurry, and all arrives after."""
    app = scene.app()
    proxy.fault = Down()
    with scene.shipping(store=proxy.address) as shipper:
        for _ in range(5):
            app.say(500, ("stdout", "stderr"))
            app.rotate()
        app.say(1)
        read = sum(path.stat().st_size for path in app.directory.iterdir())
        until(lambda: shipper.metric("loghouse_read_bytes_total") == read)
        until(lambda: shipper.status()["store"]["failing_seconds"] > 1)
        assert shipper.status()["store"]["last_error"]
        assert shipper.metric("loghouse_oldest_unshipped_seconds") > 0
        assert shipper.page("/healthz") == "ok\n", "a store that is away is no reason to restart the shipper"
        proxy.fault = Passing()
        scene.wait_for(app)
        scene.assert_fresh_line_arrives(app)
    scene.assert_every_line_once(app)


def test_a_store_that_is_away_for_longer_than_the_spool_lasts(scene: Scene, proxy: FaultProxy) -> None:
    """Reading stops at the limit: the files hold the rest, and the shipper stays small."""
    app = scene.app()
    proxy.fault = Down()
    limit = 300_000
    with scene.shipping(
        QUICK_RETRIES,
        SMALL_BATCHES,
        f"loghouse.spool.spool:LIMIT={limit}",
        "loghouse.ship.shipper:HOLD=0.05",
        store=proxy.address,
    ) as shipper:
        for _ in range(30):
            app.append(b"".join(_random_lines(app, 500)))
        app.rotate()
        app.say(10)
        until(lambda: shipper.status()["spool"]["full"])
        assert shipper.status()["spool"]["bytes"] < limit + (2 << 20)
        assert shipper.metric("loghouse_spool_full") == 1
        assert shipper.metric("loghouse_bytes_behind") > 0
        proxy.fault = Passing()
        scene.wait_for(app)
        assert shipper.metric("loghouse_spool_full") == 0
        assert shipper.metric("loghouse_lost_bytes_total") == 0
    scene.assert_every_line_once(app)


@pytest.mark.parametrize(
    "code",
    [
        164,  # read-only
        243,  # no space
        241,  # no memory
        252,  # too many parts
        516,  # wrong password
        60,  # no such table
        16,  # no such column
    ],
)
def test_a_store_that_refuses(scene: Scene, proxy: FaultProxy, code: int) -> None:
    """No hot loop, nothing given up, and it goes on by itself when the store does."""
    app = scene.app()
    proxy.fault = says = Says(code, "Too many parts (test)" if code == 252 else f"refused (test {code})")
    with scene.shipping("loghouse.spool.delivery:_jitter=0.1", store=proxy.address) as shipper:
        app.say(50)
        until(lambda: len(says.said_at) >= 2)
        assert shipper.status()["store"]["last_error"]
        pause = says.said_at[1] - says.said_at[0]
        assert pause > 0.05, "a tenth of half a second at least"
        assert shipper.metric("loghouse_insert_errors_total") >= 1
        proxy.fault = Passing()
        scene.wait_for(app)
        scene.assert_fresh_line_arrives(app)
        assert shipper.metric("loghouse_lost_bytes_total") == 0
        assert shipper.metric("loghouse_quarantined_rows_total") == 0
    scene.assert_every_line_once(app)


def test_the_table_is_gone_for_a_while(own_scene: Scene) -> None:
    """With a real store, and an operator who puts it right."""
    app = own_scene.app()
    app.say(10)
    with own_scene.shipping("loghouse.spool.delivery:_jitter=0.1") as shipper, Store(own_scene.url) as store:
        own_scene.wait_for(app)
        store.rows("RENAME TABLE ingest TO ingest_away")
        app.say(100)
        until(lambda: shipper.status()["store"]["failing_seconds"] > 0)
        store.rows("RENAME TABLE ingest_away TO ingest")
        own_scene.wait_for(app)
        own_scene.assert_fresh_line_arrives(app)
    own_scene.assert_every_line_once(app)


def test_one_bad_line_of_many(own_scene: Scene) -> None:
    """It is quarantined alone, under the store's reason; its neighbours are stored."""
    app = own_scene.app()
    app.say(20_000)
    bad = app.written[12_345][1]
    with Store(own_scene.url) as store:
        store.rows(f"ALTER TABLE logs ADD CONSTRAINT good CHECK raw != '{bad.decode()}'")
    with own_scene.shipping("loghouse.spool.delivery:_jitter=0.01") as shipper:
        own_scene.wait_for(app, 19_999)
        until(lambda: shipper.metric("loghouse_quarantined_rows_total") == 1)
        own_scene.assert_fresh_line_arrives(app)
    stored = [row.text for row in own_scene.rows(app)]
    assert stored == [text for _, text in app.written if text != bad]
    (kept,) = (own_scene.state / "spool" / "quarantine").glob("*.batch")
    assert "469" in kept.with_name(f"{kept.name}.reason").read_text()


def _random_lines(app: App, lines: int) -> list[bytes]:
    """Lines that do not compress."""
    data = []
    for _ in range(lines):
        text = app.text("stdout") + os.urandom(100).hex().encode()
        app.written.append(("stdout", text))
        data.append(app.line(text))
    return data


def test_restarted_while_the_store_is_away(scene: Scene, proxy: FaultProxy) -> None:
    """What waits in the spool is found again, in order, and sent once."""
    app = scene.app()
    proxy.fault = Down()
    for _ in range(3):
        with scene.shipping(QUICK_RETRIES, store=proxy.address) as shipper:
            app.say(300)
            app.rotate()
            size = sum(path.stat().st_size for path in app.directory.iterdir())
            until(
                lambda size=size, shipper=shipper: (
                    sum(file["behind"] for file in shipper.status()["files"]) == 0 and size
                )
            )
            until(lambda: scene.spooled())
            threading.Event().wait(0.1)
            shipper.end()
    app.say(1)
    scene.once()
    scene.assert_every_line_once(app)
