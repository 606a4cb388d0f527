"""Permissions as statements of ClickHouse: the engine reads them all, and its row policy counts the rows."""

import subprocess
import sys
from pathlib import Path

import pytest

from loghouse.access.file import read_access
from loghouse.access.people import Access
from loghouse.access.policies import left_out, statements
from loghouse.access.secrets import hashed, hashed_for_clickhouse
from loghouse.errors import UsageError

FILE = f"""
[users.ann]
password = "{hashed_for_clickhouse("secret")}"
namespaces = ["prod", "shop-*"]
[users."o.brien@example.org"]
password = "{hashed_for_clickhouse("secret")}"
[users.masked]
password = "{hashed_for_clickhouse("secret")}"
namespaces = ["prod"]
masks = ["card"]
[users.modern]
password = "{hashed("secret")}"
namespaces = ["prod"]
"""
# What the engine inside a process says to a statement that it has read, but may not run there.
READ_ALL = """
import sys, chdb
connection = chdb.connect(":memory:")
for statement in sys.stdin.read().split("\\0"):
    try:
        connection.query(statement, "TSV")
    except Exception as error:
        code = str(error).split(".")[0]
        if code not in ("Code: 497", "Code: 511"):  # ACCESS_DENIED, and no user after CREATE USER was denied
            print(statement, error)
            sys.exit(1)
"""
# The engine with our condition as the row policy of its one user.
COUNT = """
import sys, chdb
connection = chdb.connect(sys.argv[1] + "?config-file=" + sys.argv[2])
connection.query("CREATE TABLE logs (namespace String) ENGINE = MergeTree ORDER BY namespace")
names = ["prod", "nonprod", "prod-eu", "shop-1", "shop-2", "staging", "xshop-1"]
connection.query("INSERT INTO logs VALUES " + ", ".join(f"('{name}')" for name in names))
for query in (
    "SELECT count(), arraySort(groupArray(namespace)) FROM logs",
    "SELECT count(), arraySort(groupArray(namespace)) FROM logs WHERE 1 OR namespace = 'staging'",
    "SELECT count(), arraySort(groupArray(namespace)) FROM logs AS a JOIN logs AS b USING namespace",
):
    print(connection.query(query, "TSV").bytes().decode().strip())
"""


@pytest.fixture
def access(tmp_path: Path) -> Access:
    """The access file above."""
    path = tmp_path / "access.toml"
    path.write_text(FILE)
    return read_access(path)


@pytest.mark.parametrize("cluster", ["", "logs"])
def test_the_engine_reads_every_statement(access: Access, cluster: str) -> None:
    wanted = list(statements(access, "loghouse", "writer", cluster))
    assert len(wanted) > 10
    if cluster:
        assert all("ON CLUSTER `logs`" in statement for statement in wanted)
        wanted = [statement.replace(" ON CLUSTER `logs`", "") for statement in wanted]
    read = subprocess.run(
        [sys.executable, "-c", READ_ALL],
        input="\0".join(wanted),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert read.returncode == 0, read.stdout


def test_a_row_policy_of_the_engine_shows_what_the_pattern_grants(access: Access, tmp_path: Path) -> None:
    (policy,) = [
        each for each in statements(access, "default", "writer") if "user ann" in each and ".`logs`" in each
    ]
    condition = policy.partition(" USING ")[2].partition(" TO ")[0]
    users = tmp_path / "users.xml"
    users.write_text(
        "<clickhouse><profiles><default/></profiles><quotas><default/></quotas><users><default><password/>"
        "<profile>default</profile><quota>default</quota><networks><ip>::/0</ip></networks><databases><default>"
        f"<logs><filter><![CDATA[{condition}]]></filter></logs></default></databases></default></users></clickhouse>"
    )
    config = tmp_path / "config.xml"
    config.write_text(f"<clickhouse><users_config>{users}</users_config></clickhouse>")
    counted = subprocess.run(
        [sys.executable, "-c", COUNT, str(tmp_path / "data"), str(config)],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    seen = "['prod','shop-1','shop-2']"
    same = f"3\t{seen}"
    assert counted.stdout.splitlines() == [same, same, same]


def test_whoever_has_masks_or_a_hash_that_clickhouse_does_not_know_gets_no_account(access: Access) -> None:
    made = " ".join(statements(access, "loghouse", "writer"))
    assert "`ann`" in made and "`masked`" not in made and "`modern`" not in made
    told = dict(each.split(": ", 1) for each in left_out(access))
    assert set(told) == {"masked", "modern"}
    assert "access hash --clickhouse" in told["modern"]


def test_nobody_takes_the_account_of_loghouse(access: Access) -> None:
    with pytest.raises(UsageError, match="account of loghouse"):
        list(statements(access, "loghouse", "ann"))
