"""The documentation of the exporters says what the code does."""

from pathlib import Path
from typing import Any

import pytest

from exporters.apache.cli import KIND as APACHE
from exporters.command import Kind
from exporters.memcached.cli import KIND as MEMCACHED
from exporters.nginx.cli import KIND as NGINX
from exporters.php_fpm.cli import KIND as PHP_FPM
from exporters.rabbitmq.cli import KIND as RABBITMQ
from exporters.redis.cli import KIND as REDIS
from exporters.reference import updated

DOCS = Path(__file__).parents[2] / "docs" / "exporters"


@pytest.mark.parametrize(
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
def test_flags_and_metrics_are_up_to_date(kind: Kind[Any], page: str) -> None:
    text = (DOCS / page).read_text("utf-8")
    assert text == updated(text, kind), f"run: python -m exporters.reference MODULE docs/exporters/{page}"
