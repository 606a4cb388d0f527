"""Writes dashboards/grafana/*.json: `python -m dashboards.source.build`."""

from __future__ import annotations

from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboards.source import (
    apache,
    logs,
    memcached,
    namespace,
    nginx,
    php_fpm,
    pipeline,
    rabbitmq,
    redis,
    store,
)
from dashboards.source.panels import Board

DIRECTORY = Path(__file__).parent.parent / "grafana"


def boards() -> list[Board]:
    """All of them."""
    return [
        php_fpm.board(),
        rabbitmq.board(),
        redis.board(),
        apache.board(),
        memcached.board(),
        nginx.board(),
        logs.overview(),
        logs.explorer(),
        pipeline.board(),
        store.board(),
        namespace.board(),
    ]


def encoded(board: Board) -> str:
    """The JSON that Grafana imports."""
    return str(JSONEncoder(sort_keys=True, indent=2).encode(board.builder.build())) + "\n"


def main() -> None:
    """Write each board to its file."""
    DIRECTORY.mkdir(exist_ok=True)
    for board in boards():
        (DIRECTORY / f"{board.uid.removeprefix('lq-')}.json").write_text(encoded(board), encoding="utf-8")


if __name__ == "__main__":
    main()
