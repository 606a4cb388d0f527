"""Syslog with `logger`, rsyslog and syslog-ng, and framing by hand."""

import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from receiving import eventually

from loghouse.receive.command import Receiver
from loghouse.receive.inflate import TooLarge
from loghouse.receive.syslog import frames

Query = Callable[..., list[tuple[Any, ...]]]


def test_frames_counted_and_by_line_and_halves_wait() -> None:
    buffer = bytearray(b"5 <1>ab<13>line\r\n\n7 <2>c\ndx4 <3")
    assert list(frames(buffer)) == [b"<1>ab", b"<13>line", b"<2>c\ndx"]
    assert bytes(buffer) == b"4 <3"


@pytest.mark.parametrize("hostile", [b"99999999999 <1>", b"1x <1>aaaaaaaa", b"<1>" + bytes(2 << 20)])
def test_frames_without_end_are_refused(hostile: bytes) -> None:
    with pytest.raises(TooLarge):
        list(frames(bytearray(hostile)))


@pytest.mark.parametrize("options", ["--udp --rfc5424", "--tcp --octet-count", "--tcp", "--udp --rfc3164"])
def test_logger(receiver: Receiver, query: Query, options: str) -> None:
    if not shutil.which("logger"):
        pytest.skip("logger is not installed")
    assert receiver.syslog
    tag = "logger" + options.replace("-", "").replace(" ", "")
    arguments = [
        "logger",
        "--server",
        "127.0.0.1",
        "--port",
        str(receiver.syslog.port),
        "--tag",
        tag,
        *options.split(),
    ]
    subprocess.run([*arguments, "hello there"], check=True, timeout=20)
    sql = "SELECT raw, timestamp BETWEEN now() - 60 AND now() + 60 FROM logs WHERE container = {c:String}"
    ((raw, recent),) = eventually(lambda: query(sql, c=tag))
    assert raw.startswith("<13>")
    assert raw.endswith("hello there")
    assert recent


def test_rsyslog_forwards_every_message(receiver: Receiver, query: Query, tmp_path: Path) -> None:
    if not shutil.which("rsyslogd"):
        pytest.skip("rsyslogd is not installed")
    assert receiver.syslog
    path = tmp_path / "in.sock"
    config = tmp_path / "rsyslog.conf"
    config.write_text(
        f'module(load="imuxsock" SysSock.Use="off")\ninput(type="imuxsock" Socket="{path}")\n'
        f'action(type="omfwd" target="127.0.0.1" port="{receiver.syslog.port}" protocol="tcp"'
        ' TCP_Framing="octet-counted" template="RSYSLOG_SyslogProtocol23Format")\n'
    )
    arguments = ["rsyslogd", "-n", "-f", config, "-i", tmp_path / "pid"]
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        eventually(path.exists)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.settimeout(20)
            sender.connect(str(path))
            stamp = time.strftime("%b %e %H:%M:%S")
            for number in range(50):
                sender.send(f"<13>{stamp} viarsyslog: message {number}".encode())
        sql = "SELECT count(), uniqExact(raw) FROM logs WHERE container = 'viarsyslog'"
        eventually(lambda: query(sql) == [(50, 50)])
    finally:
        process.terminate()
        process.wait(20)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("driver", ["syslog", "network"])
def test_syslog_ng_forwards_every_message(
    receiver: Receiver, query: Query, tmp_path: Path, driver: str, transport: str
) -> None:
    if not shutil.which("syslog-ng"):
        pytest.skip("syslog-ng is not there")
    assert receiver.syslog
    program, source = f"viang{driver}{transport}", tmp_path / "in.log"
    config = tmp_path / "syslog-ng.conf"
    config.write_text(
        f'@version: 3.38\nsource s {{ file("{source}" follow-freq(0.1) flags(no-parse) '
        f'program-override("{program}")); }};\n'
        f'destination d {{ {driver}("127.0.0.1" transport("{transport}") port({receiver.syslog.port})); }};\n'
        "log { source(s); destination(d); };\n"
    )
    source.write_text("".join(f"message {number}\n" for number in range(50)))
    own = [f"--{name}={tmp_path / name}" for name in ("pidfile", "persist-file", "control")]
    arguments = ["syslog-ng", "--foreground", "--no-caps", f"--cfgfile={config}", *own]
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        sql = "SELECT count(), uniq(raw) FROM logs WHERE container = {c:String} AND raw LIKE '%message%'"
        eventually(lambda: query(sql, c=program) == [(50, 50)])
    finally:
        process.terminate()
        process.wait(20)
