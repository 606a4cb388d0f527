"""`logq export`: a whole file or none, equal to what search prints; it goes on where it stopped."""

import csv
import io
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet
import pytest
from logq.stores import KNOWN, LIMIT, LiveStore, Logq, Source, address, command, environment, wait_for

from loghouse.logq.exporting import lines_sql
from loghouse.logq.options import Format
from loghouse.query import TimeRange, compile, parse
from loghouse.render.values import LOGGED

HOSTILE = [
    b'{"a":{"b":{"c":{"d":{"e":{"f":1}}}}},"msg":"deeper than the store takes apart"}',
    b'{"a":{"b":1,"empty":{},"list":[{"x":1},2]},"msg":"nested","n":null,"t":true,"f":1.50,"big":12345678901234567}',
    b'{"msg":"quotes \\" and \\u00e9 and \\\\ and \\n","k\\"ey":"v","a.b":1}',
    b'{"dup":1,"dup":2,"msg":"twice"}',
    b'{"msg":"flat","path":"/a/b","status":500,"neg":-0.25,"exp":1e3}',
    b"text with \x00\x01\x1b[31m, \xff\xfe bytes, \"quotes\" and a 'comma', too",
    b'level=warn took=2.5 count=3 name="two words" huge=1e999',
    b'10.0.0.1 - - [01/Aug/2026:10:00:00 +0000] "GET /cart?id=1 HTTP/1.1" 404 12 "-" "curl/8"',
    "żółć 日本 \u202e \u2028 😀 \uffff \U0010ffff".encode(),
    # Each in a record of its own: what is not UTF-8 is looked for in whole lines.
    b"lone \x80",
    b"surrogate \xed\xa0\x80",
    b"pair of them \xed\xa0\x80\xed\xb0\x80",
    b"overlong \xc0\xaf",
    b"overlong \xe0\x80\xaf",
    b"overlong \xf0\x80\x80\xaf",
    b"beyond \xf4\x90\x80\x80",
    b"of five bytes \xf8\x88\x80\x80\x80",
    b"broken off \xe6\x97",
    b'{"msg":"surrogate \xed\xa0\x80","k\xff":"v\xc0"}',
    b"",
    b"=1+1",
    b"{broken json",
    b'{"msg":"over\n two\r lines"}',
    b'[2026-08-01T10:00:00+00:00] app.web.ERROR: Slow {"ms":2.5,"deep":{"a":1}} {"url":"/a\\\\b"}',
    b"[2026-08-01T10:00:00+00:00] app.INFO: nothing more",
    b'[01-Aug-2026 10:00:00] WARNING: [pool www] child 7 said into stderr: "a=1 \xff"',
    *(
        b'10.0.0.1 - - [01/Aug/2026:10:00:00 +0000] "GET /cart?id=1 HTTP/1.1" ' + end
        for end in (
            b'200 12 "https://example.com/a?b=c&d=%20" "Mozilla/5.0 (X11; Linux)"',
            b'200 12 "" ""',
            b'200 12 "-" "" "10.1.1.1" 0.002',
            b'304 - "-" "curl/8"',
            b'200 0012 "-" "curl/8"',
            b'200 99999999999999999999999999 "-" "curl/8"',
            b'200 12 "a \\"quoted\\" word" "curl/8"',
            b'200 12 "-" "a\ttab"',
            b'200 12 "-" "control \x01"',
            b'200 12 "-" "not \xff UTF-8"',
            '200 12 "-" "żółć"'.encode(),
            b'200 12 "/?q=\\x22bio\\x22" "\\\\" "10.1.1.1 \\"',
            b'200 12 "-" "odd \\\\\\" one"',
            b'200 12 "a\\ b" "not \xff UTF-8 \\x22"',
            b'200 12 "-" "curl/8" \\x',
            b'200 12 "-" "curl/8"\nsecond "line"',
            b'200 12 "-" "one" "two" "three',
        )
    ),
    b'::1 "a" b c [01/Aug/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 12 "-" "curl/8"',
    b'::1 - two words [01/Aug/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 12 "-" "curl/8"',
    b'::1 - - [01/Aug/2026:10:00:00 +0000] "\\x16\\x03" 400 12 "-" "-"',
    b'::1 - - [01/Aug/2026:10:00:00 +0000] "GET  HTTP/1.1" 200 12 "-" "-"',
    b'::1 - - [01/Aug/2026:10:00:00 +0000] "GET /a b HTTP/1.1" 200 12 "-" "-"',
    b'::1 - - [01/Aug/2026:10:00:00 +0000] "GET /a HTTP/1.1" 200 12',
    b'127.0.0.1 -  01/Aug/2026:10:00:00 +0000 "GET /api/1" 404 5.528ms 2048K 0.00%',
]


def lines_of(path: Path) -> list[dict[str, object]]:
    """The objects of a file of JSON lines."""
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def ran(arguments: list[str], live: LiveStore | None = None) -> subprocess.CompletedProcess[bytes]:
    """A command that ends well, asking a store if there is one."""
    done = subprocess.run(
        arguments,
        env=environment(LOGQ_URL=address(live.url)) if live else environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=LIMIT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done


def limited(
    source: Source, live: LiveStore, records: int
) -> Callable[..., subprocess.CompletedProcess[bytes]]:
    """`logq` in small slices of time, each of so many records; `at_most` bytes fit into a file."""
    script = (
        "import sys, loghouse.logq.slices as slices\n"
        f"slices.SLICE_RECORDS = {records}\n"
        "from loghouse.logq.cli import main; main()"
    )

    def run(*arguments: str, at_most: int | None = None) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-c", script, *arguments],
            env=environment(LOGQ_URL=address(live.url), LOGQ_NAMESPACE=source.namespace),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=LIMIT,
            check=False,
            preexec_fn=None
            if at_most is None
            else lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (at_most, at_most)),
        )

    return run


def test_an_export_holds_every_record(logq: Logq, known: list[bytes], tmp_path: Path) -> None:
    done = logq("export", str(tmp_path / "all.log"), "-n", "prod")
    assert (done.returncode, done.stdout) == (0, b"")
    assert done.stderr == f"{len(known)} records in {tmp_path / 'all.log'}\n".encode()
    assert (tmp_path / "all.log").read_bytes() == b"".join(record + b"\n" for record in known)
    assert logq("export", str(tmp_path / "500.jsonl"), "status=500", "-q").stderr == b""
    rows = lines_of(tmp_path / "500.jsonl")
    assert [row["message"] for row in rows] == ["connection refused", "Disk full, \u202e 日本"]
    assert sorted(os.listdir(tmp_path)) == ["500.jsonl", "all.log"]


def test_an_export_is_what_search_prints(live: LiveStore, space: str, tmp_path: Path) -> None:
    """The store writes the lines of an export and Python those of a search; both say the same."""
    source = Source(live.url, namespace=space, labels={"app": 'sh"op', "x/y": "ż"})
    source.write(*HOSTILE, at=[KNOWN + timedelta(seconds=second) for second in range(len(HOSTILE))])
    columns = "timestamp,pod,message,raw,source_id,offset"
    cases = (
        ("all.jsonl", "jsonl", ()),
        ("whole.jsonl", "jsonl", ("--fields", "*")),
        ("columns.jsonl", "jsonl", ("--fields", columns)),
        ("fields.jsonl", "jsonl", ("--fields", "timestamp,status,~app")),
        ("zone.jsonl", "jsonl", ("--tz", "Asia/Kolkata")),
        ("all.csv", "csv", ()),
        ("whole.csv", "csv", ("--fields", "*")),
        ("columns.csv", "csv", ("--fields", columns)),
        ("fields.csv", "csv", ("--fields", "timestamp,status,labels,fields")),
        ("stages.jsonl", "jsonl", ("| where took>1 or status>=500 | fields pod, took",)),
    )
    for name, output, options in cases:
        ran(command("export", str(tmp_path / name), "-n", space, *options), live)
        printed = ran(command("search", "-o", output, "-n", space, *options), live).stdout
        if output == "csv":
            assert (tmp_path / name).read_bytes() == printed, name
        else:
            assert lines_of(tmp_path / name) == [json.loads(line) for line in printed.splitlines()], name


def test_a_parquet_file_holds_what_json_lines_hold(live: LiveStore, space: str, tmp_path: Path) -> None:
    source = Source(live.url, namespace=space, labels={"app": 'sh"op', "x/y": "ż\\"})
    source.write(*HOSTILE, at=[KNOWN + timedelta(seconds=second) for second in range(len(HOSTILE))])
    for name in ("all.parquet", "all.jsonl"):
        ran(command("export", str(tmp_path / name), "-n", space, "--fields", "*"), live)
    rows = pyarrow.parquet.read_table(tmp_path / "all.parquet").to_pylist()
    lines = lines_of(tmp_path / "all.jsonl")
    assert len(rows) == len(lines) >= len(HOSTILE)  # some are several lines
    for row, line in zip(rows, lines, strict=True):
        written = {**row, "fields": json.loads(row["fields"]), "labels": json.loads(row["labels"])}
        written |= {"raw": row["raw"].decode("utf-8", "replace"), "source_id": str(row["source_id"])}
        moments = {name: line.pop(name) for name in ("timestamp", "inserted_at")}
        assert {name: written[name] for name in line} == line
        assert row["timestamp"].strftime("%Y-%m-%dT%H:%M:%S") == str(moments["timestamp"])[:19]


def test_a_parquet_file_has_the_columns_that_json_has_or_those_asked_for(
    logq: Logq, known: list[bytes], tmp_path: Path
) -> None:
    def columns(name: str, *options: str) -> list[str]:
        assert logq("export", str(tmp_path / name), "-n", "prod", *options).returncode == 0
        table = pyarrow.parquet.read_table(tmp_path / name)
        assert table.num_rows == len(known)
        return list(table.column_names)

    assert columns("usual.parquet") == list(LOGGED)
    assert columns("few.parquet", "--fields", "offset,pod,labels") == ["offset", "pod", "labels"]
    assert columns("made.parquet", "--fields", "raw,message", "| eval x = 1") == ["raw", "message"]
    refused = logq("export", str(tmp_path / "no.parquet"), "--fields", "pod,status")
    assert refused.returncode == 2
    assert b'a Parquet file has no column "status"' in refused.stderr
    assert sorted(os.listdir(tmp_path)) == ["few.parquet", "made.parquet", "usual.parquet"]


def test_a_parquet_file_has_each_slice_pod_by_pod(live: LiveStore, space: str, tmp_path: Path) -> None:
    pods = [Source(live.url, namespace=space, pod=f"web-{n}", identity=n) for n in (2, 1)]
    for minute in range(6):
        at = KNOWN - timedelta(minutes=6 - minute)
        for pod in pods:
            pod.write(b"late", b"early", at=[at + timedelta(milliseconds=2), at])
    path = tmp_path / "all.parquet"
    script = (
        "import sys, loghouse.logq.slices as slices\n"
        "slices.UNSORTED_RECORDS = 12\n"
        "from loghouse.logq.cli import main\n"
        "try: main()\n"
        "finally: assert 'pyarrow' in sys.modules and 'numpy' not in sys.modules"
    )
    done = ran([sys.executable, "-c", script, "export", str(path), "-n", space, "--since", "1d"], live)
    assert done.stderr == f"24 records in {path}\n".encode()
    rows = [
        (row["pod"], row["timestamp"], row["message"]) for row in pyarrow.parquet.read_table(path).to_pylist()
    ]
    first, second = rows[:12], rows[12:]
    assert max(time for _, time, _ in first) < min(time for _, time, _ in second)
    for part in (first, second):
        assert part == sorted(part)
        assert [(pod, message) for pod, _, message in part] == [
            (pod, message) for pod in ("web-1", "web-2") for _ in range(3) for message in ("early", "late")
        ]


@pytest.mark.parametrize(
    "fields", ["offset,timestamp", "raw", "pod", "labels,message,source_id,stream", "fields,raw"]
)
def test_a_parquet_file_of_some_columns(live: LiveStore, space: str, tmp_path: Path, fields: str) -> None:
    source = Source(live.url, namespace=space, labels={"app": "shop"})
    source.write(*HOSTILE, at=[KNOWN + timedelta(seconds=second) for second in range(len(HOSTILE))])
    names = fields.split(",")
    for name, chosen in (("all.parquet", "*"), ("some.parquet", fields)):
        ran(command("export", str(tmp_path / name), "-n", space, "--fields", chosen), live)
    every, some = (pyarrow.parquet.read_table(tmp_path / name) for name in ("all.parquet", "some.parquet"))
    assert some.num_rows >= len(HOSTILE)
    assert some == every.select(names)


def test_a_parquet_file_has_types(logq: Logq, known: list[bytes], tmp_path: Path) -> None:
    path = tmp_path / "known.parquet"
    assert logq("export", str(path), "-n", "prod", "--fields", "*").returncode == 0
    rows = pyarrow.parquet.read_table(path).to_pylist()
    assert [row["raw"] for row in rows] == known
    assert rows[0]["timestamp"].to_pydatetime() == KNOWN
    assert json.loads(rows[0]["fields"])["order"]["id"] == 7
    assert json.loads(rows[0]["labels"]) == {"app": "shop"}
    assert rows[4]["message"] == "plain text with \x1b[31mcolours\x1b[0m and a \ufffd byte"
    assert [row["level"] for row in rows][1] == "error"
    picked = logq("search", "-o", "parquet")
    assert (picked.returncode, b"logq export" in picked.stderr) == (2, True)


@pytest.mark.parametrize("name", ["all.jsonl", "all.csv", "all.log", "fields.csv"])
def test_an_export_goes_on_where_it_stopped(live: LiveStore, space: str, tmp_path: Path, name: str) -> None:
    source = Source(live.url, namespace=space)
    records = [b"record %d " % number + b"x" * 200 for number in range(60)]
    source.write(*records, at=[KNOWN - timedelta(minutes=60 - number) for number in range(60)])
    options = ("--since", "1d", *(("--fields", "message,status") if name.startswith("fields") else ()))
    run = limited(source, live, records=10)
    whole, path = tmp_path / f"whole-{name}", tmp_path / name
    assert run("export", str(whole), *options).returncode == 0
    cut = run("export", str(path), *options, at_most=max(whole.stat().st_size // 2, 1500))
    assert cut.returncode == 2
    assert b"File too large" in cut.stderr
    assert b"--resume" in cut.stderr
    assert not path.exists()
    anew = run("export", str(path), *options)
    assert (anew.returncode, b"was broken off" in anew.stderr) == (2, True)
    other = run("export", str(path), "record", "--resume", *options)
    assert (other.returncode, b"not the same: query" in other.stderr) == (2, True)
    assert run("export", str(path), "--resume", *options).stderr == f"60 records in {path}\n".encode()
    assert path.read_bytes() == whole.read_bytes()
    assert sorted(os.listdir(tmp_path)) == sorted([name, f"whole-{name}"])
    if name == "all.csv":
        assert len(list(csv.reader(io.StringIO(path.read_text())))) == 61


def test_what_is_safe_on_the_disk_does_not_fill_the_memory(
    live: LiveStore, space: str, tmp_path: Path
) -> None:
    source = Source(live.url, namespace=space)
    records = [b"record %d " % number + b"x" * 200 for number in range(60)]
    source.write(*records, at=[KNOWN - timedelta(minutes=60 - number) for number in range(60)])
    script = (
        "import os, sys, loghouse.logq.export as export, loghouse.logq.slices as slices\n"
        "slices.SLICE_RECORDS, export.CACHED = 10, 3000\n"
        "def told(descriptor, start, length, advice):\n"
        "    assert advice == os.POSIX_FADV_DONTNEED\n"
        "    print(start, length, os.fstat(descriptor).st_size, file=sys.stderr)\n"
        "os.posix_fadvise = told\n"
        "from loghouse.logq.cli import main; main()"
    )
    path = tmp_path / "all.log"
    done = ran([sys.executable, "-c", script, "export", str(path), "-n", space, "--since", "1d", "-q"], live)
    assert path.read_bytes().splitlines() == records
    told = [tuple(map(int, line.split())) for line in done.stderr.splitlines()]
    lengths = [length for _, length, _ in told]
    assert len(lengths) > 2 and lengths == sorted(lengths)
    assert all(start == 0 and 0 < length <= size - 3000 for start, length, size in told)


def test_ctrl_c_says_how_to_go_on(live: LiveStore, space: str, tmp_path: Path) -> None:
    source = Source(live.url, namespace=space)
    newest = datetime.now(UTC)  # all of it stays within the hour that is asked for
    for number in range(4):
        source.write(
            *(b"%d " % n + b"x" * 2000 for n in range(2000)), at=newest - timedelta(seconds=30 * number)
        )
    path = tmp_path / "all.log"
    script = (
        "import threading\n"
        "import loghouse.logq.slices as slices\n"
        "from loghouse.search import Found\n"
        "slices.SLICE_RECORDS = 1\n"
        "raw, asked = Found.raw, []\n"
        "def ask(found):\n"  # behind its first slice it is at work until it is interrupted
        "    asked.append(found)\n"
        f"    threading.Event().wait({LIMIT} if len(asked) == 4 else 0)\n"
        "    return raw(found)\n"
        "Found.raw = ask\n"
        "from loghouse.logq.cli import main; main()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, "export", str(path), "-n", space],
        env=environment(LOGQ_URL=address(live.url)),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    wait_for((tmp_path / "all.log.state").exists, "the first slice")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=LIMIT)
    assert process.returncode == 130
    assert b"--resume" in err
    done = limited(source, live, records=1)("export", str(path), "--resume")
    assert done.stderr == f"8000 records in {path}\n".encode()
    assert path.read_bytes().count(b"\n") == 8_000


def test_the_store_is_asked_for_the_next_slices_while_one_is_written(
    live: LiveStore, space: str, tmp_path: Path
) -> None:
    source = Source(live.url, namespace=space)
    source.write(*(b"record %d" % n for n in range(8)), at=[KNOWN + timedelta(minutes=n) for n in range(8)])
    events = tmp_path / "events"
    script = (
        "import loghouse.logq.slices as slices\n"
        "from loghouse.search import Found\n"
        "slices.SLICE_RECORDS = 1\n"
        "def told(event, function):\n"
        "    def wrapped(*arguments):\n"
        f"        print(event, end=' ', file=open({str(events)!r}, 'a'))\n"
        "        return function(*arguments)\n"
        "    return wrapped\n"
        "Found.raw = told('asked', Found.raw)\n"
        "slices.Begun.write = told('written', slices.Begun.write)\n"
        "from loghouse.logq.cli import main; main()"
    )
    path = tmp_path / "all.log"
    ran([sys.executable, "-c", script, "export", str(path), "-n", space], live)
    assert path.read_bytes() == b"".join(b"record %d\n" % n for n in range(8))
    told = events.read_text().split()
    assert sorted(told) == ["asked"] * 8 + ["written"] * 8
    ahead = [
        told[:place].count("asked") - told[:place].count("written")
        for place, event in enumerate(told)
        if event == "written"
    ]
    # The next two and, while what was written is made safe, the one after that.
    assert all(3 <= number <= 4 for number in ahead[:-2])


def test_slices_share_the_threads_of_the_store(live: LiveStore, space: str, tmp_path: Path) -> None:
    """The first one is alone for a while: of few records among many there may be only one."""
    source = Source(live.url, namespace=space)
    source.write(*(b"record %d" % n for n in range(6)), at=[KNOWN + timedelta(minutes=n) for n in range(6)])
    script = (
        "import loghouse.logq.slices as slices\n"
        "from loghouse.search import Found\n"
        "slices.SLICE_RECORDS = 1\n"
        "raw = Found.raw\n"
        "def asked(found):\n"
        "    print(found.store.threads())\n"
        "    return raw(found)\n"
        "Found.raw = asked\n"
        "from loghouse.logq.cli import main; main()"
    )
    done = ran([sys.executable, "-c", script, "export", str(tmp_path / "all.log"), "-n", space], live)
    first, *others = map(int, done.stdout.split())
    assert others == [max(1, first // 3)] * 5


@pytest.mark.parametrize(
    ("soon", "expected"),
    [(3600, "asked page asked page page page"), (0, "asked page page asked page page")],
    ids=["at once", "of a client that takes long"],
)
def test_an_answer_does_not_wait_for_long(
    live: LiveStore, space: str, tmp_path: Path, soon: int, expected: str
) -> None:
    source = Source(live.url, namespace=space)
    source.write(*(b"record %d" % n for n in range(4)), at=[KNOWN + timedelta(minutes=n) for n in range(4)])
    script = (
        "import loghouse.search as search, loghouse.logq.slices as slices, loghouse.logq.export as export\n"
        f"search.PAGE_ROWS, slices.SLICE_RECORDS, export.SOON = 1, 2, {soon}\n"
        "raw = search.Found.raw\n"
        "def pages(answer):\n"
        "    for page in answer:\n"
        "        print('page', end=' ')\n"
        "        yield page\n"
        "def asked(found):\n"
        "    print('asked', end=' ')\n"
        "    return pages(raw(found))\n"
        "search.Found.raw = asked\n"
        "from loghouse.logq.cli import main; main()"
    )
    path = tmp_path / "all.log"
    done = ran([sys.executable, "-c", script, "export", str(path), "-n", space], live)
    assert done.stdout.decode().strip() == expected
    assert path.read_bytes().count(b"\n") == 4


def test_an_export_writes_over_nothing(logq: Logq, known: list[bytes], tmp_path: Path) -> None:
    (tmp_path / "kept.csv").write_text("mine")
    refused = logq("export", str(tmp_path / "kept.csv"))
    assert refused.returncode == 2
    assert b"is there already" in refused.stderr
    assert (tmp_path / "kept.csv").read_text() == "mine"


def test_what_cannot_be_exported_is_refused(logq: Logq, known: list[bytes], tmp_path: Path) -> None:
    assert b"does not tell a format" in logq("export", str(tmp_path / "x.pdf")).stderr
    assert b"only records can be exported" in logq("export", str(tmp_path / "x.csv"), "| top 5 pod").stderr
    assert b"cannot write" in logq("export", str(tmp_path / "no" / "x.csv")).stderr
    assert logq("export", str(tmp_path / "none.csv"), "nosuchword").returncode == 1


def test_a_refused_export_leaves_no_file(logq: Logq, known: list[bytes], tmp_path: Path) -> None:
    done = logq("export", str(tmp_path / "x.jsonl"), "--max-rows", "1")
    assert done.returncode == 3
    assert b"--max-rows" in done.stderr
    assert not list(tmp_path.iterdir())


def test_files_can_be_exported(tmp_path: Path) -> None:
    (tmp_path / "app.log").write_text("2026-08-01T10:00:00Z level=error status=500\n")
    path = tmp_path / "out.jsonl"
    ran(command("export", str(path), "--file", str(tmp_path / "app.log"), "status=500"))
    assert [each["timestamp"] for each in lines_of(path)] == ["2026-08-01T10:00:00.000000000Z"]


@pytest.mark.parametrize(
    ("query", "fields", "by_store"),
    [("", (), True), ("error | where status>=500", ("pod", "raw"), True), ("", ("status",), False)],
)
def test_lines_of_whole_records_are_written_by_the_store(
    query: str, fields: tuple[str, ...], by_store: bool
) -> None:
    """Through Python it takes ten times as long."""
    compiled = compile(parse(query), TimeRange(0, 1), now_ns=1)
    assert (lines_sql(Format.JSONL, fields, compiled) is not None) is by_store
