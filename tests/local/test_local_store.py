"""The engine of files: what is left of it after an interruption."""

import os
import signal
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from loghouse.embedded.engine import Engine
from loghouse.local.store import local_store


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_that_nobody_hears_while_the_engine_starts_ends_it_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    start = Engine.__init__

    def deaf(*arguments: Any) -> None:
        with suppress(KeyboardInterrupt):  # as in a callback of the garbage collector
            os.kill(os.getpid(), number)
        start(*arguments)

    monkeypatch.setattr(Engine, "__init__", deaf)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt), local_store():
        pytest.fail("the interruption is lost")
    assert os.listdir(tmp_path) == []
    assert signal.getsignal(number) is before
