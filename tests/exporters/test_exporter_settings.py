"""Settings from flags, variables and files; the command; and what exporters may import."""

import importlib
import os
import signal
import socket
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pytest
from click.testing import CliRunner
from exporter_servers import free_port, get, until
from hypothesis import given
from hypothesis import strategies as st

from exporters.command import Kind, click_command, go_style, prepare, systemd_listeners
from exporters.connection import Address, parse_address
from exporters.memcached.cli import KIND as MEMCACHED
from exporters.redis.cli import KIND as REDIS
from exporters.redis.cluster import key_slot
from exporters.redis.keys import parse_patterns
from exporters.settings import (
    Duration,
    Flag,
    Secret,
    SettingsError,
    Words,
    declared,
    file_from_tables,
    load,
    override,
)
from exporters.several import KINDS
from exporters.version import VERSION

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Some:
    name: Annotated[str, Flag("some.name", "Name.", env=("SOME",))] = "default"
    wait: Annotated[Duration, Flag("some.wait", "Wait.")] = Duration(1)
    words: Annotated[Words, Flag("words", "Words.")] = ()
    on: Annotated[bool, Flag("on", "On.")] = False
    count: Annotated[int, Flag("count", "Count.")] = 3
    password: Annotated[Secret, Flag("password", "Password.")] = Secret("")


def test_flag_then_variable_then_file_then_default() -> None:
    file = {"some.name": "file"}
    environ = {"SOME": "upstream", "X_SOME_NAME": "own"}
    assert load(Some, "X", {"name": "flag"}, environ, file).name == "flag"
    assert load(Some, "X", {}, environ, file).name == "upstream"
    assert load(Some, "X", {}, {"X_SOME_NAME": "own"}, file).name == "own"
    assert load(Some, "X", {}, {}, file).name == "file"
    assert load(Some, "X", {}, {}, {}).name == "default"


@pytest.mark.parametrize(
    ("raw", "seconds"), [("15s", 15), ("1m30s", 90), ("500ms", 0.5), ("2", 2), ("1.5h", 5400)]
)
def test_durations_as_go_writes_them(raw: str, seconds: float) -> None:
    assert load(Some, "X", {"wait": raw}, {}).wait == seconds


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"wait": "15 s"}, "--some.wait: bad value '15 s': write a duration"),
        ({"wait": "0"}, "more than zero"),
        ({"on": "jain"}, "write true or false"),
        ({"count": "-1"}, "not be negative"),
        ({"count": "x"}, "whole number"),
        ({"password_file": "/nowhere"}, "cannot read /nowhere"),
    ],
)
def test_bad_values_name_their_flag(flags: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        load(Some, "X", flags, {})


def test_secrets_come_from_files_and_never_show(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("s3cret\n")
    for settings in (
        load(Some, "X", {"password_file": str(path)}, {}),
        load(Some, "X", {}, {"X_PASSWORD_FILE": str(path)}),
        load(Some, "X", {}, {}, {"password-file": str(path)}),
        override(Some(), {"password-file": str(path)}, "test"),
    ):
        assert settings.password.reveal() == "s3cret"
        assert "s3cret" not in f"{settings!r} {settings.password} {settings.password!r}"


def test_files_refuse_unknown_keys() -> None:
    known = declared(Some)
    file = file_from_tables(
        {"some": {"name": "x"}, "on": True, "words": ["a", "b"], "modules": {"m": {"count": 4}}}, known, "f"
    )
    assert file.settings == {"some.name": "x", "on": "true", "words": "a,b"}
    assert override(Some(), file.modules["m"], "m").count == 4
    with pytest.raises(SettingsError, match='unknown setting "wrods", did you mean "words"'):
        file_from_tables({"wrods": 1}, known, "f")
    with pytest.raises(SettingsError, match="needs match"):
        file_from_tables({"targets": [{"on": True}]}, known, "f")
    with pytest.raises(SettingsError, match="are tables"):
        file_from_tables({"modules": {"m": 4}}, known, "f")
    assert file_from_tables({"targets": ["a:*", "b:1"]}, known, "f").targets == [("a:*", {}), ("b:1", {})]
    with pytest.raises(SettingsError, match='unknown setting "onn"'):
        override(Some(), {"onn": "1"}, "m")


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("host", Address("host", 7)),
        ("host:9", Address("host", 9)),
        ("[::1]:9", Address("::1", 9)),
        ("::1", Address("::1", 7)),
        ("/run/x.sock", Address(path="/run/x.sock")),
        ("unix:///run/x.sock", Address(path="/run/x.sock")),
        ("unix:/run/x.sock", Address(path="/run/x.sock")),
        ("@name", Address(path="\0name")),
    ],
)
def test_addresses(raw: str, expected: Address) -> None:
    assert parse_address(raw, 7) == expected


@pytest.mark.parametrize("raw", ["", "a b", "host:x", "host:70000", "user@host", ":9", "host/path"])
def test_wrong_addresses(raw: str) -> None:
    with pytest.raises(ValueError, match="not a"):
        parse_address(raw, 7)


def test_flags_are_accepted_as_go_writes_them() -> None:
    given = [
        "-redis.addr=x",
        "--debug=false",
        "-include-config-metrics",
        "--debug=true",
        "-",
        "--namespace",
        "-n",
    ]
    assert go_style(given, REDIS.all_settings()) == [
        "--redis.addr=x",
        "--no-debug",
        "--include-config-metrics",
        "--debug",
        "-",
        "--namespace",
        "-n",
    ]


@pytest.mark.parametrize("name", ["redis", "apache", "nginx"])
def test_every_flag_and_variable_of_upstream_is_known(name: str) -> None:
    kind: Kind[Any] = importlib.import_module(KINDS[name]).KIND
    settings = kind.all_settings()
    flags = {flag for setting in settings for flag in (setting.flag.name, *setting.flag.aliases)}
    variables = {variable for setting in settings for variable in setting.variables(kind.env_prefix)}
    upstream = (ROOT / f"tests/data/exporters/{name}-upstream-flags.txt").read_text().splitlines()
    for line in upstream:
        flag, variable = line.split(" ")
        assert flag in flags
        assert variable in variables | {"-"}


def test_sockets_of_systemd(tmp_path: Path) -> None:
    """A process that inherits a listening socket as descriptor 3, as systemd starts it."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    start = "import os, sys; os.dup2(int(sys.argv[1]), 3)\n"
    start += "os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1')\n"
    start += "os.execv(sys.executable, [sys.executable, '-m', 'exporters.nginx', '--web.systemd-socket'])"
    command = [sys.executable, "-c", start, str(listener.fileno())]
    process = subprocess.Popen(command, pass_fds=[listener.fileno()], cwd=ROOT, stderr=subprocess.DEVNULL)
    listener.close()
    try:
        assert b"nginx_up 0" in get(port, "/metrics").body
    finally:
        process.terminate()
        process.wait(20)
    with pytest.raises(SettingsError, match="gave this process no socket"):
        systemd_listeners({"LISTEN_PID": "1", "LISTEN_FDS": "1"}, 2)


@pytest.mark.parametrize("name", KINDS)
def test_help_shows_every_flag_and_examples(name: str) -> None:
    kind: Kind[Any] = importlib.import_module(KINDS[name]).KIND
    done = CliRunner().invoke(click_command(kind), ["--help"], terminal_width=200)
    assert done.exit_code == 0
    for setting in kind.all_settings():
        assert f"--{setting.flag.name}" in done.output
    assert "Examples:" in done.output


@pytest.mark.parametrize("name", KINDS)
def test_no_two_settings_of_a_kind_share_a_flag_or_a_place(name: str) -> None:
    kind: Kind[Any] = importlib.import_module(KINDS[name]).KIND
    settings = kind.all_settings()
    names = [flag for item in settings for flag in (item.flag.name, *item.flag.aliases)]
    variables = [variable for item in settings for variable in item.variables(kind.env_prefix)]
    for places in (names, variables, [item.field for item in settings]):
        assert sorted(places) == sorted(set(places))


def test_the_time_of_a_target_is_not_that_of_the_scrape() -> None:
    command = click_command(MEMCACHED)
    context = command.make_context("x", ["--memcached.timeout=3s", "--scrape.timeout=7s"])
    flags = {name: value for name, value in context.params.items() if value}
    running = prepare(MEMCACHED, flags, {}, None)
    assert (running.own.timeout, running.serve.scrape_timeout) == (3, 7)


def test_once_prints_and_tells_by_its_exit_code() -> None:
    arguments = ["--redis.addr", f"127.0.0.1:{free_port()}", "--once"]
    done = CliRunner().invoke(click_command(REDIS), arguments)
    assert done.exit_code == 1
    assert "redis_up 0\n" in done.stdout


def test_a_mistake_is_one_line() -> None:
    done = CliRunner().invoke(click_command(REDIS), ["--scrape.timeout", "soon"])
    assert done.exit_code == 1
    assert done.output.startswith("Error: --scrape.timeout: bad value 'soon'")
    assert done.output.count("\n") == 1


def test_the_command_serves_and_stops_at_sigterm(tmp_path: Path) -> None:
    port, metrics_port = free_port(), free_port()
    config = tmp_path / "exporter.toml"
    config.write_text(f'redis.addr = "127.0.0.1:{port}"\nlog.format = "json"\n')
    command = [sys.executable, "-m", "exporters.redis", "--config.file", str(config)]
    command.append(f"-web.listen-address=127.0.0.1:{metrics_port}")
    process = subprocess.Popen(command, stderr=subprocess.PIPE, cwd=ROOT)
    try:

        def answers() -> bool:
            try:
                return get(metrics_port, "/metrics").status == 200
            except OSError:
                return False

        until(answers, "the exporter")
        get(metrics_port, "/metrics")
    finally:
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=20)
    assert process.returncode == 0
    # One line for the start, and one for Redis that is down, whatever the number of scrapes.
    assert "redis: 127.0.0.1" in log.decode()
    assert log.decode().count("\n") == 2


def test_exporters_never_import_loghouse() -> None:
    modules = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in (ROOT / "exporters").rglob("*.py")
        if path.name != "__main__.py"
    ]
    program = f"import sys\nfor name in {modules!r}: __import__(name)\n"
    program += "print([name for name in sys.modules if name.partition('.')[0] == 'loghouse'])"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, cwd=ROOT, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("module", KINDS.values())
def test_a_sidecar_stays_small(module: str) -> None:
    heavy = ("prometheus_client", "ssl", "typer", "requests", "yaml", "bcrypt", "http.server", "asyncio")
    program = f"import sys, {module}; print([name for name in {heavy!r} if name in sys.modules])"
    environ = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
        env=environ,
        check=True,
    )
    assert done.stdout.strip() == "[]"


def test_version_is_the_packages() -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == VERSION


def test_key_patterns() -> None:
    found = parse_patterns("db3=queue:*, plain ,x=y,0=a%2Cb,c+d", "check-keys")
    assert [(p.database, p.key, p.is_pattern) for p in found] == [
        (3, b"queue:*", True),
        (0, b"plain", False),
        (0, b"x=y", False),
        (0, b"a,b", False),
        (0, b"c d", False),
    ]


@given(st.binary(max_size=50))
def test_slots_of_keys_are_within_the_cluster(key: bytes) -> None:
    assert 0 <= key_slot(key) < 16384


def test_slots_follow_the_specification() -> None:
    assert key_slot(b"123456789") == 0x31C3
    assert key_slot(b"{user1000}.following") == key_slot(b"{user1000}.followers")
    assert key_slot(b"foo{}{bar}") != key_slot(b"bar")
