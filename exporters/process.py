"""The exporter's own process_* metrics, under the names every Prometheus client uses."""

import os
import resource
from collections.abc import Iterator

from exporters.families import Family, counter, gauge

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def process_families() -> Iterator[Family]:
    """Memory, CPU time, descriptors and start of this process; nothing where there is no /proc."""
    try:
        with open("/proc/self/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        with open("/proc/stat", "rb") as file:
            boot = next(line for line in file if line.startswith(b"btime "))
        descriptors = len(os.listdir("/proc/self/fd"))
    except (OSError, StopIteration):
        return
    # Numbers of proc(5), counted from the state, which is the first after the name.
    cpu = (int(fields[11]) + int(fields[12])) / _TICKS
    started = int(fields[19]) / _TICKS + int(boot.split()[1])
    yield counter("process_cpu_seconds_total", "User and system CPU time of the exporter.", cpu)
    yield gauge("process_start_time_seconds", "Start of the exporter since the epoch.", started)
    yield gauge("process_virtual_memory_bytes", "Virtual memory of the exporter.", int(fields[20]))
    yield gauge("process_resident_memory_bytes", "Resident memory of the exporter.", int(fields[21]) * _PAGE)
    yield gauge("process_open_fds", "Open file descriptors of the exporter.", descriptors)
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield gauge("process_max_fds", "Limit of open file descriptors of the exporter.", soft)
