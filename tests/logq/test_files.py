"""`logq` over files and standard input: the same language, no server, nothing left behind."""

import bz2
import gzip
import json
import lzma
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from logq.stores import LIMIT, command, environment, wait_for
from zstandard import ZstdCompressor

from loghouse.logq.cli import with_verb

START = datetime(2026, 8, 1, 10, tzinfo=UTC)
ACCESS = '10.0.0.{host} - - [{at:%d/%b/%Y:%H:%M:%S} +0000] "GET /p{page} HTTP/1.1" {status} 12 "-" "curl"'


def access_log(count: int) -> bytes:
    """Lines of an access log, a second apart; every tenth is an error of page 3."""
    lines = [
        ACCESS.format(
            host=number % 5,
            at=START + timedelta(seconds=number),
            page=3 if number % 10 == 0 else number % 3,
            status=500 if number % 10 == 0 else 200,
        )
        for number in range(count)
    ]
    return "".join(f"{line}\n" for line in lines).encode()


def run(
    *arguments: str, stdin: bytes | None = None, cwd: Path | None = None, **variables: str
) -> subprocess.CompletedProcess[bytes]:
    """`logq` without a store to ask."""
    given: dict[str, object] = {"stdin": subprocess.DEVNULL} if stdin is None else {"input": stdin}
    return subprocess.run(  # type: ignore[call-overload, no-any-return]
        command(*arguments),
        env=environment(LOGQ_URL="clickhouse://127.0.0.1:1/none", **variables),
        capture_output=True,
        timeout=LIMIT,
        check=False,
        cwd=cwd,
        **given,
    )


def test_a_pattern_reads_plain_and_compressed_files_as_one(tmp_path: Path) -> None:
    lines = access_log(60).splitlines(keepends=True)
    parts = [b"".join(lines[start : start + 12]) for start in range(0, 60, 12)]
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "a.log").write_bytes(parts[0])
    (logs / "a.log.1.gz").write_bytes(gzip.compress(parts[1][:300]) + gzip.compress(parts[1][300:]))
    (logs / "a.log.2.zst").write_bytes(
        ZstdCompressor().compress(parts[2][:99]) + ZstdCompressor().compress(parts[2][99:])
    )
    (logs / "a.log.3.bz2").write_bytes(bz2.compress(parts[3]))
    (logs / "without-an-ending").write_bytes(lzma.compress(parts[4]))
    for named in ("logs/*", "logs", f"{logs}/**"):
        done = run("search", "--file", named, "status>=500 | top 5 path", "-o", "jsonl", cwd=tmp_path)
        assert (done.stderr, done.returncode) == (b"", 0)
        assert json.loads(done.stdout) == {"path": "/p3", "count": 6, "share": 1}
    raw = run("search", "--file", "logs", "-o", "raw", "--limit", "0", cwd=tmp_path)
    assert raw.stdout == b"".join(lines)
    assert os.listdir(tmp_path) == ["logs"]


def test_a_carriage_return_is_a_part_of_the_line_end(tmp_path: Path) -> None:
    path = tmp_path / "windows.log"
    path.write_bytes(b"2026-08-01T10:00:00Z refused here\r\n2026-08-01T10:00:01Z n=5 who=two\r\n")
    shown = run("search", "--file", str(path), "--utc", "--color", "never").stdout.decode()
    assert [line.partition("Z ")[2] for line in shown.splitlines()] == ["refused here", "n=5 who=two"]
    assert run("search", "--file", str(path), "-o", "raw").stdout == path.read_bytes()
    found = run("search", "--file", str(path), '~"here$" or (n=5 who="two")', "| stats count()", "-o", "raw")
    assert found.stdout == b"2\n"
    (pattern,) = run("patterns", "--file", str(path), "here", "-o", "jsonl").stdout.splitlines()
    assert json.loads(pattern)["pattern"] == "<time> refused here"


def test_the_time_of_the_files_is_the_time_that_is_meant(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    path.write_bytes(access_log(60))
    bars = run("hist", "--file", str(path), "--every", "20s", "--by", "", "-o", "csv")
    assert bars.stdout.decode().splitlines() == [
        "_time,count",
        *(f"2026-08-01T10:00:{second}.000000000Z,20" for second in ("00", "20", "40")),
    ]
    last = run("search", "--file", str(path), "--since", "5s", "| stats count()", "-o", "raw")
    assert last.stdout == b"5\n"
    first = run("search", "--file", str(path), "--from", "10:00", "--to", "10:00:03", "--utc", "-o", "raw")
    assert first.stdout == b"".join(access_log(60).splitlines(keepends=True)[:3])


def test_a_kubernetes_tree_keeps_its_names(tmp_path: Path) -> None:
    directory = tmp_path / "shop_web-5d8f7b9c4d-x7k2p_0b1c" / "php"
    directory.mkdir(parents=True)
    (directory / "0.log").write_bytes(
        b"2026-08-01T10:00:00.000000001Z stdout P half a \n2026-08-01T10:00:00.000000002Z stdout F record\n"
    )
    (tmp_path / "docker.log").write_bytes(
        b'{"log":"level=error msg=\\"from docker\\"\\n","stream":"stderr","time":"2026-08-01T10:00:01.5Z"}\n'
    )
    found = [
        json.loads(line) for line in run("search", "--file", str(tmp_path), "-o", "jsonl").stdout.splitlines()
    ]
    assert [(each["namespace"], each["pod"], each["container"], each["message"]) for each in found] == [
        ("shop", "web-5d8f7b9c4d-x7k2p", "php", "half a record"),
        ("", "", "docker.log", 'level=error msg="from docker"'),
    ]
    assert (found[1]["stream"], found[1]["level"]) == ("stderr", "error")


@pytest.mark.parametrize("verb", [("fields",), ("values", "status"), ("stats", "count() by status")])
def test_every_verb_that_counts_reads_files(tmp_path: Path, verb: Sequence[str]) -> None:
    path = tmp_path / "access.log"
    path.write_bytes(access_log(20))
    done = run(*verb, "--file", str(path))
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"status" in done.stdout


def test_a_query_alone_reads_what_is_piped() -> None:
    lines = access_log(200)
    errors = [line for line in lines.splitlines(keepends=True) if b" 500 " in line]
    assert run("status>=500", "-o", "raw", stdin=lines).stdout == b"".join(errors)
    assert run("curl", "-o", "raw", stdin=lines).stdout == lines  # a single word as well
    assert run("| stats count()", "-o", "raw", stdin=lines).stdout == b"200\n"
    assert run("status>=500", "-o", "raw", "--limit", "2", stdin=lines).stdout == b"".join(errors[-2:])
    assert run("status=404", stdin=lines).returncode == 1
    assert run("status=404", stdin=b"").returncode == 1


def test_a_store_that_is_named_is_asked_and_not_the_pipe() -> None:
    done = run("status>=500", "--url", "clickhouse://127.0.0.1:1/none", stdin=b"status=500\n")
    assert done.returncode == 3
    assert b"127.0.0.1:1" in done.stderr


def test_a_record_is_printed_before_the_pipe_ends(tmp_path: Path) -> None:
    process = subprocess.Popen(
        command("refused", "-o", "raw"),
        env=environment(TMPDIR=str(tmp_path)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None and process.stdout is not None
    for number in range(3):
        process.stdin.write(b"nothing\nconnection %d refused\n" % number)
        process.stdin.flush()
        assert process.stdout.readline() == b"connection %d refused\n" % number
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=LIMIT)
    assert (process.returncode, err) == (130, b"")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_files_are_read_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    fifo, scratch = tmp_path / "fifo", tmp_path / "scratch"
    os.mkfifo(fifo)
    scratch.mkdir()
    process = subprocess.Popen(
        command("search", "--file", str(fifo)),
        env=environment(TMPDIR=str(scratch)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with process, open(fifo, "wb") as writer:  # open when the command reads it
        try:
            writer.write(access_log(10))
            writer.flush()
            wait_for(lambda: bool(os.listdir(scratch)), "the directory of the store")
            process.send_signal(number)
            out, err = process.communicate(timeout=LIMIT)
        finally:
            process.kill()
    assert (process.returncode, out, err) == (130, b"", b"")
    assert os.listdir(scratch) == []


def test_a_damaged_file_is_read_up_to_the_damage(tmp_path: Path) -> None:
    lines = access_log(5000)
    packed = gzip.compress(lines)
    (tmp_path / "cut.gz").write_bytes(packed[: len(packed) // 2])
    done = run("search", "--file", str(tmp_path / "cut.gz"), "-o", "raw", "--limit", "0")
    assert b"is damaged" in done.stderr
    assert done.stdout.count(b"\n") > 100
    *whole, _ = done.stdout.splitlines(keepends=True)  # the last may end where the damage begins
    assert lines.startswith(b"".join(whole))


def test_mistakes_are_told_with_what_to_do(tmp_path: Path) -> None:
    nothing = run("search", "--file", str(tmp_path / "*.log"), "error")
    assert nothing.returncode == 2
    assert b"names no file" in nothing.stderr
    for name in ("a.log", "b.log"):
        (tmp_path / name).write_bytes(b"x\n")
    unquoted = run("search", "--file", "a.log", "b.log", "error", cwd=tmp_path)
    assert unquoted.returncode == 2
    assert b"Quote the pattern" in unquoted.stderr
    assert run("search", "--file", "-", "--file", "a.log", cwd=tmp_path).returncode == 2
    wrong = run("search", "--file", "a.log", "status>>", cwd=tmp_path)
    assert (wrong.returncode, wrong.stdout) == (2, b"")


def test_the_missing_extra_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(b"x\n")
    script = "import sys; sys.modules['chdb'] = None; from loghouse.logq.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", script, "search", "--file", str(tmp_path / "a.log")],
        env=environment(TMPDIR=str(tmp_path)),
        capture_output=True,
        timeout=LIMIT,
        check=False,
    )
    assert done.returncode == 3
    assert b'pip install "logq[embedded]"' in done.stderr
    assert os.listdir(tmp_path) == ["a.log"]


def test_a_bar_on_a_terminal_shows_how_far_it_is(tmp_path: Path) -> None:
    """Also that the bar is taken away, and is not in the output."""
    path = tmp_path / "access.log"
    path.write_bytes(access_log(60_000))
    master, slave = pty.openpty()
    process = subprocess.Popen(
        command("search", "--file", str(path), "| stats count()", "-o", "raw"),
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=slave,
    )
    os.close(slave)
    out, _ = process.communicate(timeout=LIMIT)
    shown = os.read(master, 1 << 16).decode()
    os.close(master)
    assert out == b"60000\n"
    assert "reading access.log" in shown
    assert "%" in shown
    assert shown.endswith("\r\x1b[K")


def test_a_kubernetes_stamp_of_yesterday_counts_from_the_file(tmp_path: Path) -> None:
    at = [START + timedelta(minutes=minute) for minute in range(0, 120, 10)]
    path = tmp_path / "app.log"
    path.write_text("".join(f"{moment:%Y-%m-%dT%H:%M:%SZ} level=info n={moment:%H%M}\n" for moment in at))
    done = run("search", "--file", str(path), "--since", "35m", "-o", "template", "-T", "{n}")
    assert done.stdout.split() == [b"1120", b"1130", b"1140", b"1150"]


@pytest.mark.parametrize(
    ("arguments", "piped", "wanted"),
    [
        (["--file", "a.log", "error"], False, ["search", "--file", "a.log", "error"]),
        (["--file=a.log", "error"], True, ["search", "--file=a.log", "error"]),
        (["-L", "error"], True, ["search", "--file", "-", "-L", "error"]),
        (["-n", "prod"], False, ["search", "-n", "prod"]),
        (["error"], True, ["search", "--file", "-", "error"]),
        (["serach", "error"], False, ["serach", "error"]),
        (["--url", "x", "tail"], False, ["--url", "x", "tail"]),
        (["--help"], True, ["--help"]),
        ([], True, []),
    ],
)
def test_a_command_without_a_verb_searches(arguments: list[str], piped: bool, wanted: list[str]) -> None:
    assert with_verb(arguments, piped) == wanted
