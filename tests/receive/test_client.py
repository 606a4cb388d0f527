"""Our sender for Python programs: acknowledged or kept, never in the program's way."""

import json
import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from receiving import Memory, eventually

from loghouse.client import LoghouseHandler, Sender
from loghouse.client import sender as module
from loghouse.receive.forward_server import ForwardServer
from loghouse.receive.handshake import Secrets
from loghouse.receive.intake import Intake

PROGRAM = """
import sys, time
from loghouse.client import Sender
sender = Sender("app", "127.0.0.1", int(sys.argv[1]), spool=sys.argv[2])
for number in range(100):
    sender.emit(None, {"number": number})
while sum(1 for _ in __import__("pathlib").Path(sys.argv[2]).glob("*/*.chunk")) < 1:
    time.sleep(0.01)
print("spooled", flush=True)
time.sleep(60)
"""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "INTERVAL", 0.01)
    monkeypatch.setattr(module, "LONGEST_WAIT", 0.05)


@contextmanager
def server(port: int = 0, secrets: Secrets | None = None) -> Iterator[tuple[Memory, int]]:
    memory = Memory()
    intake = Intake(memory, patience=5)
    forward = ForwardServer("127.0.0.1", port, intake, secrets)
    try:
        yield memory, forward.port
    finally:
        memory.gate.set()
        forward.close()
        intake.close()


def records(memory: Memory) -> list[dict[str, Any]]:
    return [json.loads(line.split(b" ", 3)[3]) for line in memory.data.splitlines()]


def numbers(memory: Memory) -> list[int]:
    return sorted(record["number"] for record in records(memory))


def free_port() -> int:
    with server() as (_, port):
        return port


@pytest.mark.parametrize("spooled", [False, True])
def test_every_record_arrives_once(tmp_path: Path, spooled: bool) -> None:
    with server() as (memory, port):
        sender = Sender("app", "127.0.0.1", port, spool=str(tmp_path) if spooled else "")
        for number in range(500):
            assert sender.emit("web", {"number": number})
        assert sender.flush()
        sender.close()
    assert numbers(memory) == list(range(500))
    assert {row.place.container for row in memory.rows} == {"app.web"}
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("spooled", [False, True])
def test_a_receiver_that_comes_later_gets_everything(tmp_path: Path, spooled: bool) -> None:
    port = free_port()
    sender = Sender("app", "127.0.0.1", port, spool=str(tmp_path) if spooled else "")
    for number in range(10):
        sender.emit(None, {"number": number})
    assert not sender.flush(0.05)
    with server(port) as (memory, _):
        assert sender.flush(20)
        sender.close()
    assert numbers(memory) == list(range(10))


def test_no_acknowledgement_means_sending_again(tmp_path: Path) -> None:
    with server() as (memory, port):
        memory.error = OSError("disk")
        sender = Sender("app", "127.0.0.1", port)
        sender.emit(None, {"number": 1})
        assert not sender.flush(0.1)
        memory.error = None
        assert sender.flush(20)
        sender.close()
    assert numbers(memory) == [1]


def test_what_a_killed_program_spooled_is_sent_by_the_next(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, str(free_port()), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as program:
        assert program.stdout
        assert program.stdout.readline() == b"spooled\n"
        program.send_signal(signal.SIGKILL)
        program.wait(20)
    with server() as (memory, port):
        sender = Sender("app", "127.0.0.1", port, spool=str(tmp_path))
        assert sender.flush(20)
        sender.close()
    found = numbers(memory)
    assert found
    assert found == list(range(len(found)))


def test_a_program_that_lives_keeps_its_chunks(tmp_path: Path) -> None:
    port = free_port()
    first = Sender("app", "127.0.0.1", port, spool=str(tmp_path))
    first.emit(None, {"number": 1})
    eventually(lambda: list(tmp_path.glob("*/*.chunk")))
    second = Sender("app", "127.0.0.1", port, spool=str(tmp_path))
    assert second.flush(0.05)
    second.close()
    assert len(list(tmp_path.glob("*/*.chunk"))) == 1
    first.close(0.01)


def test_beyond_the_limit_records_are_dropped_and_counted() -> None:
    sender = Sender("app", "127.0.0.1", free_port(), limit=1000)
    taken = [sender.emit(None, {"text": "x" * 100}) for _ in range(20)]
    assert taken.count(False) == sender.dropped == 12
    sender.close(0.01)


def test_a_forked_child_sends_its_own(tmp_path: Path) -> None:
    with server() as (memory, port):
        sender = Sender("app", "127.0.0.1", port)
        sender.emit(None, {"number": 1})
        assert sender.flush(20)
        if (child := os.fork()) == 0:
            sender.emit(None, {"number": 2})
            os._exit(0 if sender.flush(20) else 1)
        assert os.waitpid(child, 0)[1] == 0
        sender.emit(None, {"number": 3})
        assert sender.flush(20)
        sender.close()
    assert numbers(memory) == [1, 2, 3]


@pytest.mark.parametrize(("key", "arrives"), [("right", True), ("wrong", False)])
def test_with_a_shared_key(key: str, arrives: bool) -> None:
    with server(secrets=Secrets("server", b"right")) as (memory, port):
        sender = Sender("app", "127.0.0.1", port, shared_key=key)
        sender.emit(None, {"number": 1})
        assert sender.flush(20 if arrives else 0.2) is arrives
        sender.close(0.01)
    assert bool(memory.rows) is arrives


@pytest.mark.parametrize("answer", [b"HTTP/1.0 400 Bad Request\r\n\r\n", b"\x93\xa4HELO\x80\xc0"])
@pytest.mark.parametrize("key", ["", "secret"])
def test_a_stranger_on_the_port_is_tried_until_a_receiver_is_there(key: str, answer: bytes) -> None:
    """Another service on the port at first, as after a mistake in an address that is put right later."""
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        sender = Sender("app", "127.0.0.1", port, shared_key=key)
        sender.emit(None, {"number": 1})
        for _ in range(2):
            connection, _ = stranger.accept()
            if not key:
                connection.recv(1 << 16)  # else the client hears of a reset and not of the answer
            connection.sendall(answer)
            connection.close()
    with server(port, Secrets("server", key.encode(), {}) if key else None) as (memory, _):
        eventually(lambda: numbers(memory) == [1])
        sender.close()


def test_the_handler_of_logging() -> None:
    with server() as (memory, port):
        handler = LoghouseHandler("shop", "127.0.0.1", port)
        logger = logging.getLogger("shop.cart")
        logger.addHandler(handler)
        logger.propagate = False
        try:
            logger.warning("item %d is gone", 7, extra={"cart": 42, "level": "mine"})
            try:
                raise ZeroDivisionError("no")
            except ZeroDivisionError:
                logger.exception("failed")
            logger.error("%d", "not a number")
        finally:
            logger.removeHandler(handler)
            logging.raiseExceptions, before = False, logging.raiseExceptions
            handler.close()
            logging.raiseExceptions = before
    first, second, *rest = records(memory)
    assert not rest
    assert first["message"] == "item 7 is gone"
    assert (first["level"], first["logger"], first["cart"]) == ("warning", "shop.cart", 42)
    assert first["caller"].startswith(__file__)
    assert second["exception"].endswith("ZeroDivisionError: no")
