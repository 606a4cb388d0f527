"""How records fit a terminal: wrapped, cut, indented, linked, paged, with a line of rates below them."""

import errno
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from logq.stores import KNOWN, LIMIT, LiveStore, Source, address, command, environment, wait_for

from loghouse.config import StoreUrl
from loghouse.logq.rateline import RateLine
from loghouse.record import Record
from loghouse.render.links import opens_links
from loghouse.store.client import Store

STYLES = re.compile(r"\x1b\[[0-9;]*[mK]")
LINK = re.compile(r"\x1b]8;;([^\x1b]*)\x1b\\")
COLUMNS = 60


class Screen:
    """A command on a terminal."""

    def __init__(self, url: StoreUrl, *arguments: str, columns: int = COLUMNS, **variables: str) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        given = environment(LOGQ_URL=address(url), TERM="xterm-256color", **variables)
        given.pop("COLUMNS", None)
        self.process = subprocess.Popen(
            command(*arguments), env=given, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
        )
        os.close(slave)
        self.seen = ""

    def read(self) -> bool:
        """Take what there is for now; False at the end."""
        if not select.select([self._master], [], [], 0.05)[0]:
            return True
        try:
            piece = os.read(self._master, 1 << 16)
        except OSError as error:
            assert error.errno == errno.EIO
            return False
        self.seen += piece.decode(errors="replace").replace("\r\n", "\n")
        return bool(piece)

    def until(self, text: str) -> None:
        """Wait for a text."""
        deadline = time.monotonic() + LIMIT
        while text not in self.seen:
            assert self.read() and time.monotonic() < deadline, f"{text!r} did not come: {self.seen[-500:]!r}"

    def until_any(self, signs: str) -> None:
        """Wait for one of some characters."""
        deadline = time.monotonic() + LIMIT
        while not set(signs) & set(self.seen):
            assert self.read() and time.monotonic() < deadline, f"none came: {self.seen[-500:]!r}"

    def end(self) -> int:
        """Read to the end; the exit code."""
        deadline = time.monotonic() + LIMIT
        try:
            while self.read():
                assert time.monotonic() < deadline, f"it does not end: {self.seen[-500:]!r}"
            return self.process.wait(LIMIT)
        finally:
            self.process.kill()
            self.process.wait()
            os.close(self._master)


def shown(url: StoreUrl, *arguments: str, columns: int = COLUMNS, **variables: str) -> list[str]:
    """The lines that a command leaves on the screen, without styles and links."""
    screen = Screen(url, *arguments, columns=columns, **variables)
    assert screen.end() in (0, 1)
    return LINK.sub("", STYLES.sub("", screen.seen)).splitlines()


def test_a_record_is_cut_to_one_line_or_shown_whole(live: LiveStore, space: str) -> None:
    long = "word " * 300
    Source(live.url, namespace=space).write(
        long.encode() + b"end", b'{"msg":"short","field":"%s"}' % (b"v" * 200), "日本".encode() * 60, at=KNOWN
    )
    cut = shown(live.url, "search", "-n", space, "--cut")
    assert len(cut) == 3
    assert all(line.endswith("…") for line in cut)
    assert all(len(line) + sum(letter in "日本" for letter in line) <= COLUMNS for line in cut)
    whole = "".join(shown(live.url, "search", "-n", space, "--wrap"))
    assert long + "end" in whole
    usual = "".join(shown(live.url, "search", "-n", space))
    assert "more characters" in usual
    assert long not in usual


def test_fields_stand_below_the_record_when_asked(live: LiveStore, space: str) -> None:
    Source(live.url, namespace=space).write(
        b'{"msg":"order","user":{"id":7},"tags":[1,{"a":2}],"trace":"one\\ntwo"}', at=KNOWN
    )
    lines = shown(live.url, "search", "-n", space, "--indent")
    assert lines[0].endswith(" order")
    assert lines[1:4] == ["    user.id: 7", "    tags: [", "        1,"]
    assert lines[-2:] == ["    trace: one", "      two"]
    piped = subprocess.run(
        command("search", "-n", space, "-o", "json", "--indent"),
        env=environment(LOGQ_URL=address(live.url)),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=LIMIT,
        check=True,
    ).stdout.decode()
    assert '\n  "level": "unknown",\n' in piped


def test_times_link_to_the_page_where_links_work(logs_url: StoreUrl, known: list[bytes]) -> None:
    page = ("--web", "https://logs.example.com/")
    screen = Screen(logs_url, "search", "refused", *page, FORCE_HYPERLINK="1")
    screen.end()
    link = next(iter(LINK.findall(screen.seen)))
    assert link.startswith("https://logs.example.com/?q=pod%3Dweb-1+container%3Dphp&from=")
    assert link.endswith("&ns=prod")
    for variables in ({"FORCE_HYPERLINK": "0"}, {"FORCE_HYPERLINK": "1", "NO_COLOR": "1"}):
        plain = Screen(logs_url, "search", "refused", *page, **variables)
        plain.end()
        assert "\x1b]8" not in plain.seen


def test_terminals_that_open_links_are_known() -> None:
    assert opens_links({"TERM_PROGRAM": "WezTerm"})
    assert opens_links({"VTE_VERSION": "7600"})
    assert not opens_links({"VTE_VERSION": "4000"})
    assert not opens_links({"TERM": "xterm"})
    assert not opens_links({"KITTY_WINDOW_ID": "1", "TMUX": "/tmp/tmux"})
    assert not opens_links({"KITTY_WINDOW_ID": "1", "FORCE_HYPERLINK": "0"})


def test_a_pager_gets_the_records_and_nobody_else(
    logs_url: StoreUrl, known: list[bytes], tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    pager = f"sh -c 'cat > {kept}; echo read by the pager'"
    lines = shown(logs_url, "search", "-o", "raw", "--pager", "refused", PAGER=pager)
    assert lines == ["read by the pager"]
    assert b"connection refused" in kept.read_bytes()
    piped = subprocess.run(
        command("search", "-o", "raw", "--pager", "refused"),
        env=environment(LOGQ_URL=address(logs_url), PAGER="false"),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=LIMIT,
        check=True,
    )
    assert b"connection refused" in piped.stdout
    missing = "\n".join(shown_with_code(logs_url, 2, "search", "--pager", PAGER="/no/such/pager"))
    assert "cannot start the pager" in missing


def shown_with_code(url: StoreUrl, code: int, *arguments: str, **variables: str) -> list[str]:
    """As `shown`, of a command that fails."""
    screen = Screen(url, *arguments, **variables)
    assert screen.end() == code
    return STYLES.sub("", screen.seen).splitlines()


def test_a_pager_that_is_left_early_ends_the_search(live: LiveStore, space: str) -> None:
    Source(live.url, namespace=space).write(*(b"line %d" % number for number in range(50_000)), at=KNOWN)
    screen = Screen(live.url, "search", "-n", space, "--limit", "0", "--pager", PAGER="head -n 2")
    assert screen.end() == 0
    assert len(screen.seen.splitlines()) == 2


def test_a_tail_shows_how_many_come(live: LiveStore, space: str) -> None:
    source = Source(live.url, namespace=space)
    screen = Screen(live.url, "tail", "-n", space, "--hist", "-o", "raw", "--tail", "0")
    screen.until("0.0/s")
    source.write(*(b"level=error number %d" % number for number in range(30)), at=datetime.now(UTC))
    screen.until("level=error number 29")
    screen.until_any("▁▂▃▄▅▆▇█")
    screen.process.send_signal(signal.SIGINT)
    assert screen.end() == 0
    records = [line for line in screen.seen.split("\n") if "number" in line]
    assert [STYLES.sub("", line).rpartition("\r")[2] for line in records] == [
        f"level=error number {number}" for number in range(30)
    ]


def test_the_line_of_rates_fits_the_screen() -> None:
    now = [100.0]
    line = RateLine(colour=False, clock=lambda: now[0])
    record = Record(0, 0, *("",) * 6, "error", "text", "", "", {}, {}, {}, "", 0, 0, 0)
    for second in range(200):
        now[0] += 1
        line.count([record] * (second % 7))
    for columns in (12, 30, 60, 200):
        assert len(line.text(columns)) <= columns
    assert "error " in line.text(60)
    now[0] += 500
    assert line.text(60).strip().startswith("0.0/s")
    assert set(line.text(60)) <= set("0./s ")


def test_ctrl_c_ends_the_query_on_the_server(live: LiveStore) -> None:
    slow = "SELECT sum(sleepEachRow(0.05)) AS slow_query FROM numbers(2000) SETTINGS max_block_size = 1"
    running = "SELECT count() FROM system.processes WHERE startsWith(query, 'SELECT sum(sleepEachRow')"
    with Store(live.url) as store:
        process = subprocess.Popen(
            command("sql", slow),
            env=environment(LOGQ_URL=address(live.url)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        wait_for(lambda: store.rows(running)[0][0] == 1, "the query")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=LIMIT)
        assert (process.returncode, out, err) == (130, b"", b"")
        wait_for(lambda: store.rows(running)[0][0] == 0, "the end of the query")


@pytest.mark.parametrize("columns", [20, 40, 200])
def test_tables_and_bars_fit_any_terminal(logs_url: StoreUrl, known: list[bytes], columns: int) -> None:
    for query in ("| hist 1m by level", "| stats count(), max(took) by level, pod, container", "| patterns"):
        for line in shown(logs_url, "search", query, columns=columns):
            assert len(line) <= columns, (query, line)
