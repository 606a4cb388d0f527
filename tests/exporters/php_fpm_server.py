"""A real PHP-FPM for tests and benchmarks: pools of one master, and requests that keep its workers busy."""

import contextlib
import getpass
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from exporter_servers import process, until

from exporters.connection import Address, parse_address
from exporters.deadline import Deadline
from exporters.errors import ScrapeError
from exporters.php_fpm import fastcgi

# Keeps its worker busy until the file "release" appears beside it.
_HOLD = "<?php while (!file_exists(__DIR__.'/release')) { usleep(5000); clearstatcache(); } echo 'released';"


@dataclass(frozen=True)
class PhpFpm:
    """A running master; its sockets and scripts are in `folder`."""

    folder: Path
    config: Path

    @property
    def hold(self) -> str:
        return str(self.folder / "hold.php")

    def socket(self, name: str) -> Address:
        return Address(path=str(self.folder / f"{name}.sock"))

    def uri(self, name: str) -> str:
        """The status page of a pool that listens on the socket of this name."""
        return f"unix://{self.folder}/{name}.sock;/status"


def binary() -> str:
    """The newest PHP-FPM that is installed; a name that is not found when there is none."""
    found = sorted(Path("/usr/sbin").glob("php-fpm[0-9]*"), key=lambda path: float(path.name[7:]))
    return str(found[-1]) if found else "php-fpm"


@contextlib.contextmanager
def php_fpm(folder: Path, pools: Mapping[str, str]) -> Iterator[PhpFpm]:
    """A master with these pools, by name and settings; `$folder` in them is the folder of its sockets."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "hold.php").write_text(_HOLD)
    (folder / "hello.php").write_text("<?php echo 'hello';")
    config = folder / "php-fpm.conf"
    lines = ["[global]", f"error_log = {folder}/error.log", "daemonize = no"]
    for name, settings in pools.items():
        lines += [f"[{name}]", f"user = {getpass.getuser()}", settings.replace("$folder", str(folder))]
    config.write_text("\n".join(lines) + "\n")
    # Without php.ini and its folders; the opcode cache is loaded as packages do it.
    command = [binary(), "-R", "-F", "-n", "-y", str(config)]
    # New files would be cached two seconds later only.
    command += ["-d", "zend_extension=opcache", "-d", "opcache.file_update_protection=0"]
    with process(command, folder):
        log = folder / "error.log"
        until(lambda: log.exists() and "ready to handle connections" in log.read_text(), "PHP-FPM")
        yield PhpFpm(folder, config)


def send(address: Address, script: str, **parameters: str) -> socket.socket:
    """Begin a request and leave its answer unread; closing the socket gives it up."""
    sock = socket.socket(socket.AF_UNIX if address.path else socket.AF_INET)
    sock.settimeout(20)
    sock.connect(address.path or (address.host, address.port))
    named = {"SCRIPT_NAME": script, "SCRIPT_FILENAME": script, "REQUEST_METHOD": "GET", "QUERY_STRING": ""}
    sock.sendall(fastcgi.request(named | parameters))
    return sock


def finish(sock: socket.socket) -> bytes:
    """The whole answer to what `send` sent."""
    with sock:
        pieces = []
        while piece := sock.recv(65536):
            pieces.append(piece)
        return b"".join(pieces)


def busy_workers(address: Address | str) -> int:
    """Active processes as the status page at this address says; -1 when it does not answer."""
    where = parse_address(address, 9000) if isinstance(address, str) else address
    try:
        page = fastcgi.get(where, "/status", "", Deadline.after(2), 100_000).body.decode()
    except ScrapeError:
        return -1
    return int(page.partition("active processes:")[2].split()[0])
