"""Logs of a small shop, as its containers write them, for panels on logs."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from logq.stores import Source

from loghouse.config import StoreUrl

NGINX = b'10.0.0.%d - - [21/Nov/2026:08:00:00 +0000] "GET %s HTTP/1.1" %d 512 "-" "curl/8"'
OTHERS: Sequence[tuple[str, str, bytes]] = (
    (
        "shop",
        "php-fpm",
        b"[21-Nov-2026 08:00:00] WARNING: [pool www] server reached pm.max_children setting",
    ),
    ("shop", "php-fpm", b'{"level":"error","msg":"order 17 failed: \\"timeout\\" of 10.0.0.9"}'),
    ("shop", "rabbitmq", b"2026-11-21 08:00:00.000 [warning] <0.250.0> memory resource limit alarm set"),
    ("shop", "redis", b"1:M 21 Nov 2026 08:00:00.000 * DB saved on disk"),
    ("stage", "php-fpm", b"level=info msg=started"),
)


def write_shop(url: StoreUrl, ago: timedelta = timedelta(minutes=10)) -> None:
    """Records of several containers, the last minutes long."""
    now = datetime.now(UTC)
    for identity, (namespace, container, record) in enumerate(OTHERS, start=100):
        source = Source(url, namespace, f"{container}-1", container, identity=identity)
        source.write(*[record] * 3, at=[now - ago * part for part in (1.0, 0.5, 0.1)])
    access = [
        NGINX % (number % 5, path, 502 if number % 7 == 0 else 200)
        for number, path in enumerate([b"/cart?id=1", b"/pay", b"/"] * 10)
    ]
    source = Source(url, "shop", "nginx-1", "nginx", identity=99)
    source.write(*access, at=[now - ago * (number / 30) for number in range(30)])
