"""What allocators keep between two uses: each in a process of its own, since nothing can be set back."""

import os
import subprocess
import sys

BLOCKS = """
import resource
{before}
began = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(100):
    bytes(4 << 20).upper()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - began)
"""
PAGES = 2 * (4 << 20) // 4096  # of the block and of its copy

ENGINE = """
from loghouse.embedded.engine import Engine
Engine().close()
import os
print(os.environ["JE_MALLOC_CONF"])
"""


def run(program: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout.strip()


def faults(before: str) -> int:
    return int(run(BLOCKS.format(before=before)))


def test_a_block_is_taken_from_the_system_once() -> None:
    assert faults("from loghouse.memory import reuse_blocks; reuse_blocks()") < 3 * PAGES


def test_the_engine_keeps_its_pages() -> None:
    assert run(ENGINE) == "dirty_decay_ms:30000"


def test_who_has_set_the_engines_allocator_is_obeyed() -> None:
    assert run(ENGINE, JE_MALLOC_CONF="dirty_decay_ms:1000") == "dirty_decay_ms:1000"
