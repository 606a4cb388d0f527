"""The verbs about the store itself: saved, doctor, completion; and patterns."""

import json
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from logq.stores import KNOWN, LIMIT, LiveStore, Logq, Source, address, command, environment, wait_for
from servers import start_embedded, stop

from loghouse.render.sparkline import sparkline, squeezed


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


def test_patterns_have_figures_times_and_a_sample(live: LiveStore, space: str) -> None:
    source = Source(live.url, namespace=space)
    lines = [b"order %d paid" % number for number in range(30)] + [b"disk full"]
    source.write(*lines, at=[KNOWN + timedelta(seconds=second) for second in range(31)])
    found = rows(ask(live, "patterns", "-n", space, "-o", "jsonl"))
    assert [(each["pattern"], each["count"]) for each in found] == [
        ("order <num> paid", 30),
        ("disk full", 1),
    ]
    assert found[0]["first_seen"] == f"{KNOWN:%Y-%m-%dT%H:%M:%S}.000000000Z"
    assert str(found[0]["sample"]).startswith("order ")
    assert sum(found[0]["trend"]) == 30  # type: ignore[arg-type]
    assert len(rows(ask(live, "patterns", "-n", space, "-o", "jsonl", "--limit", "1"))) == 1
    assert ask(live, "patterns", "--limit", "-1").returncode == 2


def test_a_query_is_saved_found_run_and_deleted(live: LiveStore, space: str) -> None:
    Source(live.url, namespace=space).write(b"status=500 a", b"status=500 b", b"status=200 c", at=KNOWN)
    mine, hers = ("--owner", f"me-{space}"), ("--owner", f"her-{space}")
    name = f"errors-{space}"
    assert ask(live, "saved", "save", name, "status>=500", *mine).stderr == f"saved {name}\n".encode()
    assert ask(live, "saved", "save", "secret", "x", "--private", *mine).returncode == 0
    listed = rows(ask(live, "saved", "-o", "jsonl", *hers))
    assert {"name": name, "owner": f"me-{space}", "shared": "yes", "query": "status>=500"} in listed
    assert "secret" not in [each["name"] for each in listed]
    assert "secret" in [each["name"] for each in rows(ask(live, "saved", "-o", "jsonl", *mine))]
    found = ask(live, "saved", "run", name, "-n", space, "-o", "raw", *hers)
    assert found.stdout == b"status=500 a\nstatus=500 b\n"
    assert (
        ask(live, "saved", "run", name, "| stats count()", "-n", space, "-o", "raw", *hers).stdout == b"2\n"
    )
    assert ask(live, "saved", "run", name, "b", "-n", space, "-o", "raw", *hers).stdout == b"status=500 b\n"
    assert ask(live, "saved", "save", name, "status=200", *mine).stderr == f"changed {name}\n".encode()
    assert ask(live, "saved", "run", name, "-n", space, "-o", "raw", *hers).stdout == b"status=200 c\n"
    refused = ask(live, "saved", "delete", name, *hers)
    assert (refused.returncode, b"belongs to" in refused.stderr) == (2, True)
    assert ask(live, "saved", "delete", name, *mine).returncode == 0
    gone = ask(live, "saved", "run", name, *mine)
    assert (gone.returncode, b"no saved query" in gone.stderr) == (2, True)
    for wrong in (
        ("saved", "save", "x"),
        ("saved", "save"),
        ("saved", "show"),
        ("saved", "save", "x", "a >"),
    ):
        assert ask(live, *wrong).returncode == 2


def test_doctor_finds_nothing_wrong_with_a_store_that_works(live: LiveStore, space: str) -> None:
    Source(live.url, namespace=space).write(b"fresh", at=datetime.now(UTC))
    done = ask(live, "doctor")
    shown = done.stdout.decode()
    assert done.returncode == 0, shown
    for subject in ("connection", "version", "tables", "clock", "rights", "records", "disk", "ingest"):
        assert f"  {subject} " in shown
    assert "BAD" not in shown


def test_doctor_names_what_is_wrong(tmp_path_factory: pytest.TempPathFactory) -> None:
    def examined(url: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            command("doctor", "--url", url),
            env=environment(),
            capture_output=True,
            timeout=LIMIT,
            check=False,
        )

    nothing = examined("127.0.0.1:1")
    assert nothing.returncode == 3
    assert b"BAD   connection" in nothing.stdout
    process, url = start_embedded(tmp_path_factory.mktemp("empty") / "data")
    try:
        empty = examined(address(url))
    finally:
        stop(process)
    assert empty.returncode == 3
    assert b"BAD   tables" in empty.stdout
    assert b"loghouse migrate" in empty.stdout


def completed(live: LiveStore, *words: str) -> list[str]:
    """What Tab offers; asked again, since a busy machine gets no answer in time."""
    found: list[str] = []

    def answered() -> bool:
        done = ask(live, "completion", "words", "--", *words)
        assert (done.returncode, done.stderr) == (0, b"")
        found[:] = [line.partition("\t")[0] for line in done.stdout.decode().splitlines()]
        return bool(found)

    wait_for(answered, f"the completion of {words}")
    return found


def test_tab_completes_what_the_store_knows(live: LiveStore, space: str) -> None:
    source = Source(live.url, namespace=space, pod=f"pod-{space}", labels={"app": f"app-{space}"})
    lines = [b'{"colour":"green","msg":"%d"}' % number for number in range(200)]  # one in sixteen is noted
    source.write(*lines, at=datetime.now(UTC))
    assert completed(live, "search", "-n", space[:-2]) == [space]
    assert completed(live, "tail", "-p", f"pod-{space}") == [f"pod-{space}"]
    assert completed(live, "search", "-l", f"app=app-{space}") == [f"app=app-{space}"]
    assert "colour=" in completed(live, "search", "colo")
    assert completed(live, "values", "colou") == ["colour"]
    assert completed(live, "search", "colour=gr") == ["colour=green"]
    assert ask(live, "saved", "save", f"tab-{space}", "x", "--owner", "tab").returncode == 0
    assert f"tab-{space}" in completed(live, "saved", "run", "tab-")


def test_tab_completes_the_command_without_a_store() -> None:
    def offered(*words: str) -> list[str]:
        done = subprocess.run(
            command("completion", "words", "--url", "127.0.0.1:1", "--", *words),
            env=environment(),
            capture_output=True,
            timeout=LIMIT,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, b"")
        return [line.partition("\t")[0] for line in done.stdout.decode().splitlines()]

    assert offered("st") == ["stats"]
    assert offered("tail", "--na") == ["--namespace"]
    assert offered("search", "-o", "cs") == ["csv"]
    assert offered("search", "--output=cs") == ["--output=csv"]
    assert offered("search", "-L", "warn") == ["warning"]
    assert offered("search", "-n", "pr") == []  # nobody answers, and nobody complains


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_a_script(logq: Logq, shell: str) -> None:
    done = logq("completion", shell)
    assert done.returncode == 0
    assert b"logq completion words --" in done.stdout
    assert logq("completion", "tcsh").returncode == 2


def test_bash_completes_with_the_script(live: LiveStore, space: str) -> None:
    Source(live.url, namespace=space).write(b"x", at=datetime.now(UTC))
    script = (
        f'logq() {{ {" ".join(repr(word) for word in command())} "$@"; }}\n'
        'eval "$(logq completion bash)"\n'
        f"COMP_WORDS=(logq search -n {space[:-3]}) COMP_CWORD=3\n"
        '_logq; printf "%s\\n" "${COMPREPLY[@]}"\n'
    )

    def completes() -> bool:
        done = subprocess.run(
            ["bash", "--norc", "-c", script],
            env=environment(LOGQ_URL=address(live.url)),
            capture_output=True,
            timeout=LIMIT,
            check=False,
        )
        return done.stdout.decode().split() == [space]

    wait_for(completes, "an answer in time")


def test_a_sparkline_is_as_long_as_its_values() -> None:
    assert sparkline([0, 1, 4, 8]) == " ▂▅█"
    assert sparkline([]) == ""
    assert sparkline([0, 0]) == "  "
    assert sparkline([1, 1_000_000])[0] == "▁"
    assert squeezed([1, 2, 3, 4], 2) == [3, 7]
    assert sum(squeezed(list(range(100)), 7)) == sum(range(100))
