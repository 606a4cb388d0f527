"""`logq context`, and -A, -B and -C of `search`: what was around a hit, the hits marked."""

import json
import subprocess
from datetime import timedelta

from logq.stores import KNOWN, LIMIT, LiveStore, Source, address, command, environment


def ask(live: LiveStore, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """`logq` on the store that tests write to."""
    return subprocess.run(
        command(*arguments),
        env=environment(LOGQ_URL=address(live.url)),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=LIMIT,
        check=False,
    )


def write(live: LiveStore, space: str) -> None:
    """Two pods of one node: twenty records of each in turn, and a panic in the middle of the first."""
    for pod in (1, 2):
        source = Source(live.url, namespace=space, pod=f"web-{pod}", node=f"node-{space}", identity=500 + pod)
        lines = [b"panic" if pod == 1 and n == 10 else b"pod %d line %d" % (pod, n) for n in range(20)]
        source.write(*lines, at=[KNOWN + timedelta(seconds=2 * n + pod) for n in range(20)])


def test_context_shows_what_was_around_and_marks_the_hit(live: LiveStore, space: str) -> None:
    write(live, space)
    done = ask(live, "context", "panic", "-n", space, "-B", "2", "-A", "1")
    lines = done.stdout.decode().splitlines()
    assert [line.split("     ", 1)[1] for line in lines] == [
        "pod 1 line 8",
        "pod 1 line 9",
        "[hit] panic",
        "pod 1 line 11",
    ]
    same = ask(live, "search", "panic", "-n", space, "-B", "2", "-A", "1")
    assert same.stdout == done.stdout


def test_a_limit_counts_hits_and_leaves_them_their_neighbours(live: LiveStore, space: str) -> None:
    write(live, space)
    asked = ("context", "line", "-n", space, "-p", "web-2", "-B", "2", "-A", "1", "-o", "raw")
    assert ask(live, *asked, "--limit", "1").stdout == b"pod 2 line 17\npod 2 line 18\npod 2 line 19\n"


def test_context_reaches_across_a_node(live: LiveStore, space: str) -> None:
    write(live, space)
    done = ask(live, "context", "panic", "-n", space, "-C", "2", "--across", "node", "-o", "jsonl")
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [each["message"] for each in found] == [
        "pod 1 line 9",
        "pod 2 line 9",
        "panic",
        "pod 2 line 10",
        "pod 1 line 11",
    ]
    assert [each["fields"].get("_hit") for each in found] == [None, None, 1, None, None]
    near = ask(live, "context", "panic", "-n", space, "--across", "node", "--within", "1s", "-o", "raw")
    assert near.stdout == b"pod 2 line 9\npanic\npod 2 line 10\n"


def test_context_needs_something_to_look_for(live: LiveStore) -> None:
    assert ask(live, "context").returncode == 2
    assert ask(live, "context", "x", "-B", "-1").returncode == 2
    table = ask(live, "search", "x | stats count()", "-C", "2")
    assert (table.returncode, b"context is about records" in table.stderr) == (2, True)
