"""`logq` on a terminal: colours, highlights, tables, Ctrl-C, and nothing of a record that steers it."""

import os
import pty
import re
import signal
import socket
import subprocess
from datetime import UTC, datetime

from logq.stores import LIMIT, LiveStore, Logq, Source, address, command, environment

from loghouse.config import StoreUrl

CONTROL = re.compile(r"\x1b\[[0-9;]*m|\r?\n")


def on_terminal(url: StoreUrl, *arguments: str, **variables: str) -> tuple[str, int]:
    """What `logq` writes to a terminal, and its exit code."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        command(*arguments),
        env=environment(LOGQ_URL=address(url), TERM="xterm-256color", COLUMNS="100", **variables),
        stdout=slave,
        stderr=subprocess.DEVNULL,
    )
    os.close(slave)
    seen = bytearray()
    try:
        while piece := _read(master):
            seen += piece
        return seen.decode(), process.wait(LIMIT)
    finally:
        os.close(master)
        process.kill()
        process.wait(LIMIT)


def _read(master: int) -> bytes:
    try:
        return os.read(master, 1 << 16)
    except OSError:  # the other side is closed
        return b""


def test_records_are_coloured_and_matches_marked(logs_url: StoreUrl, known: list[bytes]) -> None:
    shown, code = on_terminal(logs_url, "search", "refused or disk")
    assert code == 0
    assert "connection \x1b[1;4mrefused\x1b[22;24m" in shown
    assert "\x1b[1;4mDisk\x1b[22;24m full" in shown
    assert "\x1b[1;38;5;160mERROR\x1b[0m" in shown


def test_colours_can_be_refused(logs_url: StoreUrl, known: list[bytes]) -> None:
    assert "\x1b" not in on_terminal(logs_url, "search", NO_COLOR="1")[0]
    assert "\x1b" not in on_terminal(logs_url, "search", "--color", "never")[0]
    assert "\x1b[" in on_terminal(logs_url, "search", "--color", "always", NO_COLOR="1")[0]


def test_colours_reach_a_pipe_only_when_asked(logq: Logq, known: list[bytes]) -> None:
    assert b"\x1b" not in logq("search").stdout
    assert b"\x1b[38;5;" in logq("search", "--color", "always").stdout


def test_records_cannot_steer_the_terminal(logs_url: StoreUrl, known: list[bytes]) -> None:
    for output in ("pretty", "jsonl", "template"):
        shown, _ = on_terminal(logs_url, "search", "-o", output, "-T", "{message}{raw}", "colours or disk")
        rest = CONTROL.sub("", shown)
        assert "\u202e" not in rest
        assert all(character.isprintable() for character in rest), output
        assert "\x1b[31m" not in shown


def test_tables_and_histograms_are_drawn(logs_url: StoreUrl, known: list[bytes]) -> None:
    table, _ = on_terminal(logs_url, "search", "| stats count() by level", "--color", "never")
    assert re.search(r"level +count\(\)", table)
    assert "─" in table
    bars, _ = on_terminal(logs_url, "search", "| hist 1m by level", "--color", "never")
    assert "█" in bars
    assert "warning 2" in bars
    assert max(map(len, bars.splitlines())) <= 100


def test_ctrl_c_ends_a_search_with_130(logs_url: StoreUrl, known: list[bytes]) -> None:
    """A server that takes the query and never answers is the slowest query there is."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        process = subprocess.Popen(
            command("search", "--url", f"127.0.0.1:{silent.getsockname()[1]}"),
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        silent.settimeout(LIMIT)
        connection, _ = silent.accept()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=LIMIT)
        connection.close()
    assert (process.returncode, out, err) == (130, b"", b"")


def test_a_search_that_is_interrupted_stops_on_the_server(live: LiveStore, space: str) -> None:
    source = Source(live.url, namespace=space)
    source.write(*(b"line %d" % number for number in range(50_000)), at=datetime.now(UTC))
    process = subprocess.Popen(
        command("search", "-n", space, "-o", "jsonl", "--limit", "0"),
        env=environment(LOGQ_URL=address(live.url)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.read(1) == b"{"  # it prints, and then waits for us to read
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=LIMIT)
    assert (process.returncode, err) == (130, b"")


def test_a_reader_that_has_enough_ends_a_search_quietly(live: LiveStore, space: str) -> None:
    source = Source(live.url, namespace=space)
    source.write(*(b"line %d" % number for number in range(50_000)), at=datetime.now(UTC))
    for output in ("raw", "pretty", "csv"):
        script = '"$@" | head -n 1 > /dev/null; echo "${PIPESTATUS[*]}"'
        arguments = command("search", "-n", space, "-o", output, "--limit", "0")
        done = subprocess.run(
            ["bash", "-c", script, "bash", *arguments],
            env=environment(LOGQ_URL=address(live.url)),
            capture_output=True,
            timeout=LIMIT,
            check=False,
        )
        assert (done.stdout, done.stderr) == (b"0 0\n", b"")


def test_a_store_that_breaks_off_leaves_a_partial_output(live: LiveStore, space: str) -> None:
    source = Source(live.url, namespace=space)
    source.write(*(b"%d " % number + b"x" * 500 for number in range(60_000)), at=datetime.now(UTC))
    process = subprocess.Popen(
        command("search", "-n", space, "-o", "jsonl", "--limit", "0"),
        env=environment(LOGQ_URL=address(live.url)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.read(1) == b"{"
    live.stop()
    _, err = process.communicate(timeout=LIMIT)
    live.start()
    assert process.returncode == 4
    assert err.startswith(b"error: cannot reach ClickHouse at ")
    assert b"The output is not complete: " in err
