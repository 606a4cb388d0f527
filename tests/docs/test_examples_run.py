"""Every shell example of the documentation is run, as printed, on a machine of its own with real servers.

What cannot run where tests run is in INSTEAD, with what is run in its place and why.
"""

import configparser
import itertools
import re
import shlex
import socket
import textwrap
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from examples import ROOT, SHELL, Block, block_of, blocks_of
from private_machine import PATH, Machine, Running, can_boot, private_machine

pytestmark = pytest.mark.skipif(not can_boot(), reason="needs root, network namespaces and iproute2")

HOSTS = {
    "db.example": "127.0.0.2",
    "alertmanager": "127.0.0.1",
    "php-1.prod": "127.0.0.4",
    "cache-1.prod": "127.0.0.1",
    socket.gethostname(): "127.0.0.1",
}
STORE = "loghouse up --data-dir /srv/logs --backup-dir /srv/backups"
COMPOSE = "127.0.0.5:9000"
CURL_LIMIT = 30  # seconds for a page to answer


@dataclass(frozen=True, slots=True)
class Instead:
    """A command that cannot run here: what is run in its place, and why."""

    command: str
    run: str | Callable[[re.Match[str]], str]
    because: str


# kubectl is played by a script that prints lines of the sample node, see `machine`.
INSTEAD = (
    Instead(r"make (up|test)", r"make -n \1", "installs from a package index, runs these tests"),
    Instead(
        r"docker compose (.*) up -d",
        r"docker-compose \1 config --quiet",
        "no containers here; tests/deploy/test_compose.py looks closer",
    ),
    Instead(
        r"helm install (\w+) (\S+) .*",
        r"helm template \1 \2 --namespace logging --kube-version 1.31 | grep -q 'kind: DaemonSet'",
        "no cluster here; tests/deploy/test_chart.py checks the objects",
    ),
    Instead(
        r"sh (deploy/systemd/install.sh) --embedded.*",
        r"sh -n \1",
        "installs from a package index; tests/deploy/test_systemd.py runs it",
    ),
    Instead(
        r"systemctl enable --now (\S+).*",
        r"test -f deploy/systemd/\1.service",
        "systemd does not run here; tests/deploy/test_systemd.py verifies the units",
    ),
    Instead(
        r"logcli .* query (?:--tail )?('.*')",
        lambda found: (
            "curl -sSfG http://127.0.0.1:8080/loki/api/v1/query_range --data-urlencode "
            + shlex.quote("query=" + shlex.split(found[1])[0])
        ),
        "not in Debian: its request is made without it",
    ),
    Instead(
        re.escape(STORE) + ".*", "loghouse status --at 127.0.0.1:9429 || true", "the store of all these tests"
    ),
    Instead(
        r"(export LOGQ_URL=clickhouse://logq_reader@)127.0.0.1:9000(.*)",
        rf"\g<1>{COMPOSE}\2",
        "the port is taken by the store of all these tests",
    ),
    Instead(
        r"(loghouse \w+) https://s3.example(.*)",
        r"\1 http://127.0.0.1:5000\2",
        "moto's server plays the S3 store, without TLS",
    ),
    Instead(
        r"loghouse ship +#.*",
        "loghouse ship --state-dir /srv/ship",
        "a node has one shipper, which runs already",
    ),
)
# Programs that end only when they are told to: the address at which each answers, the file that it makes, or
# None when it prints at once.
ENDLESS: tuple[tuple[str, str | None], ...] = (
    (r"(?:[\w/.]*/)?logq tail", None),
    (r"kubectl logs -f", None),
    (r"loghouse ship (?!--once)", "/srv/ship/offsets"),
    (r"loghouse web", "127.0.0.1:8080"),
    (r"loghouse receive", "127.0.0.1:9428"),
    (r"loghouse rules run", "127.0.0.1:9430"),
    (r"apache-exporter(?!.*--once)", "127.0.0.1:9117"),
    (r"memcached-exporter(?!.*--once)", "127.0.0.1:9150"),
    (r"nginx-exporter(?!.*--once)", "127.0.0.1:9113"),
    (r"php-fpm-exporter(?!.*--once)", "127.0.0.1:9253"),
    (r"rabbitmq-exporter(?!.*--once)", "127.0.0.1:9419"),
    (r"redis-exporter(?!.*--once)", "127.0.0.1:9121"),
)
# Reading ends with 1 when nothing is found.
MAY_FIND_NOTHING = re.compile(r"(?:[\w/.]*/)?logq |.*\| logq ")


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A node with logs, the store, and what the pages call by name."""
    layer: Path = tmp_path_factory.mktemp("machine")
    with private_machine(layer / "layer", ROOT, HOSTS, (f"{ROOT}/.venv", "/opt/logq")) as machine:
        machine.environment["PATH"] = f"/played:{PATH}"
        machine.write("/var/log/pods/prod_pay-1_0c5a/pay/0.log", fresh_lines())
        done = machine.run(
            "mkdir -p /srv/old-logs /srv/backups /var/log/nginx"
            " && cp -r tests/data/node/var/log/pods /var/log/"
            " && cp -r tests/data/node/var/log/pods /srv/old-logs/"
        )
        assert done.code == 0, done.err
        machine.write(
            "/played/kubectl", "#!/bin/sh\necho 'level=error msg=\"played\"'\n[ $2 != -f ] || sleep 600\n"
        )
        machine.run("chmod +x /played/kubectl")
        machine.serve(STORE + " --web ''", "127.0.0.1:9000")
        done = machine.run("loghouse ship --once --node node-1 /var/log/pods")
        assert done.code == 0, done.err
        yield machine


KUBECTL = """#!/bin/sh
echo 'level=error msg="played by a script"'
[ "$2" != -f ] || sleep 600
"""


def fresh_lines() -> str:
    """Lines of the last quarter of an hour that the recipes and rules look for."""
    now = time.time()
    texts = (
        "level=error msg='payment failed' request_id=4f2a9c path=/checkout status=500",
        "level=info msg=paid path=/checkout status=200",
    )
    stamps = (time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now - second)) for second in range(900, 0, -5))
    return "".join(
        f"{stamp} stdout F {text}\n" for stamp, text in zip(stamps, itertools.cycle(texts), strict=False)
    )


# What each page takes for granted: commands, and servers with the address at which they answer.
Servers = tuple[tuple[str, str], ...]
SERVERS: dict[str, Servers] = {
    "docs/alerts.md": (
        (
            "prometheus-alertmanager --config.file=/srv/alertmanager.yml --storage.path=/srv/alertmanager"
            " --cluster.listen-address= --web.listen-address=127.0.0.1:9093",
            "127.0.0.1:9093",
        ),
        (
            "amtool --alertmanager.url=http://127.0.0.1:9093 alert add PaymentErrors namespace=prod"
            " severity=critical && touch /srv/fires && sleep 600",
            "/srv/fires",
        ),
    ),
    "docs/backup.md": (
        ("python -m moto.server -H 127.0.0.1 -p 5000", "127.0.0.1:5000"),
        ("curl -sSf -X PUT http://127.0.0.1:5000/backups && touch /srv/bucket && sleep 600", "/srv/bucket"),
    ),
    "docs/exporters/apache.md": (("apache2 -X -f /srv/apache.conf", "127.0.0.1:80"),),
    "docs/exporters/memcached.md": (("memcached -u root -l 127.0.0.1 -U 0", "127.0.0.1:11211"),),
    "docs/exporters/nginx.md": (("nginx -c /srv/nginx.conf -g 'daemon off;'", "127.0.0.1:8080"),),
    "docs/exporters/php-fpm.md": (
        ("$(ls /usr/sbin/php-fpm[0-9]*) -n -R -F -y /srv/php-fpm.conf", "/run/php/www.sock"),
    ),
    "docs/exporters/rabbitmq.md": (("rabbitmq-server", "127.0.0.1:15672"),),
    "docs/exporters/redis.md": (("redis-server --save ''", "127.0.0.1:6379"),),
    "docs/install-compose.md": (
        (
            f"loghouse up --data-dir /srv/compose --listen {COMPOSE} --web '' --user logq_reader"
            " --password-file deploy/compose/secrets/reader-password",
            COMPOSE,
        ),
        (
            "loghouse ship --state-dir /srv/compose-ship --url $(cat /srv/compose-url)",
            "/srv/compose-ship/offsets",
        ),
    ),
    "docs/operations.md": (("loghouse ship --node node-1 --listen 127.0.0.1:9429", "127.0.0.1:9429"),),
    "docs/web.md": (
        (
            "loghouse up --data-dir /srv/db --listen 127.0.0.2:9000 --web '' --user reader"
            " --password-file /srv/reader-password",
            "127.0.0.2:9000",
        ),
    ),
}
SLOW = {"docs/exporters/rabbitmq.md": "RabbitMQ takes half a minute to start"}
COMMANDS = {
    "docs/exporters/rabbitmq.md": "rabbitmq-plugins --offline enable rabbitmq_management rabbitmq_prometheus",
    "docs/exporters/php-fpm.md": "mkdir -p /run/php",
    "docs/install-compose.md": "sh deploy/compose/secrets.sh && echo clickhouse://logq_reader:$(cat"
    f" deploy/compose/secrets/reader-password)@{COMPOSE}/loghouse >/srv/compose-url",
    "docs/logq.md": "mkdir -p logs old && gzip -c tests/data/node/var/log/pods/*web-nginx*/*/0.log >logs/a.gz"
    " && cp logs/a.gz old && cp logs/a.gz dump.gz && gzip -dc dump.gz | zstd -q -o app.log.zst -f"
    " && cp logs/a.gz /var/log/nginx",
    "docs/recipes.md": "gzip -c tests/data/node/var/log/pods/*web-nginx*/*/0.log >access.log.gz",
}


def files() -> dict[str, str]:
    """Files that examples name, most of them out of the pages themselves."""
    here = str(ROOT)
    return {
        f"{here}/rules/shop.yml": block_of("alerts.md", "yaml"),
        f"{here}/access.toml": secrets_of(block_of("access.md", "toml")),
        f"{here}/rules.toml": block_of("retention.md", "toml"),
        f"{here}/key": "shared\n",
        f"{here}/token": "token\n",
        "/srv/reader-password": "secret\n",
        "/srv/s3-key": "name\nkey\n",
        "/srv/backups/last": "",
        "/srv/alertmanager.yml": "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n",
        "/srv/nginx.conf": "pid /run/nginx.pid;\nevents {}\nhttp {\naccess_log off;\n"
        + block_of("exporters/nginx.md", "nginx")
        + "\n}\n",
        "/srv/apache.conf": "ServerRoot /srv\nPidFile /run/a.pid\nErrorLog /srv/a.log\nServerName localhost\n"
        + "".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n" for name in APACHE)
        + "Listen 127.0.0.1:80\n"
        + block_of("exporters/apache.md", "apache"),
        "/srv/php-fpm.conf": "[global]\nerror_log = /srv/php.log\n"
        + "".join(
            f"[{name}]\nuser = root\nlisten = {listen}\npm = static\npm.max_children = 2\n"
            "pm.status_path = /status\n"
            for name, listen in (("www", "/run/php/www.sock"), ("tcp", "127.0.0.4:9000"))
        ),
    }


def secrets_of(text: str) -> str:
    """The access file of the page with secrets for its dots."""
    return re.sub(r"\$(2b\$12|argon2id)\$\.\.\.", HASH, text).replace("...", DIGEST)


HASH = "$2b$12$LQv3c1yqBWVHxkd0LHAkCOYz6TtxMQJqhN8/LewdBPj4J/HS.i8iW"
DIGEST = "5a" * 32
APACHE = ("mpm_event", "authz_core", "authz_host", "status")


@pytest.fixture(scope="module")
def page(machine: Machine, request: pytest.FixtureRequest) -> Iterator[Machine]:
    """The machine with what one page takes for granted."""
    name: str = request.param
    with ExitStack() as stack:
        for path, text in files().items():
            machine.write(path, text)
        if name in COMMANDS:
            done = machine.run(COMMANDS[name])
            assert done.code == 0, done.err
        for command, address in SERVERS.get(name, ()):
            program = command.split()[0]
            if not program.startswith("$") and machine.run(f"command -v {program}").code:
                pytest.skip(f"{program} is not installed")
            running = machine.serve(command, address)
            stack.callback(running.kill)
        yield machine


def examples() -> Iterator[object]:
    for block in blocks_of(*SHELL):
        name = str(block.page.relative_to(ROOT))
        marks = [pytest.mark.slow] if name in SLOW else []
        yield pytest.param(name, block, id=block.name, marks=marks)


@pytest.mark.parametrize(("page", "block"), list(examples()), indirect=["page"])
def test_an_example_runs(page: Machine, block: Block) -> None:
    exported = ""
    with ExitStack() as stack:
        for _, line in block.commands():
            command = in_place_of(line)
            before(page, command)
            if command.startswith("export "):
                exported += f"{command}; "
            elif "/loki/" in command:
                with going_on(page, "loghouse web --listen 127.0.0.1:8080", "127.0.0.1:8080"):
                    run(page, command, may_fail=False)
            elif (found := endless(command)) is not None:
                stack.enter_context(going_on(page, exported + command, found[1]))
            else:
                run(page, exported + command, may_fail=MAY_FIND_NOTHING.match(command) is not None)


def in_place_of(line: str) -> str:
    for instead in INSTEAD:
        if found := re.fullmatch(instead.command, line):
            return found.expand(instead.run) if isinstance(instead.run, str) else instead.run(found)
    return line


def before(machine: Machine, command: str) -> None:
    """What the text between examples tells the reader to do first."""
    if re.match(r"loghouse restore \w+ *(#.*)?$", command):
        done = machine.run("echo 'DROP DATABASE loghouse' | clickhouse-client --host 127.0.0.1")
        assert done.code == 0, done.err
    if command.startswith("loghouse restore") and "--as" in command:
        done = machine.run("echo 'DROP DATABASE IF EXISTS loghouse_tuesday' | clickhouse-client")
        assert done.code == 0, done.err
    if command.startswith("base="):
        machine.run("loghouse backup sunday >/srv/backups/last")


def run(machine: Machine, command: str, may_fail: bool) -> None:
    if command.startswith("curl http"):
        command = command.replace("curl ", f"curl -sSf --max-time {CURL_LIMIT} ", 1)
    done = machine.run(command)
    said = f"{command}\nends with {done.code}\n{done.out}{done.err}"
    assert done.code in ((0, 1) if may_fail else (0,)), said
    assert "Traceback" not in done.err, said
    if "--since 365d" in command or "-exporter --" in command or command.startswith("curl"):
        assert done.out.strip(), f"says nothing: {said}"
    if "--once |" in command:
        assert re.search(r"_up(\{.*\})? 1", done.out), said


def endless(command: str) -> tuple[str, str | None] | None:
    return next((each for each in ENDLESS if re.match(each[0], command)), None)


@contextmanager
def going_on(machine: Machine, command: str, answers: str | None) -> Iterator[Running]:
    """A program that runs while the rest of the block does, and ends well on Ctrl-C."""
    running = machine.start(command)
    try:
        if answers is None:
            machine.wait_for_words(running)
        else:
            machine.wait_for(answers, running)
        yield running
    finally:
        done = running.interrupt()
    assert done.code in (0, -2, 130), f"{command}\nends with {done.code}\n{done.out}"
    assert not re.search("^Traceback", done.out, re.MULTILINE), done.out


@pytest.mark.parametrize("page", ["docs/logq.md"], indirect=True)
@pytest.mark.parametrize("block", blocks_of("console"), ids=lambda block: block.name)
def test_what_a_page_shows_is_what_is_said(page: Machine, block: Block) -> None:
    command, *shown = (line for _, line in block.lines)
    done = page.run(command.removeprefix("$ "))
    assert [line.rstrip() for line in done.err.splitlines()][: len(shown)] == shown


@pytest.mark.parametrize("page", ["docs/exporters/redis.md"], indirect=True)
def test_the_rights_of_the_redis_exporter_are_taken_and_suffice(page: Machine) -> None:
    rights = " ".join(map(shlex.quote, block_of("exporters/redis.md", "redis").split()))
    assert page.run(f"redis-cli {rights}").out == "OK\n"
    done = page.run("redis-exporter --once --redis.user=exporter --redis.password=secret | grep '^redis_up '")
    assert done.out == "redis_up 1\n", done.err


def test_every_replacement_is_needed() -> None:
    lines = [line for block in blocks_of(*SHELL) for _, line in block.commands()]
    for instead in INSTEAD:
        assert any(re.fullmatch(instead.command, line) for line in lines), instead.command
    for pattern, _ in ENDLESS:
        assert any(re.match(pattern, in_place_of(line)) for line in lines), pattern


READERS: dict[str, Callable[[str], object]] = {
    "toml": tomllib.loads,
    "yaml": lambda text: list(yaml.safe_load_all(text)),
    "python": lambda text: compile(text, "page", "exec"),
    "ini": lambda text: configparser.ConfigParser(allow_no_value=True).read_string(text),
}


@pytest.mark.parametrize("block", blocks_of(*READERS), ids=lambda block: block.name)
def test_a_file_that_a_page_shows_can_be_read(block: Block) -> None:
    READERS[block.language](textwrap.dedent(block.text))
