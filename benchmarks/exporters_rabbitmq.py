"""How long a scrape of RabbitMQ takes and how much memory the exporter needs, beside rabbitmq_prometheus.

Starts a RabbitMQ with queues of which some hold messages, scrapes the plugin's page by object and our
exporter in turn, and prints p50, p99, CPU of the exporter and RSS:

    python benchmarks/exporters_rabbitmq.py [--queues 1000] [--scrapes 100]
"""

import argparse
import http.client
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "tests" / "exporters")]

from exporters_redis import cpu_seconds, free_port, resident_mb, running, say, wait_for  # noqa: E402
from rabbit_server import Rabbit, rabbit_server  # noqa: E402

_WARM_UP = 5


class Page:
    """A page that is scraped again and again over one connection, as Prometheus does."""

    def __init__(self, name: str, port: int, path: str, pid: int | None = None) -> None:
        self._name, self._path, self._pid = name, path, pid
        self._client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._seconds: list[float] = []
        self._page = b""
        self._cpu = 0.0

    def scrape(self) -> None:
        if len(self._seconds) == _WARM_UP and self._pid:
            self._cpu = cpu_seconds(self._pid)
        started = time.perf_counter()
        self._client.request("GET", self._path)
        self._page = self._client.getresponse().read()
        self._seconds.append(time.perf_counter() - started)

    def report(self, compared_with: float | None) -> float:
        """Print one line; the p50."""
        times = sorted(self._seconds[_WARM_UP:])
        median = statistics.median(times)
        own = ""
        if self._pid:
            cpu = (cpu_seconds(self._pid) - self._cpu) / len(times)
            own = f"{cpu * 1000:8.1f} {resident_mb(self._pid):7.1f}"
        series = sum(not line.startswith(b"#") for line in self._page.splitlines())
        ratio = f"{median / compared_with:6.2f}" if compared_with else f"{1:6.2f}"
        p99 = times[int(len(times) * 0.99)]
        say(f"{self._name:46} {series:8} {median * 1000:8.1f} {p99 * 1000:8.1f} {ratio} {own}")
        return median


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queues", type=int, default=1000)
    parser.add_argument("--scrapes", type=int, default=100)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, rabbit_server(Path(folder)) as rabbit:
        fill(rabbit, arguments.queues)
        say(
            f"{platform.platform()}, Python {platform.python_version()}, "
            f"RabbitMQ {rabbit.call('GET', 'overview')['rabbitmq_version']}, {arguments.queues} queues"
        )
        say(f"{'page':46} {'series':>8} {'p50 ms':>8} {'p99 ms':>8} {'ratio':>6} {'CPU ms':>8} {'RSS MB':>7}")
        measure(rabbit, arguments.scrapes)


def measure(rabbit: Rabbit, scrapes: int) -> None:
    official, kbudde = free_port(), free_port()
    kbudde_flags = ["--metrics-style=kbudde"]
    with (
        running(command(rabbit, official, ())) as first,
        running(command(rabbit, kbudde, kbudde_flags)) as second,
    ):
        wait_for(official)
        wait_for(kbudde)
        pages = [
            Page("rabbitmq_prometheus /metrics/per-object", rabbit.plugin_port, "/metrics/per-object"),
            Page("ours, style official", official, "/metrics", first.pid),
            Page("ours, style kbudde", kbudde, "/metrics", second.pid),
        ]
        # In turn, so that what else the machine does meets all of them.
        for _ in range(scrapes + _WARM_UP):
            for page in pages:
                page.scrape()
        plugin = pages[0].report(None)
        for page in pages[1:]:
            page.report(plugin)


def command(rabbit: Rabbit, port: int, flags: Sequence[str]) -> list[str]:
    own = [f"--web.listen-address=127.0.0.1:{port}", f"--rabbit.url=http://127.0.0.1:{rabbit.api_port}"]
    plugin = f"--plugin.url=http://127.0.0.1:{rabbit.plugin_port}"
    return [sys.executable, "-m", "exporters.rabbitmq", *own, plugin, *flags]


def fill(rabbit: Rabbit, queues: int) -> None:
    for index in range(queues):
        rabbit.declare("/", f"queue-{index:05}", durable=False)
        for _ in range(index % 3):
            rabbit.publish("/", f"queue-{index:05}", "hello")


if __name__ == "__main__":
    main()
