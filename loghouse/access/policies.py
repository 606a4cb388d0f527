"""Permissions as statements of ClickHouse: users who may only read, and row policies that hold for any SQL.

With them somebody with a native connection of his own, for instance for `logq sql`, sees what the web page
shows him. Fields are masked by the web page alone; who has masks gets no connection of his own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from loghouse.access.namespaces import namespace_sql
from loghouse.access.people import Access, User
from loghouse.access.secrets import is_bcrypt
from loghouse.errors import UsageError
from loghouse.formats.view import quoted
from loghouse.store.client import Store

TABLES = ("logs", "counts", "streams", "fields")
PROFILE = "loghouse_reader"
PREFIX = "loghouse user "  # before the name of a person: no other policy is called like that
OWNER = "loghouse owner"

_PLAIN = re.compile(r"[A-Za-z0-9_.@+ -]+")


def statements(access: Access, database: str, owner: str, cluster: str = "") -> Iterator[str]:
    """Statements that can be run again at any time; `owner` is the account of loghouse, who sees all rows.

    A table with any policy shows nothing to whom no policy names, hence the one for the owner. Raises
    `UsageError` for a person who is called like the owner.
    """
    if owner in access.users:
        raise UsageError(
            f'the user "{owner}" of the access file is the account of loghouse in ClickHouse',
            "Give one of them another name",
        )
    on = f" ON CLUSTER {_name(cluster)}" if cluster else ""
    tables = [f"{name}{local}" for name in TABLES for local in (("", "_local") if cluster else ("",))]
    yield (
        f"CREATE SETTINGS PROFILE OR REPLACE {PROFILE}{on} SETTINGS readonly = 2, "
        "max_execution_time = 600 MAX 3600, allow_ddl = 0 READONLY, "
        "allow_introspection_functions = 0 READONLY"
    )
    for table in tables:
        place = f"{_name(database)}.{_name(table)}"
        yield f"CREATE ROW POLICY OR REPLACE {_name(OWNER)}{on} ON {place} USING 1 TO {_name(owner)}"
    for name, user in access.users.items():
        if not _gets_account(access, name, user):
            continue
        person = access.person(name)
        account = _name(name)
        identified = f"IDENTIFIED WITH bcrypt_hash BY {quoted(user.password)}"
        yield f"CREATE USER IF NOT EXISTS {account}{on} {identified}"
        yield f"ALTER USER {account}{on} {identified} SETTINGS PROFILE {PROFILE}"
        yield f"REVOKE{on} ALL ON *.* FROM {account}"
        policy = _name(f"{PREFIX}{name}")
        condition = namespace_sql(person.namespaces)
        for table in tables:
            place = f"{_name(database)}.{_name(table)}"
            yield f"CREATE ROW POLICY OR REPLACE {policy}{on} ON {place} USING {condition} TO {account}"
            yield f"GRANT{on} SELECT ON {place} TO {account}"


def check_accounts(store: Store, access: Access) -> None:
    """Raises `UsageError` for a person who is called like an account that somebody else made."""
    ours = _made_before(store)
    accounts = {name for (name,) in store.rows("SELECT name FROM system.users")}
    for name in access.users:
        if name in accounts and f"{PREFIX}{name}" not in {policy for policy, _ in ours}:
            raise UsageError(
                f'ClickHouse has an account "{name}" that was not made from an access file',
                "Drop it, or give the person another name",
            )


def removals(store: Store, access: Access, cluster: str = "") -> list[str]:
    """Statements that take away the accounts and policies of users whom the file does not name any more."""
    on = f" ON CLUSTER {_name(cluster)}" if cluster else ""
    kept = {f"{PREFIX}{name}" for name, user in access.users.items() if _gets_account(access, name, user)}
    gone = [(policy, table) for policy, table in _made_before(store) if policy not in kept]
    drops = [
        f"DROP ROW POLICY IF EXISTS {_name(policy)}{on} ON {_name(store.url.database)}.{_name(table)}"
        for policy, table in gone
    ]
    accounts = dict.fromkeys(policy.removeprefix(PREFIX) for policy, _ in gone)
    return drops + [f"DROP USER IF EXISTS {_name(account)}{on}" for account in accounts]


def _made_before(store: Store) -> list[tuple[str, str]]:
    """The row policies of people: their names and tables."""
    rows = store.rows(
        "SELECT short_name, table FROM system.row_policies "
        "WHERE database = {database:String} AND startsWith(short_name, {prefix:String}) ORDER BY 1, 2",
        {"database": store.url.database, "prefix": PREFIX},
    )
    return [(str(policy), str(table)) for policy, table in rows]


def left_out(access: Access) -> Iterator[str]:
    """Who gets no account, and why."""
    for name, user in access.users.items():
        if access.person(name).masks:
            yield f"{name}: fields are masked, which only the web page and its API do"
        elif not user.password:
            yield f"{name}: no password in the access file"
        elif not is_bcrypt(user.password):
            yield f"{name}: an Argon2 hash; for ClickHouse make one with: loghouse access hash --clickhouse"


def _gets_account(access: Access, name: str, user: User) -> bool:
    return is_bcrypt(user.password) and not access.person(name).masks


def _name(identifier: str) -> str:
    if not _PLAIN.fullmatch(identifier):
        raise ValueError(f"{identifier!r} cannot be a name in ClickHouse")
    return f"`{identifier}`"
