"""`logq du`: what costs the disk, counted again from what was written."""

import json
import subprocess

from logq.stores import KNOWN, LIMIT, LiveStore, Source, address, command, environment, wait_for


def ask(live: LiveStore, *arguments: str, **variables: str) -> subprocess.CompletedProcess[bytes]:
    """`logq` on the store that tests write to."""
    return subprocess.run(
        command(*arguments),
        env=environment(LOGQ_URL=address(live.url), **variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=LIMIT,
        check=False,
    )


def rows(done: subprocess.CompletedProcess[bytes]) -> list[dict[str, object]]:
    """The rows of an answer in JSON lines."""
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_du_adds_up_to_what_was_written(live: LiveStore, space: str) -> None:
    texts = {
        "php": [b'{"msg":"%s","user":"u%d"}' % (b"m" * 300, number) for number in range(50)],
        "nginx": [b"GET /page/%d" % number for number in range(100)],
    }
    for number, (container, lines) in enumerate(texts.items()):
        Source(live.url, namespace=space, container=container, identity=100 + number).write(*lines, at=KNOWN)
    written = {name: sum(map(len, lines)) for name, lines in texts.items()}
    everything = ("-n", space, "-o", "jsonl")
    by_container = rows(ask(live, "du", "--by", "container", *everything))
    assert {each["container"]: (each["written"], each["records"]) for each in by_container} == {
        name: (written[name], len(texts[name])) for name in texts
    }
    assert [each["container"] for each in by_container] == ["php", "nginx"]  # the largest first
    for by in ("namespace", "pattern", "day", "format"):
        found = rows(ask(live, "du", "--by", by, *everything))
        assert sum(int(str(each["written"])) for each in found) == sum(written.values()), by
    patterns = rows(ask(live, "du", "--by", "pattern", *everything))
    assert ("GET /page/<num>", written["nginx"]) in [(each["pattern"], each["written"]) for each in patterns]
    fields = {each["field"]: each["written"] for each in rows(ask(live, "du", "--by", "field", *everything))}
    assert fields["(not JSON)"] == written["nginx"]
    assert fields["msg"] == 50 * len(b'"msg":"' + b"m" * 300 + b'",')
    assert sum(map(int, map(str, fields.values()))) == sum(written.values())
    only = rows(ask(live, "du", "--by", "container", *everything, "user=u7"))
    assert [(each["container"], each["records"]) for each in only] == [("php", 1)]


def test_du_knows_the_files_of_the_store(live: LiveStore, space: str) -> None:
    Source(live.url, namespace=space).write(*(b"line %d" % number for number in range(1000)), at=KNOWN)

    def by(kind: str) -> dict[str, int]:
        found = rows(ask(live, "du", "--by", kind, "--limit", "0", "-o", "jsonl"))
        return {str(each[kind]): int(str(each["disk"])) for each in found}

    assert {"logs", "counts", "streams"} <= by("table").keys()
    assert "index tokens" in by("column")
    # A merge between the two questions changes the bytes.
    wait_for(lambda: sum(by("column").values()) == by("table")["logs"], "columns as large as their table")
    refused = ask(live, "du", "| top 5 pod")
    assert (refused.returncode, b"Drop its stages" in refused.stderr) == (2, True)
