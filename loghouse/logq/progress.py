"""A bar on stderr for what takes long; nothing when stderr is no terminal."""

from __future__ import annotations

import shutil
import sys
import time
from dataclasses import dataclass, field

EVERY_SECONDS = 0.1
_BAR = 24  # columns
_EIGHTHS = " ▏▎▍▌▋▊▉"


@dataclass(slots=True)
class Progress:
    """Shows how far something is; `quiet` or a stderr that is no terminal make it show nothing."""

    label: str
    quiet: bool
    began: float = field(default_factory=time.monotonic)
    _told_at: float = field(default=0.0, init=False)
    _shows: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self._shows = not self.quiet and sys.stderr.isatty()

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return time.monotonic() - self.began

    def show(self, done: int, total: int, text: str) -> None:
        """Draw it anew, ten times a second at most; without a total there is no bar."""
        now = time.monotonic()
        if not self._shows or now - self._told_at < EVERY_SECONDS:
            return
        self._told_at = now
        share = f" {_drawn(done / total)} {min(done / total, 1):4.0%}" if total > 0 else ""
        line = f"{self.label}{share}  {text}"[: shutil.get_terminal_size().columns - 1]
        self._write(f"\r\x1b[K{line}")

    def clear(self) -> None:
        """Take it away."""
        if self._shows and self._told_at:
            self._write("\r\x1b[K")

    def _write(self, text: str) -> None:
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except OSError:
            self._shows = False


def _drawn(share: float) -> str:
    eighths = round(min(max(share, 0.0), 1.0) * _BAR * 8)
    full, rest = divmod(eighths, 8)
    bar = "█" * full + (_EIGHTHS[rest] if rest else "")
    return f"{bar:<{_BAR}}"
