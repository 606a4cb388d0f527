"""The process_* metrics of the exporter, or of another process, as every Prometheus client names them."""

import os
import resource
from collections.abc import Iterator

from exporters.families import Family, counter, gauge

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def process_families(pid: str = "self", prefix: str = "process") -> Iterator[Family]:
    """Memory, CPU time, descriptors and start of a process; nothing where /proc does not show it."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        with open("/proc/stat", "rb") as file:
            boot = next(line for line in file if line.startswith(b"btime "))
        descriptors = len(os.listdir(f"/proc/{pid}/fd"))
    except (OSError, StopIteration):
        return
    # Numbers of proc(5), counted from the state, which is the first after the name.
    cpu = (int(fields[11]) + int(fields[12])) / _TICKS
    started = int(fields[19]) / _TICKS + int(boot.split()[1])
    yield counter(f"{prefix}_cpu_seconds_total", "User and system CPU time.", cpu)
    yield gauge(f"{prefix}_start_time_seconds", "Start of the process since the epoch.", started)
    yield gauge(f"{prefix}_virtual_memory_bytes", "Virtual memory.", int(fields[20]))
    yield gauge(f"{prefix}_resident_memory_bytes", "Resident memory.", int(fields[21]) * _PAGE)
    yield gauge(f"{prefix}_open_fds", "Open file descriptors.", descriptors)
    if pid == "self":
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        yield gauge(f"{prefix}_max_fds", "Limit of open file descriptors.", soft)
