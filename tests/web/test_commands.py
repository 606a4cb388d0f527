"""`loghouse web` and `loghouse up` as commands."""

from __future__ import annotations

import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
from logq.stores import address, environment
from servers import START_LIMIT, STOP_LIMIT, free_port
from web.serving import LIMIT

from loghouse.config import StoreUrl
from loghouse.errors import StoreUnreachable
from loghouse.store.client import Row, Store

_PAGE = re.compile(r"the web page is at (http://127\.0\.0\.1:\d+/)")


@contextmanager
def _running(*arguments: str, until: str) -> Iterator[str]:
    """A command that serves: what it said until that line, and it ends well when it is told to."""
    process = subprocess.Popen(
        [sys.executable, "-c", "from loghouse.cli import main; main()", *arguments],
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        env=environment(),
    )
    try:
        yield _said(process, until)
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_LIMIT) == 0
    finally:
        process.kill()
        process.communicate()


def _said(process: subprocess.Popen[str], until: str) -> str:
    assert process.stderr is not None
    said = ""
    deadline = time.monotonic() + START_LIMIT
    while until not in said and time.monotonic() < deadline:
        if select.select([process.stderr], [], [], 1)[0]:
            line = process.stderr.readline()
            if not line:
                break
            said += line
    assert until in said, said
    return said


def _refused(*arguments: str) -> str:
    """What a command says that does not start."""
    command = [sys.executable, "-c", "from loghouse.cli import main; main()", *arguments]
    ended = subprocess.run(
        command, env=environment(), capture_output=True, text=True, timeout=LIMIT, check=False
    )
    assert ended.returncode == 2, ended.stderr
    assert "Traceback" not in ended.stderr
    return ended.stderr


def test_web_serves_a_store_until_it_is_stopped(web_store: StoreUrl) -> None:
    with _running("web", "--url", address(web_store), "--listen", "127.0.0.1:0", until="web page") as said:
        found = _PAGE.search(said)
        assert found
        names = httpx.get(f"{found[1]}api/v1/namespaces", trust_env=False, timeout=LIMIT).json()["namespaces"]
        assert [each["name"] for each in names] == ["prod", "staging"]


def test_up_serves_the_page_beside_the_store(tmp_path: Path) -> None:
    where = ("--data-dir", str(tmp_path / "data"), "--listen", "127.0.0.1:0", "--web", "127.0.0.1:0")
    with _running("up", *where, until="listens on") as said:
        found = _PAGE.search(said)
        assert found
        assert httpx.get(f"{found[1]}api/v1/search", trust_env=False, timeout=LIMIT).json()["records"] == []
        assert (
            httpx.get(found[1], trust_env=False, timeout=LIMIT)
            .headers["content-type"]
            .startswith("text/html")
        )


def test_who_connects_while_up_starts_finds_the_tables_made(tmp_path: Path) -> None:
    port = free_port()
    where = ("--data-dir", str(tmp_path / "data"), "--listen", f"127.0.0.1:{port}", "--web", "")
    with ThreadPoolExecutor(1) as early:
        answer = early.submit(_first_answer, StoreUrl("127.0.0.1", port, "loghouse"))
        with _running("up", *where, until="listens on"):
            assert answer.result(LIMIT) == [(0, "")]


def _first_answer(url: StoreUrl) -> list[Row]:
    """What a client is told that connects as soon as it can."""
    deadline = time.monotonic() + START_LIMIT
    while True:
        try:
            with Store(url) as store:
                return store.rows("SELECT count(), any(words) FROM logs")
        except StoreUnreachable:
            assert time.monotonic() < deadline
            time.sleep(0.001)


def test_up_starts_without_the_page_when_nobody_asked_for_its_place(tmp_path: Path) -> None:
    where = ("--data-dir", str(tmp_path / "data"), "--listen", "127.0.0.1:0")
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind(("127.0.0.1", 8080))
            taken.listen()
        except OSError:
            pass  # somebody else has it, which is as good
        with _running("up", *where, until="listens on") as said:
            assert "warning: no web page" in said
        place = f"127.0.0.1:{taken.getsockname()[1]}" if taken.getsockname()[1] else "127.0.0.1:8080"
        assert "cannot serve the web page" in _refused("up", *where, "--web", place)
    with _running("up", *where, "--web", "", until="listens on") as said:
        assert "web page" not in said


def test_web_refuses_what_would_be_open_to_everybody(web_store: StoreUrl, tmp_path: Path) -> None:
    url = ("--url", address(web_store))
    assert "other machines" in _refused("web", *url, "--listen", "0.0.0.0:0")
    assert "cannot listen" in _refused("web", *url, "--listen", "here")
    assert "access file" in _refused("web", *url, "--access", str(tmp_path / "absent.toml"))
