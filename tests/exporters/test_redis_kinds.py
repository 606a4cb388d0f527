"""Servers that cannot run here: Valkey, KeyDB, modules, search indexes and Tile38, from what they say."""

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from exporter_servers import ParsedPage, false_server, parse_page, scrape

from exporters.connection import Connection
from exporters.deadline import Deadline
from exporters.errors import ScrapeError
from exporters.exposition import encode_text
from exporters.redis.cli import KIND
from exporters.redis.info import parse_info
from exporters.redis.instance import add_fields, add_identity, add_keyspace, add_replication
from exporters.redis.metrics import CATALOGUE
from exporters.redis.resp import ErrorReply, Reply, as_list, as_text, read_reply

VALKEY = """# Server
redis_version:7.2.4
server_name:valkey
valkey_version:8.1.0
valkey_release_stage:ga
server_mode:standalone
os:Linux
uptime_in_seconds:10

# CPU
used_active_time_main_thread:1.5
used_active_time_io_thread_1:2.25

# Replication
role:master

# Keyspace
db0:keys=3,expires=1,avg_ttl=1500,subexpiry=2
"""
KEYDB = """# Server
redis_version:6.3.4
server_threads:4
long_lock_waits:7
cached_keys:9

# Replication
role:active-replica
master_host:kdb0
master_port:6377
master_link_status:up
master_last_io_seconds_ago:1
master_sync_in_progress:0
slave_repl_offset:5
master_1_host:kdb1
master_1_port:6378
master_1_link_status:down
master_1_last_io_seconds_ago:-1
master_1_sync_in_progress:1

# Keyspace
db0:keys=3,expires=0,avg_ttl=0,cached_keys=2
"""


def _mapped(raw: str) -> ParsedPage:
    info = parse_info(raw.replace("\n", "\r\n"))
    page = CATALOGUE.page("redis")
    add_fields(page, info)
    add_identity(page, info, False)
    add_keyspace(page, info, 0)
    add_replication(page, info)
    return parse_page(encode_text(page).decode())


def test_valkey() -> None:
    page = _mapped(VALKEY)
    assert page.label_values("redis_instance_info", "valkey_version") == {"8.1.0"}
    assert page.label_values("redis_instance_info", "redis_mode") == {"standalone"}
    assert page.value("redis_active_time_io_thread_seconds_total", thread="1") == 2.25
    assert page.value("redis_active_time_main_thread_seconds_total") == 1.5
    assert page.value("redis_db_keys_with_expiring_items", db="db0") == 2
    assert page.value("redis_db_avg_ttl_seconds", db="db0") == 1.5


def test_keydb_with_two_masters() -> None:
    page = _mapped(KEYDB)
    assert page.value("redis_master_link_up", master_host="kdb0", master_port="6377") == 1
    assert page.value("redis_master_link_up", master_host="kdb1", master_port="6378") == 0
    assert page.value("redis_master_sync_in_progress", master_host="kdb1", master_port="6378") == 1
    assert page.value("redis_db_keys_cached", db="db0") == 2
    assert page.value("redis_server_threads_total") == 4


def test_fields_that_are_no_numbers_or_names_are_left_out() -> None:
    page = _mapped(
        "# Server\nuptime_in_seconds:soon\ncluster_odd name:1\ncluster_x:1\nno colon\n\n# New\nx:1\n"
    )
    assert page.names == {"redis_cluster_x", "redis_instance_info"}


def _encode(reply: Reply) -> bytes:
    if isinstance(reply, int):
        return b":%d\r\n" % reply
    if isinstance(reply, list):
        return b"*%d\r\n" % len(reply) + b"".join(map(_encode, reply))
    if isinstance(reply, ErrorReply):
        return f"-{reply.message}\r\n".encode()
    return b"$%d\r\n%b\r\n" % (len(reply or b""), reply or b"")


@contextmanager
def _redis_that_says(replies: Mapping[str, Reply]) -> Iterator[int]:
    """A server with fixed replies by command; other commands are unknown to it."""

    def behave(client: socket.socket) -> None:
        with (
            Connection(client, "client", Deadline.after(20), 10_000_000) as connection,
            suppress(ScrapeError),
        ):
            while True:
                command = " ".join(as_text(part) for part in as_list(read_reply(connection))).upper()
                known = [reply for name, reply in replies.items() if command.startswith(name)]
                client.sendall(_encode(known[0] if known else ErrorReply("ERR unknown command")))

    with false_server(behave) as port:
        yield port


def test_commandlog_modules_search_and_tile38() -> None:
    replies: dict[str, Reply] = {
        "INFO ALL": VALKEY.encode(),
        "INFO MODULES": b"# Modules\r\nmodule:name=search,ver=21005,api=1,filters=0,usedby=[],using=[]\r\n"
        b"\r\n# search_memory\r\nsearch_used_memory_indexes:5\r\nsearch_total_cycles:4\r\n",
        "COMMANDLOG LEN SLOW": 4,
        "COMMANDLOG LEN LARGE-REQUEST": 5,
        "COMMANDLOG LEN LARGE-REPLY": 6,
        "CONFIG GET": [b"commandlog-execution-slower-than", b"10000", b"databases", b"1"],
        "FT._LIST": [b"idx", b"other"],
        "FT.INFO IDX": [b"index_name", b"idx", b"num_docs", 7, b"inverted_sz_mb", b"0.5", b"x", [b"y"]],
        "SERVER EXT": [b"tile38_num_points", b"8", b"id", b"x"],
    }
    with _redis_that_says(replies) as port:
        page = scrape(
            KIND,
            {
                "addr": f"valkey://127.0.0.1:{port}",
                "include_modules": "true",
                "include_search_indexes": "true",
                "check_search_indexes": "^idx$",
                "is_tile38": "true",
            },
        )
    assert page.value("redis_up") == 1
    assert page.value("redis_commandlog_slow_length") == 4
    assert page.value("redis_commandlog_large_reply_length") == 6
    assert page.value("redis_commandlog_execution_slower_than") == 10000
    assert page.label_values("redis_module_info", "name") == {"search"}
    assert page.value("redis_search_used_memory_indexes_bytes") == 5
    assert page.value("redis_search_cycles_total") == 4
    assert page.value("redis_search_index_num_docs", index_name="idx") == 7
    assert page.value("redis_search_index_inverted_size_bytes", index_name="idx") == 524288
    assert page.value("redis_tile38_num_points_total") == 8
    # SLOWLOG is unknown to this server: its part fails, the others stay.
    assert page.value("redis_exporter_collector_success", collector="slowlog") == 0


def test_info_without_all() -> None:
    refused = ErrorReply("ERR syntax error")
    with _redis_that_says({"INFO ALL": refused, "INFO": VALKEY.encode(), "CONFIG GET": refused}) as port:
        page = scrape(KIND, {"addr": f"127.0.0.1:{port}"})
    assert page.value("redis_up") == 1
    assert page.value("redis_db_keys", db="db0") == 3
    assert page.value("redis_exporter_collector_error", collector="config", reason="protocol") == 1


def test_an_empty_info_is_no_redis() -> None:
    with _redis_that_says({"INFO ALL": b""}) as port:
        page = scrape(KIND, {"addr": f"127.0.0.1:{port}"})
    assert page.value("redis_up") == 0
    assert page.value("redis_exporter_last_scrape_error", err="protocol") == 1
