"""The systemd journal of a machine, sent to a receiver, each entry once.

journalctl reads it from a cursor. A batch is noted first (the cursor before it and how many entries it has),
then sent as a chunk whose id is made of both, then the cursor moves. After a crash the same batch goes again
under the same id, and the receiver, which keeps ids on its disk, passes over what it has.
"""

from __future__ import annotations

import hashlib
import json
import os
import select
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgpack

from loghouse import console
from loghouse.client.journal_report import Progress
from loghouse.client.sender import TIMEOUT, acknowledged, shake_hands
from loghouse.errors import LoghouseError, UsageError

BATCH = 2000  # entries
BATCH_BYTES = 4 << 20  # of journalctl's JSON
# Others can be large: a core dump is a field of its entry.
FIELDS = "MESSAGE,PRIORITY,SYSLOG_IDENTIFIER,_COMM,_SYSTEMD_UNIT,_HOSTNAME,_SOURCE_REALTIME_TIMESTAMP"
MACHINE_ID = Path("/etc/machine-id")
IDLE = 30.0  # seconds between two signs of life while no entry comes
QUIET = 0.2  # seconds without an entry that end a batch
AGAIN_QUIET = 5.0  # the same for a batch that is sent again and has to be whole
LONGEST_WAIT = 15.0  # seconds between two attempts
PRIORITIES = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
_STDERR = 3  # entries of this priority and worse


@dataclass(frozen=True, slots=True)
class Place:
    """How far the journal is sent, and how many entries after it may have been sent too."""

    cursor: str = ""
    pending: int = 0


@dataclass(frozen=True, slots=True)
class Target:
    """The receiver, and the namespace that entries get."""

    host: str
    port: int
    shared_key: bytes = b""
    namespace: str = "journal"


def read_place(path: Path) -> Place:
    """The kept place; raises `UsageError` for a file that is none."""
    try:
        return Place(**json.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        return Place()
    except (OSError, ValueError, TypeError) as error:
        raise UsageError(
            f'cannot read the place in the journal "{path}" ({error})',
            "Remove the file to send the whole journal again",
        ) from None


def write_place(path: Path, place: Place) -> None:
    """Keep a place; it is on the disk when this returns."""
    text = json.dumps({"cursor": place.cursor, "pending": place.pending})
    fresh = path.with_suffix(".tmp")
    with open(fresh, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.rename(fresh, path)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def send_journal(
    target: Target, state: Path, options: list[str], follow: bool, progress: Progress | None = None
) -> int:
    """Send what the journal holds, with `follow` for ever; how many entries it were.

    `options` are journalctl's, such as `--directory`. Waits while the receiver is away.
    """
    place, progress = read_place(state), progress or Progress()
    progress.turn()
    for entries in _batches(place, options, follow, progress):
        # What may be there already goes again under its name; what came since is a batch of its own.
        place = replace(place, pending=len(entries))
        write_place(state, place)
        _send(target, place, entries, progress)
        place = Place(str(entries[-1]["__CURSOR"]))
        write_place(state, place)
    return progress.entries


def _batches(
    place: Place, options: list[str], follow: bool, progress: Progress
) -> Iterator[list[dict[str, Any]]]:
    command = ["journalctl", "--output=json", "--all", "--no-pager", "--quiet", f"--output-fields={FIELDS}"]
    command += options
    # Since systemd 250 to follow means to see this boot only, unless it is told both of these after it.
    command += ["--follow", "--no-tail", "--merge", "--boot=all", *_this_machine(options)] if follow else []
    # Not --after-cursor, which passes over an entry too many when that of the cursor is gone.
    command += [f"--cursor={place.cursor}"] if place.cursor else []
    try:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    except FileNotFoundError:
        raise UsageError("there is no journalctl here", "It comes with systemd") from None
    assert process.stdout is not None
    try:
        yield from _gathered(process.stdout.fileno(), place, progress)
        if process.wait(TIMEOUT) and follow:
            raise LoghouseError("journalctl ended", "See what it says when you run it yourself")
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def _this_machine(options: list[str]) -> list[str]:
    """What keeps out journals that others have sent here; those of a directory are all wanted."""
    try:
        return [] if options else [f"_MACHINE_ID={MACHINE_ID.read_text('ascii').strip()}"]
    except OSError:
        return []


def _gathered(descriptor: int, place: Place, progress: Progress) -> Iterator[list[dict[str, Any]]]:
    """Batches: the first has the pending entries if there are as many, others what comes together."""
    wanted, quiet = place.pending, AGAIN_QUIET if place.pending else QUIET
    held, size = b"", 0
    entries: list[dict[str, Any]] = []
    while True:
        readable = bool(select.select([descriptor], [], [], quiet if entries else IDLE)[0])
        progress.turn()
        data = os.read(descriptor, 1 << 16) if readable else b""
        *lines, held = (held + data).split(b"\n")
        for line in lines:
            entry = json.loads(line)
            if entry["__CURSOR"] == place.cursor:
                continue  # sent before
            entries.append(entry)
            size += len(line)
            if len(entries) == wanted or (not wanted and (len(entries) == BATCH or size > BATCH_BYTES)):
                yield entries
                entries, size, wanted, quiet = [], 0, 0, QUIET
        if entries and not data:
            yield entries
            entries, size, wanted, quiet = [], 0, 0, QUIET
        if readable and not data:
            return


def _send(target: Target, place: Place, entries: list[dict[str, Any]], progress: Progress) -> None:
    name = hashlib.sha256(f"{place.cursor}\n{place.pending}\n{entries[0]['__CURSOR']}".encode()).hexdigest()
    packed = b"".join(_packed(entry, target.namespace) for entry in entries)
    message = msgpack.packb(["journal", packed, {"chunk": name, "size": len(entries)}])
    progress.waiting = len(entries)
    wait = QUIET
    while error := _refusal(target, message, name):
        progress.failed(error)
        if wait == QUIET:
            receiver = f"{target.host}:{target.port}"
            console.say(f"no acknowledgement of {receiver} ({error}), trying again until there is one")
        time.sleep(wait)
        wait = min(2 * wait, LONGEST_WAIT)
    progress.acknowledged(len(entries), len(packed), int(entries[-1]["__REALTIME_TIMESTAMP"]) / 1e6)


def _refusal(target: Target, message: bytes, name: str) -> str:
    """Why the receiver did not acknowledge a chunk; '' if it did."""
    try:
        answer = _acknowledged(target, message)
    except (OSError, EOFError, ValueError, msgpack.UnpackException) as error:
        return str(error) or type(error).__name__
    return "" if answer == name.encode() else "it answers for another chunk"


def _acknowledged(target: Target, message: bytes) -> object:
    """The id that the receiver answers with."""
    with socket.create_connection((target.host, target.port), TIMEOUT) as connection:
        if target.shared_key:
            shake_hands(connection, target.shared_key)
        connection.sendall(message)
        return acknowledged(connection)


def _packed(entry: dict[str, Any], namespace: str) -> bytes:
    micros = int(_text(entry.get("_SOURCE_REALTIME_TIMESTAMP") or entry["__REALTIME_TIMESTAMP"]))
    stamp = (micros // 1_000_000).to_bytes(4, "big") + (micros % 1_000_000 * 1000).to_bytes(4, "big")
    priority = int(_text(entry.get("PRIORITY")) or 6)
    program = _text(entry.get("SYSLOG_IDENTIFIER")) or _text(entry.get("_COMM")) or "unknown"
    record = {
        "log": _text(entry.get("MESSAGE")),
        "stream": "stderr" if priority <= _STDERR else "stdout",
        "kubernetes": {
            "namespace_name": namespace,
            "pod_name": _text(entry.get("_SYSTEMD_UNIT")) or program,
            "container_name": program,
            "host": _text(entry.get("_HOSTNAME")),
            "labels": {"priority": PRIORITIES[priority] if priority < len(PRIORITIES) else str(priority)},
        },
    }
    return bytes(msgpack.packb([msgpack.ExtType(0, stamp), record]))


def _text(value: Any) -> str:
    """A field: text, bytes as a list of numbers, or several values of which the first counts."""
    if isinstance(value, list):
        if value and isinstance(value[0], int):
            return bytes(value).decode("utf-8", "replace")
        return _text(value[0]) if value else ""
    return str(value) if value is not None else ""
