"""How long a scrape of many PHP-FPM pools takes and how much memory the exporter needs.

Starts one PHP-FPM with unix sockets for all pools, scrapes the exporter over one kept connection as
Prometheus does, with and without series by process, and prints p50, p99, CPU of the exporter and RSS:

    python benchmarks/exporters_php_fpm.py [--pools 20] [--children 5] [--scrapes 200]
"""

import argparse
import http.client
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "tests" / "exporters")]

from exporters_redis import cpu_seconds, free_port, resident_mb, running, say, wait_for  # noqa: E402
from php_fpm_server import PhpFpm, binary, php_fpm  # noqa: E402

_WARM_UP = 5
_POOL = """
listen = $folder/{name}.sock
pm = static
pm.max_children = {children}
pm.status_path = /status
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pools", type=int, default=20)
    parser.add_argument("--children", type=int, default=5)
    parser.add_argument("--scrapes", type=int, default=200)
    arguments = parser.parse_args()
    names = [f"pool{index:03}" for index in range(arguments.pools)]
    pools = {name: _POOL.format(name=name, children=arguments.children) for name in names}
    version = subprocess.run([binary(), "-v"], capture_output=True, text=True, check=True).stdout.split("(")[
        0
    ]
    say(
        f"{platform.platform()}, Python {platform.python_version()}, {version.strip()}, "
        f"{arguments.pools} pools of {arguments.children} processes"
    )
    say(f"{'page':32} {'series':>8} {'p50 ms':>8} {'p99 ms':>8} {'CPU ms':>8} {'RSS MB':>7}")
    with tempfile.TemporaryDirectory() as folder, php_fpm(Path(folder), pools) as fpm:
        measure(fpm, "with series by process", (), arguments.scrapes)
        measure(fpm, "--no-phpfpm.per-process", ("--no-phpfpm.per-process",), arguments.scrapes)


def measure(fpm: PhpFpm, name: str, flags: Sequence[str], scrapes: int) -> None:
    """Print one line of the table."""
    port = free_port()
    own = [
        f"--web.listen-address=127.0.0.1:{port}",
        f"--phpfpm.scrape-uri=unix://{fpm.folder}/*.sock;/status",
    ]
    with running([sys.executable, "-m", "exporters.php_fpm", *own, *flags]) as exporter:
        wait_for(port)
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        seconds, page, cpu = [], b"", 0.0
        for index in range(scrapes + _WARM_UP):
            if index == _WARM_UP:
                cpu = cpu_seconds(exporter.pid)
            started = time.perf_counter()
            client.request("GET", "/metrics")
            page = client.getresponse().read()
            seconds.append(time.perf_counter() - started)
        times = sorted(seconds[_WARM_UP:])
        spent = (cpu_seconds(exporter.pid) - cpu) / len(times)
        series = sum(not line.startswith(b"#") for line in page.splitlines())
        p50, p99 = statistics.median(times), times[int(len(times) * 0.99)]
        say(
            f"{name:32} {series:8} {p50 * 1000:8.1f} {p99 * 1000:8.1f} {spent * 1000:8.1f} "
            f"{resident_mb(exporter.pid):7.1f}"
        )


if __name__ == "__main__":
    main()
