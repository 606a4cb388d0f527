"""A machine of a test's own: a copy-on-write view of this one's root, with its own network and processes.

What runs there finds every path and every port free that a page names, and changes nothing outside.
"""

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

LIMIT = 120  # seconds for a command; a busy machine takes some
STOP_LIMIT = 20
_BOOT = """
set -eu
mount -t overlay overlay -o "lowerdir=/,upperdir=$LAYER/upper,workdir=$LAYER/work" "$LAYER/root"
mount -t proc proc "$LAYER/root/proc"
mount --rbind /dev "$LAYER/root/dev"
mount --rbind /sys "$LAYER/root/sys"
# What outlives a process is on a real file system, not in the overlay.
for place in srv var/lib/loghouse; do
    mkdir -p "$LAYER/kept/$place" "$LAYER/root/$place"
    mount --bind "$LAYER/kept/$place" "$LAYER/root/$place"
done
mount -t tmpfs tmpfs "$LAYER/root/run"
for place in $PREFIXES; do
    mkdir -p "$LAYER/root$place"
    mount --bind "$PREFIX" "$LAYER/root$place"
done
ip link set lo up
exec chroot "$LAYER/root" sleep infinity
"""
PATH = f"{Path(sys.executable).parent}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def can_boot() -> bool:
    """Whether this machine lets us make one."""
    command = ["unshare", "--net", "--mount", "--pid", "--fork", "ip", "link", "set", "lo", "up"]
    try:
        return os.geteuid() == 0 and subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str


@dataclass
class Running:
    """A command in the background, with the file of all it says."""

    process: subprocess.Popen[bytes]
    said: Path

    def interrupt(self) -> Done:
        """Ctrl-C, as at a terminal: the whole pipeline gets it, and again while it goes on.

        Python drops one that comes in the middle of some imports, so a person presses it twice, too.
        """
        deadline = time.monotonic() + STOP_LIMIT
        while True:
            self._signal(signal.SIGINT)
            try:
                code = self.process.wait(5)
                break
            except subprocess.TimeoutExpired:
                if time.monotonic() > deadline:
                    raise
        return Done(code, self.said.read_text(errors="replace"), "")

    def kill(self) -> None:
        """End it at once, with all that it started."""
        self._signal(signal.SIGKILL)
        self.process.wait(STOP_LIMIT)

    def _signal(self, number: signal.Signals) -> None:
        for child in _children(self.process.pid):
            with suppress(ProcessLookupError):
                os.killpg(child, number)


@dataclass
class Machine:
    """One that runs. `init` is its first process: everything ends with it."""

    init: int
    layer: Path
    directory: Path
    environment: dict[str, str] = field(default_factory=dict)
    started: list[Running] = field(default_factory=list)

    def write(self, path: str, text: str) -> None:
        """A file of the machine."""
        done = self.run(f"mkdir -p {shlex.quote(os.path.dirname(path))} && cat >{shlex.quote(path)}", text)
        assert done.code == 0, done.err

    def run(self, command: str, given: str | None = None, limit: float = LIMIT) -> Done:
        """A shell command in the working directory, to its end."""
        done = subprocess.run(
            self._entered(command),
            cwd="/",
            stdin=subprocess.DEVNULL if given is None else None,
            input=given,
            capture_output=True,
            text=True,
            timeout=limit,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def start(self, command: str) -> Running:
        """A shell command that goes on by itself."""
        said = self.layer / f"said-{time.monotonic_ns()}"
        with said.open("wb") as output:
            process = subprocess.Popen(
                self._entered(command, "setsid"),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        running = Running(process, said)
        self.started.append(running)
        return running

    def serve(self, command: str, address: str) -> Running:
        """Start a server and wait until it accepts connections at HOST:PORT, or has made a file."""
        running = self.start(command)
        self.wait_for(address, running)
        return running

    def wait_for(self, address: str, running: Running) -> None:
        """Until somebody listens, or the file is there; fails with what the command said."""
        host, _, port = address.rpartition(":")
        probe = f"test -e {address}" if address.startswith("/") else f"exec 3<>/dev/tcp/{host}/{port}"
        deadline = time.monotonic() + LIMIT
        while self.run(f"bash -c {shlex.quote(probe)}").code:
            assert running.process.poll() is None and time.monotonic() < deadline, running.said.read_text()
            time.sleep(0.1)

    def wait_for_words(self, running: Running) -> None:
        """Until the command says something."""
        deadline = time.monotonic() + LIMIT
        while not running.said.stat().st_size:
            assert running.process.poll() is None and time.monotonic() < deadline, "says nothing"
            time.sleep(0.05)

    def _entered(self, command: str, *before: str) -> list[str]:
        variables = {"PATH": PATH, "HOME": "/root", "LANG": "C.UTF-8", **self.environment}
        return [
            *(
                "nsenter",
                f"--target={self.init}",
                "--net",
                "--mount",
                "--pid",
                "--root",
                f"--wdns={self.directory}",
            ),
            *("env", "-i", *(f"{name}={value}" for name, value in variables.items())),
            *(*before, "sh", "-c", command),
        ]


@contextmanager
def private_machine(
    layer: Path, directory: Path, hosts: Mapping[str, str], installed: Sequence[str]
) -> Iterator[Machine]:
    """Boot one; commands run in `directory`, `hosts` are names and their loopback addresses.

    `installed` are paths at which the programs under test are to be found too.
    """
    for name in ("upper", "work", "root"):
        (layer / name).mkdir(parents=True)
    boot = subprocess.Popen(
        ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", _BOOT],
        env={"PATH": PATH, "LAYER": str(layer), "PREFIX": sys.prefix, "PREFIXES": " ".join(installed)},
    )
    machine = Machine(0, layer, directory)
    try:
        machine.init = _first_process(boot)
        names = "".join(
            f"{address} {name}\n" for name, address in {"localhost": "127.0.0.1", **hosts}.items()
        )
        machine.write("/etc/hosts", names)
        yield machine
    finally:
        boot.kill()
        boot.wait(STOP_LIMIT)
        for running in machine.started:
            running.process.wait(STOP_LIMIT)


def _first_process(boot: subprocess.Popen[bytes]) -> int:
    """The number of the first process, once it has changed its root."""
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        assert boot.poll() is None, "the machine did not start"
        for child in _children(boot.pid):
            if Path(f"/proc/{child}/comm").read_text() == "sleep\n":
                return child
        time.sleep(0.02)
    raise AssertionError("the machine did not start")


def _children(process: int) -> list[int]:
    with suppress(FileNotFoundError):
        return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    return []
