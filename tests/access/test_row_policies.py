"""The compiled row policies at work: the engine's one user gets them, and no client of it sees a foreign row.

The engine inside a process takes its users from a file only, and cannot be told to make others. So the file
says of its user what `loghouse access apply` says of an account; the conditions are the compiled ones.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from logq.stores import LIMIT, Source, address, command, environment
from servers import embedded_store, start_embedded, stop
from web.serving import client_of, served

from loghouse.access.file import read_access
from loghouse.access.policies import TABLES, statements
from loghouse.access.secrets import hashed_for_clickhouse
from loghouse.config import StoreUrl
from loghouse.store.client import Store
from loghouse.store.migrate import migrate

# One record in sixteen is noted in the table of fields.
OWN = {"prod": 300, "shop-1": 200}
FOREIGN = {"nonprod": 250, "prod-eu": 250, "Prod": 250, "xshop-1": 250, "shop": 250, "": 250}
MARK = "zzforeign"
FILE = f"""
[users.ann]
password = "{hashed_for_clickhouse("secret")}"
namespaces = ["prod", "shop-*"]
"""
# Runs the embedded store with a file of users.
WITH_USERS = """
import runpy, sys
from loghouse.embedded import engine
named = f"<clickhouse><users_config>{sys.argv[1]}</users_config>"
engine.SERVER_CONFIG = engine.SERVER_CONFIG.replace("<clickhouse>", named, 1)
sys.argv[:] = sys.argv[4:]
runpy.run_module("loghouse.embedded", run_name="__main__")
"""


def _conditions(access_file: Path) -> dict[str, str]:
    """What the policies of Ann let through, by table."""
    wanted = [
        each for each in statements(read_access(access_file), "loghouse", "writer") if "user ann" in each
    ]
    policies = [each for each in wanted if each.startswith("CREATE ROW POLICY")]
    return {
        each.partition("`loghouse`.`")[2].partition("`")[0]: each.partition(" USING ")[2].partition(" TO ")[0]
        for each in policies
    }


@pytest.fixture(scope="module")
def restricted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreUrl]:
    """A store with records of many namespaces, whose user may read two of them."""
    place = tmp_path_factory.mktemp("policies")
    data = place / "data"
    with embedded_store(data) as url:
        with Store(url) as store:
            migrate(store)
        stamp = datetime.now(UTC) - timedelta(minutes=5)
        for number, (namespace, count) in enumerate({**OWN, **FOREIGN}.items()):
            mark = "own" if namespace in OWN else MARK
            source = Source(url, namespace, f"{mark}-pod", identity=number + 1, labels={"app": mark})
            source.write(
                *(b'{"msg":"paid","%skey":"%s"}' % (mark.encode(), mark.encode()),) * count, at=stamp
            )
        with Store(url) as store:
            for table in TABLES:
                held = {name for (name,) in store.rows(f"SELECT DISTINCT namespace FROM {table}")}
                assert held == {*OWN, *FOREIGN}, table
    access_file = place / "access.toml"
    access_file.write_text(FILE)
    conditions = _conditions(access_file)
    assert set(conditions) == set(TABLES)
    filters = "".join(
        f"<{table}><filter>{escape(condition)}</filter></{table}>" for table, condition in conditions.items()
    )
    users = place / "users.xml"
    users.write_text(
        "<clickhouse><profiles><default/></profiles><quotas><default/></quotas><users><default><password/>"
        "<profile>default</profile><quota>default</quota><networks><ip>::/0</ip></networks>"
        f"<databases><loghouse>{filters}</loghouse></databases></default></users></clickhouse>"
    )
    process, url = start_embedded(data, before=[sys.executable, "-c", WITH_USERS, str(users)])
    yield url
    stop(process)


def _logq(url: StoreUrl, *arguments: str) -> str:
    done = subprocess.run(
        command(*arguments),
        env=environment(LOGQ_URL=address(url)),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=LIMIT,
        check=False,
    )
    said = done.stdout.decode() + done.stderr.decode()
    assert MARK not in said
    return said


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count() AS n FROM logs",
        "SELECT count() AS n FROM logs WHERE 1 OR namespace = 'nonprod'",
        "SELECT count() AS n FROM (SELECT * FROM logs UNION ALL SELECT * FROM logs WHERE 0)",
        "SELECT sum(n) AS n FROM (SELECT 1 AS n FROM logs PREWHERE namespace != '')",
        "SELECT uniqExact(a.source_id, a.offset) AS n FROM logs AS a JOIN logs AS b USING namespace",
        f"SELECT count() + countIf(pod LIKE '{MARK}%') AS n FROM merge('loghouse', '^logs$')",
    ],
)
def test_sql_counts_ones_own_rows_and_no_others(restricted: StoreUrl, sql: str) -> None:
    assert json.loads(_logq(restricted, "sql", "--output", "jsonl", sql)) == {"n": sum(OWN.values())}


@pytest.mark.parametrize("table", TABLES)
def test_every_table_names_ones_own_namespaces_only(restricted: StoreUrl, table: str) -> None:
    said = _logq(restricted, "sql", "--output", "jsonl", f"SELECT DISTINCT namespace FROM {table} ORDER BY 1")
    assert [json.loads(line)["namespace"] for line in said.splitlines()] == list(OWN)
    everything = _logq(restricted, "sql", "--output", "jsonl", f"SELECT * FROM {table}")
    assert "own" in everything


@pytest.mark.parametrize(
    "arguments",
    [
        ("search", "*", "--since", "1h"),
        ("search", "namespace=nonprod or *", "--since", "1h"),
        ("fields", "--since", "1h"),
        ("values", "namespace", "--since", "1h"),
        ("stats", "count() by namespace", "--since", "1h"),
        ("du",),
        ("search", f"{MARK}*", "--since", "1h"),
    ],
    ids=" ".join,
)
def test_no_verb_tells_of_foreign_rows(restricted: StoreUrl, arguments: tuple[str, ...]) -> None:
    said = _logq(restricted, *arguments)
    assert "nonprod" not in said.replace(" ".join(arguments), "") and "prod-eu" not in said


def test_the_page_with_this_account_counts_the_same(restricted: StoreUrl) -> None:
    with served(restricted) as server, client_of(server) as client:
        assert client.get("/api/v1/hist", params={"since": "1h"}).json()["total"] == sum(OWN.values())
        named = client.get("/api/v1/namespaces").json()["namespaces"]
        assert sorted(each["name"] for each in named) == list(OWN)
        told = client.get(
            "/api/v1/search", params={"since": "1h", "format": "jsonl", "limit": 0, "fields": "*"}
        ).text
        assert len(told.splitlines()) == sum(OWN.values()) and MARK not in told
