"""Numbers that text formats hold compare as numbers, also those that are names, such as a pid."""

import subprocess

import pytest
from logq.stores import KNOWN, LIMIT, LiveStore, Source, address, command, environment

RECORDS = [
    b"329:M 21 Nov 2026 00:22:17.738 * Ready to accept connections",
    b"7:C 21 Nov 2026 00:22:17.738 # Background saving started",
    b"[Sat Nov 21 00:22:17.738972 2026] [authz_core:error] [pid 42:tid 43] [client 192.0.2.1:4000] no",
    b"[21-Nov-2026 00:22:17] WARNING: [pool www] child 1234, script slow",
    b"I1121 00:22:17.738972       1 main.go:57] started",
    b"2026-11-21 00:22:17.738972+00:00 [info] <0.2795.0> accepting",
    b'{"pid":8,"msg":"json"}',
    b"pid=9 logfmt",
]
CASES = [
    ("pid>8", {0, 2, 7}),
    ("pid>=7 pid<43", {1, 2, 6, 7}),
    ("pid=42", {2}),
    ("pid:range[7,9]", {1, 6, 7}),
    ("pid in (7, 9)", {1, 7}),
    ("tid>5", {2}),
    ("child>1000", {3}),
    ("line<100", {4}),
    ("pid!=42 has(pid)", {0, 1, 5, 6, 7}),
]


@pytest.fixture(scope="module")
def written(live: LiveStore) -> Source:
    source = Source(live.url, namespace="numbers-in-text")
    source.write(*RECORDS, at=KNOWN)
    return source


@pytest.mark.parametrize(("query", "places"), CASES)
def test_a_comparison_finds_them(live: LiveStore, written: Source, query: str, places: set[int]) -> None:
    done = subprocess.run(
        command("search", "-o", "raw", "-n", written.namespace, query),
        env=environment(LOGQ_URL=address(live.url)),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=LIMIT,
        check=True,
    )
    assert {RECORDS.index(line) for line in done.stdout.splitlines()} == places


def test_they_can_be_sorted_and_summed(live: LiveStore, written: Source) -> None:
    done = subprocess.run(
        command("search", "-o", "csv", "-n", written.namespace, "| stats sum(pid) s, max(pid) m"),
        env=environment(LOGQ_URL=address(live.url)),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=LIMIT,
        check=True,
    )
    assert done.stdout.splitlines()[1].split(b",") in ([b"395", b"329"], [b"395.0", b"329.0"])
