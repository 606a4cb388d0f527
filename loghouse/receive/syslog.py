"""Syslog, RFC 5424 and RFC 3164, over TCP and UDP. The protocol has no acknowledgement."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime

from loghouse.errors import LoghouseError
from loghouse.receive.inflate import TooLarge
from loghouse.receive.intake import Intake
from loghouse.receive.streams import MAX_RECORD, Sorter, Stream, name

PROTOCOL = "syslog"
MOST_CONNECTIONS = 256
IDLE_SECONDS = 3600.0
LONGEST_DATAGRAM = 65_535

_HEAD_5424 = re.compile(rb"<\d{1,3}>1 (\S+) (\S+) (\S+) \S+ \S+ ")
_HEAD_3164 = re.compile(
    rb"<\d{1,3}>(?:([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d)|(\d{4}-\S+)) "
    rb"(?:(\S+) )??([^\s:\[]{1,64})(?:\[[^\]]*\])?:"
)


def add(sorter: Sorter, line: bytes, now: datetime) -> None:
    """A message as it was sent, with the time, host and program of its head; without one the time is now."""
    second = nanosecond = 0
    host = program = b""
    if head := _HEAD_5424.match(line):
        second, nanosecond = _iso(head[1])
        host, program = head[2], head[3]
    elif old := _HEAD_3164.match(line):
        second, nanosecond = _iso(old[2]) if old[2] else _dated(old[1], now)
        host, program = old[3] or b"", old[4]
    container = name(program.decode(errors="replace"))
    container = "syslog" if container in ("", "-") else container
    node = name(host.decode(errors="replace"))
    stream = Stream(container=container, workload=container, node="" if node == "-" else node)
    sorter.add(stream, second, nanosecond, line)


def _iso(stamp: bytes) -> tuple[int, int]:
    try:
        moment = datetime.fromisoformat(stamp.decode())
        return int(moment.timestamp()), moment.microsecond * 1000
    except ValueError:
        return 0, 0


def _dated(stamp: bytes, now: datetime) -> tuple[int, int]:
    """`Nov 21 06:00:00` in this machine's time zone; it has no year, so it is in the year before `now`."""
    try:
        moment = datetime.strptime(f"{now.year} {stamp.decode()}", "%Y %b %d %H:%M:%S").astimezone()
        if (moment - now).days > 1:
            moment = moment.replace(year=now.year - 1)
    except ValueError:
        return 0, 0
    return int(moment.timestamp()), 0


def frames(buffer: bytearray) -> Iterator[bytes]:
    """The messages complete in `buffer`, taken out of it: counted (`12 <34>1 ...`) or ended by a line end."""
    while buffer:
        if buffer[0] in b"123456789":
            digits, space, _ = buffer[:10].partition(b" ")
            if not space and len(buffer) < 10:
                return
            if not space or not digits.isdigit() or int(digits) > MAX_RECORD:
                raise TooLarge("a syslog message longer than 1 MiB, or a broken count")
            stop = len(digits) + 1 + int(digits)
            if len(buffer) < stop:
                return
            frame = bytes(buffer[len(digits) + 1 : stop])
            del buffer[:stop]
        else:
            end = buffer.find(b"\n")
            if end < 0:
                if len(buffer) > MAX_RECORD:
                    raise TooLarge("a syslog message longer than 1 MiB")
                return
            frame = bytes(buffer[:end])
            del buffer[: end + 1]
        if frame := frame.strip(b"\r\n\0"):
            yield frame


class SyslogServer:
    """TCP and UDP on one port; listens once it exists."""

    def __init__(self, host: str, port: int, intake: Intake) -> None:
        self._intake = intake
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family)
        self.port: int = self._listener.getsockname()[1]
        self._datagrams = socket.socket(family, socket.SOCK_DGRAM)
        self._datagrams.bind((host, self.port))
        self._places = threading.BoundedSemaphore(MOST_CONNECTIONS)
        for work in (self._accept, self._receive):
            threading.Thread(target=work, name="syslog", daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        for listener in (self._listener, self._datagrams):
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()

    def _store(self, messages: list[bytes], hold: bool) -> None:
        """Make messages durable. While there is no room, their sender waits with `hold`, or they are lost."""
        if not messages:
            return
        sorter = Sorter()
        now = datetime.now(UTC)
        for line in messages:
            add(sorter, line, now)
        try:
            (self._intake.insist if hold else self._intake.accept)(PROTOCOL, sorter.received())
        except LoghouseError:
            self._intake.count(PROTOCOL, "lost", len(messages))
            raise

    def _receive(self) -> None:
        while True:
            try:
                messages = [self._datagrams.recv(LONGEST_DATAGRAM)]
                with contextlib.suppress(BlockingIOError):
                    while len(messages) < 1000:
                        messages.append(self._datagrams.recv(LONGEST_DATAGRAM, socket.MSG_DONTWAIT))
                self._store([line.strip(b"\r\n\0") for line in messages if line.strip(b"\r\n\0")], hold=False)
            except LoghouseError:
                continue  # counted
            except OSError:
                return

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            if not self._places.acquire(blocking=False):
                self._intake.count(PROTOCOL, "connections_refused")
                connection.close()
                continue
            threading.Thread(target=self._serve, args=(connection,), name="syslog", daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        buffer = bytearray()
        try:
            with connection:
                connection.settimeout(IDLE_SECONDS)
                while data := connection.recv(1 << 16):
                    buffer += data
                    self._store(list(frames(buffer)), hold=True)
                if buffer:
                    self._store([bytes(buffer)], hold=True)  # the sender ended without a line end
        except LoghouseError:
            self._intake.count(PROTOCOL, "connections_broken")
        except OSError:
            self._intake.count(PROTOCOL, "connections_lost")
        finally:
            self._places.release()
