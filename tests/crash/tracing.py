"""A running process dies as it renames a file, or that fails or is slow: by strace."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def tampered(pid: int, fault: str, path: str = "") -> Iterator[None]:
    """Let a fault befall each renaming in the process, or that of one path: `signal=KILL`, `error=EIO`."""
    command = ["strace", "-f", "-o", "/dev/null", "-e", "trace=rename", "-e", f"inject=rename:{fault}"]
    command += ["-P", path] if path else []
    tracer = subprocess.Popen([*command, "-p", str(pid)], stderr=subprocess.PIPE, text=True)
    try:
        assert tracer.stderr is not None
        said = tracer.stderr.readline()
        assert "attached" in said, said
        yield
    finally:
        tracer.terminate()
        tracer.communicate(timeout=20)
