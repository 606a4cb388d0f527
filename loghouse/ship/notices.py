"""Being told of changes in directories: quiet files need no looks then, and answer at once.

A watch ends with the first event, so a busy directory costs nothing. Events only come on top: whatever is not
told, as the system has no more watches or its queue ran over, is found by looking, less often.
"""

from __future__ import annotations

import logging
import os
import threading

from inotify_simple import INotify, flags

log = logging.getLogger("loghouse.ship")

_EVENTS = (
    flags.MODIFY
    | flags.CREATE
    | flags.DELETE
    | flags.MOVED_FROM
    | flags.MOVED_TO
    | flags.DELETE_SELF
    | flags.MOVE_SELF
    | flags.ONESHOT
    | flags.ONLYDIR
)
_SLICE = 0.2  # seconds after which a wait sees that it has been stopped


class Notices:
    """Watches of directories, each until its first event."""

    def __init__(self) -> None:
        self._inotify: INotify | None = None
        self._names: dict[int, str] = {}
        self._told = False
        try:
            self._inotify = INotify(nonblocking=True)
        except OSError as error:
            self._tell(error)

    def close(self) -> None:
        """End all watches."""
        if self._inotify:
            self._inotify.close()

    def watch(self, directory: str) -> bool:
        """Ask to be told of the next change in the directory; whether that is possible."""
        if self._inotify is None:
            return False
        try:
            self._names[self._inotify.add_watch(os.fsencode(directory), _EVENTS)] = directory
        except FileNotFoundError:
            return False
        except OSError as error:
            self._tell(error)
            return False
        return True

    def wait(self, stop: threading.Event, seconds: float) -> dict[str, str] | None:
        """The directories that changed, at the first change or after so many seconds; None for any.

        With each the name of the file that was written to, if that was the change.
        """
        if self._inotify is None:
            stop.wait(seconds)
            return {}
        while not stop.is_set():
            events = self._inotify.read(timeout=round(1000 * min(seconds, _SLICE)))
            if any(event.mask & flags.Q_OVERFLOW for event in events):
                return None
            # The end of a watch is an event too; by then the directory is no longer ours to name.
            changed = {
                name: event.name if event.mask & flags.MODIFY else ""
                for event in events
                if (name := self._names.pop(event.wd, None)) is not None
            }
            seconds -= _SLICE
            if changed or seconds <= 0:
                return changed
        return {}

    def _tell(self, error: OSError) -> None:
        if not self._told:
            self._told = True
            log.warning(
                "not told of changes in directories (%s), they are looked at instead; "
                "sysctl fs.inotify.max_user_watches and max_user_instances say how many there may be",
                error.strerror,
            )
