"""The documentation of the exporters says what the code does."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry, generate_latest

from exporters.apache.cli import KIND as APACHE
from exporters.command import Kind, click_command, go_style, prepare
from exporters.errors import REASONS
from exporters.memcached.cli import KIND as MEMCACHED
from exporters.nginx.cli import KIND as NGINX
from exporters.php_fpm.cli import KIND as PHP_FPM
from exporters.rabbitmq.cli import KIND as RABBITMQ
from exporters.redis.cli import KIND as REDIS
from exporters.reference import updated
from exporters.settings import file_from_tables
from exporters.several import prepare_all

DOCS = Path(__file__).parents[2] / "docs" / "exporters"


PAGES = pytest.mark.parametrize(
    ("kind", "page"),
    [
        (REDIS, "redis.md"),
        (MEMCACHED, "memcached.md"),
        (RABBITMQ, "rabbitmq.md"),
        (PHP_FPM, "php-fpm.md"),
        (APACHE, "apache.md"),
        (NGINX, "nginx.md"),
    ],
)


@PAGES
def test_flags_and_metrics_are_up_to_date(kind: Kind[Any], page: str) -> None:
    text = (DOCS / page).read_text("utf-8")
    assert text == updated(text, kind), f"run: python -m exporters.reference MODULE docs/exporters/{page}"


@PAGES
def test_sidecars_start_as_shown(kind: Kind[Any], page: str, tmp_path: Path) -> None:
    (pod,) = [yaml.safe_load(text) for text in _samples(page, "yaml") if "containers:" in text]
    (container,) = [item for item in pod["containers"] if item["name"] == kind.name]
    program, *arguments = container["command"] + container.get("args", [])
    assert program == kind.name
    environ = {item["name"]: _in(tmp_path, item["value"]) for item in container.get("env", ())}
    context = click_command(kind).make_context(program, go_style(arguments, kind.all_settings()))
    flags = {name: value for name, value in context.params.items() if value not in (None, (), False)}
    texts = {
        name: ",".join(value) if isinstance(value, tuple) else str(value) for name, value in flags.items()
    }
    assert prepare(kind, texts, environ, None).exporter.namespace


@PAGES
def test_configuration_files_are_accepted_as_shown(kind: Kind[Any], page: str, tmp_path: Path) -> None:
    for text in _samples(page, "toml"):
        tables = tomllib.loads(_in(tmp_path, text))
        file = file_from_tables(tables, kind.all_settings(), page)
        assert prepare(kind, {}, {}, file).exporter.namespace


def test_the_common_page_names_every_reason_and_works_as_shown(tmp_path: Path) -> None:
    text = (DOCS / "README.md").read_text("utf-8")
    assert [reason for reason in REASONS if f"`{reason}`" not in text] == []
    modules, several = _samples("README.md", "toml")
    file = file_from_tables(tomllib.loads(_in(tmp_path, modules)), APACHE.all_settings(), "x")
    assert prepare(APACHE, {}, {}, file)
    path = tmp_path / "exporters.toml"
    path.write_text(_in(tmp_path, several))
    assert [running.exporter.namespace for running in prepare_all(str(path))] == ["redis", "phpfpm"]
    (python,) = _samples("README.md", "python")
    registry = CollectorRegistry()
    # Another registry, which is scraped by nobody else.
    exec(python.replace("from prometheus_client import REGISTRY", ""), {"REGISTRY": registry})
    assert "redis_up" in generate_latest(registry).decode()


def _samples(page: str, language: str) -> list[str]:
    text = (DOCS / page).read_text("utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def _in(folder: Path, text: str) -> str:
    """The text with every secret in this folder."""
    for path in re.findall(r"/run/secrets/[\w/-]+", text):
        local = folder / path[1:]
        local.parent.mkdir(parents=True, exist_ok=True)
        local.write_text("s3cret")
        text = text.replace(path, str(local))
    return text
