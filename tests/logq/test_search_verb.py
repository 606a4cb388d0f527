"""`logq search` as a command: what it prints, where, and with which exit code."""

import csv
import io
import json
from datetime import timedelta

import pytest
from logq.stores import KNOWN, Logq

TIME = f"{KNOWN:%Y-%m-%d %H:%M:%S}"


def lines(output: bytes) -> list[str]:
    return output.decode(errors="replace").splitlines()


def test_pretty_prints_the_oldest_first_and_nothing_else(logq: Logq, known: list[bytes]) -> None:
    done = logq("search")
    assert (done.returncode, done.stderr) == (0, b"")
    shown = lines(done.stdout)
    assert len(shown) == len(known)
    assert shown[0] == f"{TIME}.000 web-1/php INFO  order paid order.id=7 status=200 ok=true none=null"
    assert shown[4].endswith(" -     plain text with \\x1b[31mcolours\\x1b[0m and a \\xff byte")
    assert shown[5].endswith(" CRIT  Disk full, \\u202e 日本 status=500")


def test_raw_prints_every_byte_as_it_was_written(logq: Logq, known: list[bytes]) -> None:
    assert logq("search", "-o", "raw").stdout == b"".join(record + b"\n" for record in known)
    assert logq("search", "-o", "raw", "--limit", "0").stdout == b"".join(record + b"\n" for record in known)


def test_jsonl_and_json_hold_the_same_objects(logq: Logq, known: list[bytes]) -> None:
    one_a_line = [json.loads(line) for line in logq("search", "-o", "jsonl").stdout.splitlines()]
    assert one_a_line == json.loads(logq("search", "-o", "json").stdout)
    first, last = one_a_line[0], one_a_line[-1]
    assert first["timestamp"] == f"{KNOWN:%Y-%m-%dT%H:%M:%S}.000000000Z"
    assert first["fields"]["order"]["id"] == 7
    assert first["fields"]["none"] is None
    assert first["labels"] == {"app": "shop"}
    assert one_a_line[2]["fields"]["path"] == "/cart?id=1"
    assert one_a_line[3]["fields"]["took"] == 2.5
    assert (last["level"], last["format"], last["message"]) == ("unknown", "text", 'last line, "quoted"')


def test_csv_reads_back(logq: Logq, known: list[bytes]) -> None:
    done = logq("search", "-o", "csv", "--fields", "pod,status,~app,message", "status=500 or quoted")
    assert list(csv.reader(io.StringIO(done.stdout.decode()))) == [
        ["pod", "status", "~app", "message"],
        ["web-1", "500", "shop", "connection refused"],
        ["web-1", "500", "shop", "Disk full, \u202e 日本"],
        ["web-1", "", "shop", 'last line, "quoted"'],
    ]


def test_a_template_prints_what_it_names(logq: Logq, known: list[bytes]) -> None:
    done = logq("search", "-o", "template", "-T", r"{level}\t{took}", "has(took)")
    assert done.stdout == b"error\t0.25\nwarning\t2.5\n"
    missing = logq("search", "-o", "template")
    assert missing.returncode == 2
    assert b"error: -o template needs a template" in missing.stderr


def test_the_fields_stage_and_option_choose_what_pretty_adds(logq: Logq, known: list[bytes]) -> None:
    for arguments in (("refused | fields status, pod",), ("refused", "--fields", "status,pod")):
        assert lines(logq("search", *arguments).stdout)[0].endswith(
            " web-1/php ERROR connection refused status=500"
        )


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (("-n", "pro*"), 7),
        (("-n", "nope"), 0),
        (("-n", "nope", "-n", "prod"), 7),
        (("-p", "web-1", "-c", "php"), 7),
        (("-l", "app=shop"), 7),
        (("-l", "app=other"), 0),
        (("-L", "warning"), 4),
        (("-L", "=warning"), 2),
        (("--node", "kube-*"), 7),
        (("--node", "kube-2"), 0),
        (("--since", "7d"), 8),
        (("--from", "now-4d", "--to", "now-2d"), 1),
        (("--since", "7d", "-n", "staging", "connection"), 1),
        (("status", ">=", "404"), 3),
    ],
)
def test_options_narrow_the_search(
    logq: Logq, known: list[bytes], arguments: tuple[str, ...], found: int
) -> None:
    done = logq("search", "-o", "raw", *arguments)
    assert len(done.stdout.splitlines()) == found
    assert done.returncode == (0 if found else 1)


def test_each_option_is_a_variable_too(logq: Logq, known: list[bytes]) -> None:
    done = logq("search", LOGQ_OUTPUT="raw", LOGQ_LEVEL="error", LOGQ_NAMESPACE="nope prod", LOGQ_LIMIT="1")
    assert done.stdout == known[5] + b"\n"


def test_a_limit_keeps_the_newest_and_says_so(logq: Logq, known: list[bytes]) -> None:
    done = logq("search", "-o", "raw", "--limit", "2")
    assert done.stdout.splitlines() == known[-2:]
    assert done.stderr.startswith(b"note: the newest 2 records are shown, there are more")
    for arguments in (("--limit", "7"), ("--limit", "2", "-q")):
        assert logq("search", "-o", "raw", *arguments).stderr == b""


def test_a_query_may_sort_by_itself(logq: Logq, known: list[bytes]) -> None:
    done = logq("search", "-o", "template", "-T", "{status}", "status:* | sort status desc | limit 3")
    assert done.stdout == b"500\n500\n404\n"


def test_a_query_without_a_verb_is_a_search(logq: Logq, known: list[bytes]) -> None:
    assert logq("status=404 or took>2", "-o", "raw").stdout.splitlines() == known[2:4]
    assert logq("| stats count()", "-o", "raw").stdout == b"7\n"


def test_a_misspelled_verb_is_not_searched_for(logq: Logq) -> None:
    done = logq("serch", "error")
    assert done.returncode == 2
    assert b"Did you mean 'search'?" in done.stderr


def test_a_word_that_looks_like_no_verb_is_searched_for(logq: Logq, known: list[bytes]) -> None:
    assert logq("refused", "-o", "raw").stdout == known[1] + b"\n"


@pytest.mark.parametrize(
    ("output", "printed"),
    [
        ("pretty", "level\tcount()\nwarning\t2\nunknown\t2\ncritical\t1\n"),
        ("raw", "warning\t2\nunknown\t2\ncritical\t1\n"),
        ("csv", "level,count()\nwarning,2\nunknown,2\ncritical,1\n"),
        (
            "jsonl",
            '{"level": "warning", "count()": 2}\n{"level": "unknown", "count()": 2}\n'
            '{"level": "critical", "count()": 1}\n',
        ),
    ],
)
def test_tables_in_a_pipe(logq: Logq, known: list[bytes], output: str, printed: str) -> None:
    done = logq("search", "-o", output, "| stats count() by level | limit 3")
    rows = sorted(done.stdout.decode().splitlines())
    assert done.returncode == 0
    if output in ("csv", "pretty"):
        assert done.stdout.decode().splitlines()[0] == printed.splitlines()[0]
    assert len(rows) == len(printed.splitlines())
    assert {row for row in rows if "2" in row} == {row for row in printed.splitlines() if "2" in row}


def test_times_of_a_table_are_written_as_times(logq: Logq, known: list[bytes]) -> None:
    arguments = (
        "--from",
        f"{KNOWN:%Y-%m-%dT%H:%M}",
        "--to",
        f"{KNOWN + timedelta(minutes=1):%Y-%m-%dT%H:%M}",
    )
    done = logq("search", "-o", "csv", *arguments, "| hist 1m")
    assert done.stdout.decode().splitlines()[1].startswith(f"{KNOWN:%Y-%m-%dT%H:%M}:00.000000000Z,")


def test_nothing_found_says_where_something_is(logq: Logq, known: list[bytes]) -> None:
    done = logq("search", "reset")
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"the newest match before it is of " in done.stderr
    assert b"Use --since 4d" in done.stderr
    assert logq("search", "reset", "--since", "4d").returncode == 0
    assert logq("search", "nosuchword", "-q").stderr == b""
    assert b"note: nothing found" in logq("search", "nosuchword").stderr


def test_stats_tells_what_was_read(logq: Logq, known: list[bytes]) -> None:
    assert b"7 rows printed; " in logq("search", "--stats").stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("status=",), "error: expected a value"),
        (("(a or b",), "error: "),
        (("x | nostage",), 'error: unknown stage "nostage"'),
        (("--since", "soon"), 'error: "soon" is not a time'),
        (("--from", "2026-13-01"), 'error: "2026-13-01" is not a time'),
        (("--tz", "Nowhere/Land"), 'error: unknown time zone "Nowhere/Land"'),
        (("--tz", "UTC", "--utc"), "error: --utc and --tz both name a time zone"),
        (("-L", "loud"), 'error: "loud" is not a level'),
        (("--limit", "-1"), "error: --limit -1 is not a number of records"),
        (("--limit", "x"), "error: invalid value for '--limit'"),
        (("--output", "xml"), "error: invalid value for '-o'"),
        (("--nope",), "error: no such option: --nope"),
        (("-o", "template", "-T", "{"), 'error: "{" in the template is not a field name'),
        (("--fields", ","), "error: --fields names no field"),
        (("--url", "http://x"), 'error: unknown scheme "http"'),
        (("--url", "clickhouse://[::1:9000/x"), "error: the host in the store URL is not a name"),
        (("--url", "clickhouse://shop..internal/x"), "error: the host in the store URL is not a name"),
        (("--url", f"clickhouse://{'a' * 64}:9000/x"), "error: the host in the store URL is not a name"),
    ],
)
def test_wrong_usage_is_told_in_one_message(logq: Logq, arguments: tuple[str, ...], said: str) -> None:
    done = logq("search", *arguments)
    assert done.returncode == 2
    assert done.stdout == b""
    assert done.stderr.decode().startswith(said)
    assert b"Traceback" not in done.stderr


def test_a_query_error_marks_the_place(logq: Logq) -> None:
    done = logq("search", "日本 error | nostage 1")
    assert done.stderr.decode().splitlines()[:3] == [
        'error: unknown stage "nostage"',
        "  日本 error | nostage 1",
        "               ^^^^^^^",
    ]


def test_a_field_that_nobody_has_is_told_beside_a_table(logq: Logq, known: list[bytes]) -> None:
    done = logq("search", "| stats max(zzz_nobody) by pod", "-n", "prod")
    assert done.returncode == 0
    assert done.stderr.decode().splitlines() == [
        'note: no record has a field "zzz_nobody"',
        "  | stats max(zzz_nobody) by pod",
        "              ^^^^^^^^^^",
        "  See which there are: logq fields",
    ]
    assert logq("search", "| stats max(status) by pod", "-n", "prod").stderr == b""


def test_a_stage_without_its_bar_is_told(logq: Logq, known: list[bytes]) -> None:
    said = logq("search", "compare 1h").stderr.decode()
    assert 'note: "compare" was looked for as a word' in said
    assert "As a stage it stands behind a bar: | compare 1h" in said
    assert "nothing found" in said
    assert b"behind a bar" not in logq("search", "nosuchword").stderr


def test_the_command_line_says_where_to_start_whatever_a_variable_says(
    logq: Logq, known: list[bytes]
) -> None:
    asked = ("search", "-o", "raw", "--limit", "0")
    assert logq(*asked, "--from", "now-7d", LOGQ_SINCE="1s").stdout == logq(*asked, "--since", "7d").stdout
    assert logq(*asked, "--since", "7d", LOGQ_FROM="now-1s").stdout == logq(*asked, "--since", "7d").stdout
    for both in (("--since", "7d", "--from", "now-1s"), ()):
        refused = logq(*asked, *both, LOGQ_SINCE="1s", LOGQ_FROM="now-1s")
        assert (refused.returncode, b"both say where to start" in refused.stderr) == (2, True)


def test_one_record_that_is_left_is_one(logq: Logq, known: list[bytes]) -> None:
    assert b"note: the newest record is shown, there are more" in logq("search", "--limit", "1").stderr


def test_an_unknown_field_is_guessed(logq: Logq, known: list[bytes]) -> None:
    done = logq("search", "leve_name=x or stat=500")
    assert done.returncode == 1
    # The catalogue of fields holds one record in sixteen, so this store may not know them.
    assert b"note: " in done.stderr


def test_an_unreachable_store_and_a_wrong_password(logq: Logq) -> None:
    gone = logq("search", "--url", "127.0.0.1:1")
    assert gone.returncode == 3
    assert gone.stderr.decode() == (
        "error: cannot reach ClickHouse at 127.0.0.1:1 (connection refused)\n"
        "  Set --url or LOGQ_URL, or start the embedded store with: loghouse up\n"
    )
    refused = logq("search", LOGQ_PASSWORD_FILE="/dev/null/x")
    assert refused.returncode == 2
    assert refused.stderr.startswith(b"error: cannot read the password file")


def test_debug_shows_a_traceback(logq: Logq) -> None:
    assert b"Traceback" in logq("search", "--debug", "status=").stderr


def test_fields_and_values(logq: Logq, known: list[bytes]) -> None:
    rows = {row["field"]: row for row in map(json.loads, logq("fields", "-o", "jsonl").stdout.splitlines())}
    assert rows["status"] == {
        "field": "status",
        "kind": "number",
        "share": 0.5714,
        "examples": "500, 200, 404",
    }
    assert rows["pod"]["kind"] == "column"
    assert rows["~app"]["examples"] == "shop"
    assert rows["none"]["kind"] == "null"
    assert rows["tags"]["kind"] == "list"
    values = logq("values", "status", "-o", "csv")
    assert values.stdout.decode().splitlines() == [
        "status,count,share",
        "500,2,0.5",
        "200,1,0.25",
        "404,1,0.25",
    ]
    assert logq("values", "level", "level>=error", "-o", "raw").stdout.splitlines() == [
        b"error\t1\t0.5",
        b"critical\t1\t0.5",
    ]
    assert logq("values", "nosuchfield").returncode == 1
    assert logq("values", "a b").returncode == 2


def test_explain_says_what_a_query_means_and_costs(logq: Logq, known: list[bytes]) -> None:
    done = logq("explain", "refused level>=warn not ~app=x | top 5 pod", "-n", "prod")
    said = done.stdout.decode()
    assert done.returncode == 0
    assert 'Means:     records with the word "refused", any case, and whose level is at least "warn"' in said
    assert "Canonical: refused and level >= warn and not ~app = x | top 5 pod" in said
    assert "Only of:   namespace == prod" in said
    assert " = 'refused'" in said
    assert "Would read: at most " in said
    assert b"Skip tokens: " in logq("explain", "e404").stdout


def test_explain_knows_the_cost_of_queries_whose_plan_is_long(logq: Logq, known: list[bytes]) -> None:
    for stages in ("patterns", "compare 1h by pattern", "context before 2 after 2", "hist by level"):
        done = logq("explain", f"refused | {stages}")
        assert done.returncode == 0, done.stderr
        assert b"PrimaryKey: " in done.stdout and b"Would read: at most " in done.stdout


def test_records_that_are_looked_at_twice_cost_once(logq: Logq, known: list[bytes]) -> None:
    costs = [logq("explain", query).stdout.partition(b"Would read: ")[2] for query in ("*", "* | top 5 user")]
    assert costs[0].startswith(b"at most ")
    assert costs[0] == costs[1]


def test_help_names_every_verb_quickly_and_needs_no_store(logq: Logq) -> None:
    done = logq("--help", LOGQ_URL="127.0.0.1:1")
    assert done.returncode == 0
    assert all(
        f"  {verb} ".encode() in done.stdout for verb in ("search", "tail", "fields", "values", "explain")
    )
    assert logq().returncode == 2
