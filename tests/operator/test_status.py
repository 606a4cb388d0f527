"""Status shows what a shipper tells, and says when it is in trouble."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from loghouse.errors import ExitCode, LoghouseError, UsageError
from loghouse.operator.status import Status, status

WELL: dict[str, Any] = {
    "files": [
        {
            "path": "/var/log/pods/prod_web-1_0c5a/web/0.log",
            "namespace": "prod",
            "pod": "web-1",
            "container": "web",
            "offset": 100,
            "size": 2_100,
            "behind": 2_000,
        }
    ],
    "spool": {"bytes": 0, "limit": 1 << 30, "batches": 0, "oldest_seconds": 0.0, "full": False},
    "store": {
        "failing_seconds": 0,
        "last_error": "",
        "lines": 5,
        "bytes": 500,
        "batches": 1,
        "retries": 0,
    },
    "quarantined_lines": 0,
    "lost_bytes": 0,
    "problems": {},
}


@contextmanager
def telling(answer: object) -> Iterator[str]:
    """A shipper's page, in the test's words; the pages of a real one are tested with the shipper."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_shipper_that_is_well(capsys: pytest.CaptureFixture[str]) -> None:
    with telling(WELL) as at:
        assert status(Status(at=at)) is ExitCode.OK
    said = capsys.readouterr().out
    assert "2.0 kB behind  prod/web-1/web  /var/log/pods/prod_web-1_0c5a/web/0.log" in said
    assert "5 lines (500 bytes) acknowledged" in said


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (
            {"store": WELL["store"] | {"failing_seconds": 90, "last_error": "refused"}},
            "FAILING for 1m30s: refused",
        ),
        ({"spool": WELL["spool"] | {"batches": 3, "oldest_seconds": 700.0}}, "the oldest waits 11m40s"),
        ({"spool": WELL["spool"] | {"full": True}}, "FULL: reading waits"),
        ({"quarantined_lines": 4}, "quarantine: 4 lines"),
        ({"lost_bytes": 1000}, "LOST: 1.0 kB"),
    ],
)
def test_a_shipper_in_trouble(part: dict[str, Any], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with telling(WELL | part) as at:
        assert status(Status(at=at)) is ExitCode.PARTIAL
    assert said in capsys.readouterr().out


def test_json_is_what_the_shipper_told(capsys: pytest.CaptureFixture[str]) -> None:
    with telling(WELL) as at:
        status(Status(at=at, as_json=True))
    assert json.loads(capsys.readouterr().out) == WELL


def test_nobody_answers() -> None:
    with pytest.raises(LoghouseError, match="no shipper answers at 127.0.0.1:1"):
        status(Status(at="127.0.0.1:1"))
    with telling({"other": 1}) as at, pytest.raises(LoghouseError, match="is no shipper"):
        status(Status(at=at))
    with pytest.raises(UsageError):
        status(Status(at="here"))
