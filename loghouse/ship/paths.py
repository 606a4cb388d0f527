"""What the name of a log file tells: where it comes from, and its place among its rotated siblings."""

import re
from dataclasses import dataclass

from msgspec import Struct

DOCKER_SUFFIX = "-json.log"

# Rotated siblings sort before the file being written: (0, -2, "") is older than (0, -1, "") and (1, 0, "").
Age = tuple[int, int, str]
NEWEST: Age = (1, 0, "")

_POD_DIRECTORY = re.compile(r"([^_/]+)_([^_/]+)_([0-9A-Za-z-]+)")
_POD_LOG = re.compile(r"(\d{1,9})\.log(?:\.(\d[\d.-]*))?(\.gz)?")
_DOCKER_LOG = re.compile(r"([0-9a-f]{12,64})-json\.log(?:\.(?:(\d{1,6})|(\d{8}-\d+)))?(\.gz)?")
_PLAIN_ROTATED = re.compile(r"(.+?)(?:\.(\d{1,4})|[.-](\d{8}(?:[-.T]?\d{1,6})?))(\.gz)?")
_UNREADABLE = (".tmp", ".swp", ".xz", ".bz2", ".zst", ".lz4", ".zip")

# Kubernetes draws the random parts of names from letters and digits that spell no words.
_RANDOM = "[bcdfghjklmnpqrstvwxz2456789]"
_GENERATED_NAMES = (
    re.compile(r"(.+)-\d{8,10}-[a-z0-9]{5}"),  # CronJob
    re.compile(rf"(.+)-{_RANDOM}{{6,10}}-{_RANDOM}{{5}}"),  # Deployment
    re.compile(r"(.+)-\d{1,5}"),  # StatefulSet
    re.compile(rf"(.+)-{_RANDOM}{{5}}"),  # DaemonSet, Job
)


# There may be 100,000 origins and files: structs that the collector of cycles does not know are smaller.
class Origin(Struct, frozen=True, gc=False):
    """Where the lines of a lineage come from: the constants of its rows.

    `lineage` names the sequence of files that one writer fills: a container directory and its restart number,
    a Docker container, or a plain file with its rotated siblings. `wrapper` is what to
    expect around each record.
    """

    lineage: str
    wrapper: str = "plain"
    namespace: str = ""
    pod: str = ""
    container: str = ""
    workload: str = ""
    pod_uid: str = ""
    restart: int = 0
    labels: tuple[tuple[str, str], ...] = ()


class LogFile(Struct, frozen=True, gc=False):
    """One file of a lineage. `inode` shows that another file has taken over the name."""

    path: str
    age: Age
    compressed: bool = False
    inode: int = 0


@dataclass(frozen=True, slots=True)
class Rotation:
    """A file name taken apart: the `base` that all siblings share, and which of them this is."""

    base: str
    age: Age
    compressed: bool


def pod_directory(name: str) -> tuple[str, str, str] | None:
    """Namespace, pod and uid out of a directory name below /var/log/pods."""
    match = _POD_DIRECTORY.fullmatch(name)
    return (match[1], match[2], match[3]) if match else None


def pod_log(name: str) -> Rotation | None:
    """`N.log`, `N.log.<stamp>` or `N.log.<stamp>.gz` of a container directory; None for anything else."""
    match = _POD_LOG.fullmatch(name)
    if match is None or (match[3] and not match[2]):
        return None
    return Rotation(match[1], _age(None, match[2]), bool(match[3]))


def docker_log(name: str) -> Rotation | None:
    """`<id>-json.log`, `.<n>` after it from Docker or `.<stamp>` from the kubelet, maybe `.gz`; or None."""
    match = _DOCKER_LOG.fullmatch(name)
    if match is None or (match[4] and not (match[2] or match[3])):
        return None
    return Rotation(match[1], _age(match[2], match[3]), bool(match[4]))


def plain_log(name: str) -> Rotation | None:
    """Any other log file, as logrotate names them: `x.log`, `x.log.2.gz`, `x.log-20261120`.

    None for what cannot be read as lines: hidden files, editor files, compressions other than gzip.
    """
    if name.startswith(".") or name.endswith(_UNREADABLE):
        return None
    match = _PLAIN_ROTATED.fullmatch(name)
    if match is None:
        return Rotation(name, NEWEST, name.endswith(".gz"))
    return Rotation(match[1], _age(match[2], match[3]), bool(match[4]))


def _age(number: str | None, stamp: str | None) -> Age:
    """Higher numbers are older, later stamps are newer."""
    if number:
        return (0, -int(number), "")
    return (0, 0, stamp) if stamp else NEWEST


def workload_of(pod: str, node: str = "") -> str:
    """The workload a pod belongs to, guessed from its name; the pod itself when the name shows none."""
    if node and pod.endswith(f"-{node}"):
        return pod.removesuffix(f"-{node}")  # a static pod carries the name of its node
    for pattern in _GENERATED_NAMES:
        if match := pattern.fullmatch(pod):
            return match[1]
    return pod
