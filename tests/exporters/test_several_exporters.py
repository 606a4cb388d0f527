"""Several exporters in one process."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from exporter_servers import free_port, get, parse_page

from exporters.settings import SettingsError
from exporters.several import main, prepare_all

FILE = """
[memcached]
web.listen-address = "127.0.0.1:0"
memcached.address = "127.0.0.1:{dead}"

[[redis]]
web.listen-address = "127.0.0.1:0"
redis.addr = "127.0.0.1:{dead}"

[[redis]]
web.listen-address = "127.0.0.1:0"
namespace = "other"
redis.addr = "127.0.0.1:{dead}"
[[redis.targets]]
match = "redis-*:6379"

[apache]
web.listen-address = "127.0.0.1:0"
scrape_uri = "http://127.0.0.1:{dead}/server-status?auto"

[nginx]
web.listen-address = "127.0.0.1:0"
nginx.scrape-uri = "http://127.0.0.1:{dead}/stub_status"

[php_fpm]
web.listen-address = "127.0.0.1:0"
phpfpm.scrape-uri = "tcp://127.0.0.1:{dead}/status"

[rabbitmq]
web.listen-address = "127.0.0.1:0"
rabbit.url = "http://127.0.0.1:{dead}"
"""
NAMES = ("memcached", "redis", "other", "apache", "nginx", "phpfpm", "rabbitmq")


def test_each_table_is_an_exporter_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "exporters.toml"
    path.write_text(FILE.format(dead=free_port()))
    servers = [server for running in prepare_all(str(path)) for server in running.servers()]
    try:
        for server in servers:
            server.start()
        pages = [parse_page(get(server.port, "/metrics").body.decode()) for server in servers]
        for page, name in zip(pages, NAMES, strict=True):
            assert [page.samples[f"{name}_up", labels] for labels in page.series(f"{name}_up")] == [0]
        assert get(servers[1].port, "/scrape?target=redis-1").status == 403
        assert get(servers[2].port, "/scrape?target=redis-1x:1").status == 400
    finally:
        for server in servers:
            server.close()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "names no exporter"),
        ("[mysql]", 'unknown exporter "mysql"; known are'),
        ("redis = 1", "redis is not a table"),
        ('[redis]\nredis.adr = "x"', 'unknown setting "redis.adr", did you mean "redis.addr"'),
        ("[", "cannot read"),
        ("[redis]\nweb.systemd-socket = true", "nothing tells whose"),
        ('[apache]\n[apache.modules.x]\nscrape_uri = "ftp://h/"', r"\[modules.x\]: --scrape_uri is no URL"),
        (
            '[memcached]\n[[memcached.targets]]\nmatch = "a:1"\n"memcached.tls.cert-file" = "x"',
            'match = "a:1": .* need each other',
        ),
    ],
)
def test_mistakes_stop_the_start(content: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "exporters.toml"
    path.write_text(content)
    with pytest.raises(SettingsError, match=message):
        prepare_all(str(path))


def test_once_prints_every_exporter_and_says_whether_one_is_down(tmp_path: Path) -> None:
    path = tmp_path / "exporters.toml"
    path.write_text(FILE.format(dead=free_port()))
    printed = CliRunner().invoke(main, ["--config", str(path), "--once"])
    assert printed.exit_code == 1
    assert all(f"\n{name}_up 0\n" in printed.output or f"\n{name}_up{{" in printed.output for name in NAMES)
