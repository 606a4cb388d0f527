"""Permissions as statements of ClickHouse: users who may only read, and row policies that hold for any SQL.

With them somebody with a native connection of his own, for instance for `logq sql`, sees what the web page
shows him. Fields are masked by the web page alone; who has masks gets no connection of his own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from loghouse.access.namespaces import namespace_sql
from loghouse.access.people import Access
from loghouse.formats.view import quoted

TABLES = ("logs", "counts", "streams", "fields")
PROFILE = "loghouse_reader"
OWNER = "loghouse_owner"

_PLAIN = re.compile(r"[A-Za-z0-9_.@+-]+")


def statements(access: Access, database: str, owner: str, cluster: str = "") -> Iterator[str]:
    """Statements that can be run again at any time; `owner` is the account of loghouse, who sees all rows.

    A table with any policy shows nothing to whom no policy names, hence the one for the owner.
    """
    on = f" ON CLUSTER {_name(cluster)}" if cluster else ""
    tables = [f"{name}{local}" for name in TABLES for local in (("", "_local") if cluster else ("",))]
    yield (
        f"CREATE SETTINGS PROFILE OR REPLACE {PROFILE}{on} SETTINGS readonly = 2, "
        "max_execution_time = 600 MAX 3600, allow_ddl = 0 READONLY, "
        "allow_introspection_functions = 0 READONLY"
    )
    for table in tables:
        place = f"{_name(database)}.{_name(table)}"
        yield f"CREATE ROW POLICY OR REPLACE {OWNER}{on} ON {place} USING 1 TO {_name(owner)}"
    for name, user in access.users.items():
        person = access.person(name)
        if person.masks or not user.password:
            continue
        account = _name(name)
        identified = f"IDENTIFIED WITH bcrypt_hash BY {quoted(user.password)}"
        yield f"CREATE USER IF NOT EXISTS {account}{on} {identified}"
        yield f"ALTER USER {account}{on} {identified} SETTINGS PROFILE {PROFILE}"
        yield f"REVOKE{on} ALL ON *.* FROM {account}"
        policy = _name(f"loghouse_{name}")
        condition = namespace_sql(person.namespaces)
        for table in tables:
            place = f"{_name(database)}.{_name(table)}"
            yield f"CREATE ROW POLICY OR REPLACE {policy}{on} ON {place} USING {condition} TO {account}"
            yield f"GRANT{on} SELECT ON {place} TO {account}"


def left_out(access: Access) -> Iterator[str]:
    """Who gets no account, and why."""
    for name, user in access.users.items():
        if access.person(name).masks:
            yield f"{name}: fields are masked, which only the web page and its API do"
        elif not user.password:
            yield f"{name}: no password in the access file"


def _name(identifier: str) -> str:
    if not _PLAIN.fullmatch(identifier):
        raise ValueError(f"{identifier!r} cannot be a name in ClickHouse")
    return f"`{identifier}`"
