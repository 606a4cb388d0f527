"""The store starts, or says in one message why it cannot."""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from embedded.clients import driver
from servers import NotStarted, embedded_store, start_and_hear, start_embedded, stop

from loghouse.embedded.command import parse_listen
from loghouse.embedded.server import is_loopback
from loghouse.errors import UsageError


def refusal(data_dir: Path, *options: str, listen: str = "127.0.0.1:0") -> NotStarted:
    """What a store says that must not start."""
    with pytest.raises(NotStarted) as caught:
        process, _ = start_embedded(data_dir, *options, listen=listen)
        stop(process, signal.SIGKILL)
    said = caught.value.said
    assert said.startswith("error: "), said
    assert "Traceback" not in said
    assert caught.value.exit_code in (2, 3)
    return caught.value


def test_data_is_there_after_a_restart(tmp_path: Path) -> None:
    with embedded_store(tmp_path) as url, driver(url) as client:
        client.execute("CREATE TABLE kept (a UInt8) ENGINE = MergeTree ORDER BY a")
        client.execute("INSERT INTO kept VALUES", [(1,), (2,)])
    with embedded_store(tmp_path) as url, driver(url) as client:
        assert client.execute("SELECT sum(a) FROM kept") == [(3,)]


def test_a_second_process_on_the_directory_is_told_who_has_it(tmp_path: Path) -> None:
    process, _ = start_embedded(tmp_path)
    try:
        refused = refusal(tmp_path)
        assert f'the data directory "{tmp_path}" is in use by process {process.pid}' in refused.said
        assert "--data-dir" in refused.said
    finally:
        stop(process)


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        refused = refusal(tmp_path, listen=address)
    assert f"{address} is in use" in refused.said
    assert "--listen" in refused.said


def test_other_machines_need_a_password(tmp_path: Path) -> None:
    refused = refusal(tmp_path, listen="0.0.0.0:0")
    assert "no password is set" in refused.said
    assert "--insecure" in refused.said


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_loopback_addresses(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "example.org", "127.0.0.1.example.org"])
def test_addresses_that_others_reach(host: str) -> None:
    assert not is_loopback(host)


def test_addresses_to_listen_on() -> None:
    assert parse_listen("127.0.0.1:9000") == ("127.0.0.1", 9000)
    assert parse_listen(":9000") == ("127.0.0.1", 9000)
    assert parse_listen("[::1]:9000") == ("::1", 9000)
    for wrong in ("", "9000", "host:", "host:x", "host:99999", "host:-1"):
        with pytest.raises(UsageError):
            parse_listen(wrong)


def test_a_password_is_asked_for(tmp_path: Path) -> None:
    from clickhouse_driver.errors import ServerException

    secret = tmp_path / "secret"
    secret.write_text("gęś 'x'\n", encoding="utf-8")
    process, url = start_embedded(tmp_path / "data", "--user", "reader", "--password-file", str(secret))
    try:
        with driver(url, user="reader", password="gęś 'x'") as client:
            assert client.execute("SELECT 1") == [(1,)]
        for wrong in ({"user": "reader"}, {"user": "reader", "password": "gęś"}, {"password": "gęś 'x'"}):
            with driver(url, **wrong) as client, pytest.raises(ServerException) as caught:
                client.execute("SELECT 1")
            assert caught.value.code == 516
    finally:
        stop(process)


def test_an_empty_password_file_is_refused(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("\n")
    assert "is empty" in refusal(tmp_path / "data", "--password-file", str(secret)).said
    assert "cannot read" in refusal(tmp_path / "data", "--password-file", str(tmp_path / "none")).said


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    refused = refusal(tmp_path / "file" / "data")
    assert str(tmp_path / "file" / "data") in refused.said
    assert "--data-dir" in refused.said


def test_a_damaged_directory_is_named_with_the_reason(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with embedded_store(data) as url, driver(url) as client:
        client.execute("CREATE TABLE lost (a UInt8) ENGINE = MergeTree ORDER BY a")
    # A database's definition is read at the start; a table's is, too.
    damaged = data / "metadata" / "loghouse.sql"
    damaged.write_bytes(os.urandom(50))
    refused = refusal(data)
    assert f'cannot start the embedded store on the data directory "{data}"' in refused.said
    assert "damaged" in refused.said
    assert "loghouse.sql" in refused.said


def test_something_in_the_place_of_the_empty_directory_is_named(tmp_path: Path) -> None:
    (tmp_path / "loghouse.empty").touch()
    assert "File exists" in refusal(tmp_path).said


def test_a_damaged_part_is_reported(tmp_path: Path) -> None:
    with embedded_store(tmp_path) as url, driver(url) as client:
        client.execute("CREATE TABLE lost (a UInt8) ENGINE = MergeTree ORDER BY a")
        client.execute("INSERT INTO lost VALUES", [(1,)])
        (part,) = client.execute("SELECT path FROM system.parts WHERE table = 'lost'")
    (tmp_path / part[0] / "checksums.txt").write_bytes(b"damaged")
    process, _, said = start_and_hear(tmp_path)
    stop(process)
    assert "warning: a damaged part was put aside, its rows are missing: loghouse.lost" in said


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MB."""
    mount = shutil.which("mount")
    if mount is None or os.geteuid():
        pytest.skip("only root can mount a small file system")
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=8m", "tmpfs", place], capture_output=True, timeout=20, check=False
    )
    if mounted.returncode:
        pytest.skip(f"cannot mount a small file system: {mounted.stderr.decode()}")
    yield place
    subprocess.run(["umount", "-l", place], timeout=20, check=True)


def test_a_full_disk_is_an_error_and_not_the_end(small_disk: Path) -> None:
    from clickhouse_driver.errors import ServerException

    with embedded_store(small_disk / "data") as url, driver(url) as client:
        client.execute("CREATE TABLE filling (s String CODEC(NONE)) ENGINE = MergeTree ORDER BY tuple()")
        client.execute("INSERT INTO filling SELECT 'first'")
        with pytest.raises(ServerException) as caught:
            client.execute("INSERT INTO filling SELECT randomString(1000000) FROM numbers(20)")
        assert caught.value.code in (243, 241, 74, 75), caught.value  # no space, or the system's own words
        assert client.execute("SELECT * FROM filling") == [("first",)]
        client.execute("INSERT INTO filling VALUES", [("second",)])


def test_a_full_disk_at_the_start_is_named(small_disk: Path) -> None:
    ballast = os.open(small_disk / "ballast", os.O_WRONLY | os.O_CREAT)
    with pytest.raises(OSError):
        while True:
            os.write(ballast, bytes(1 << 12))
    os.close(ballast)
    refused = refusal(small_disk / "data")
    assert "No space left" in refused.said or "no space" in refused.said.lower()
    assert "--data-dir" in refused.said
