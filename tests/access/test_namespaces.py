"""Patterns of namespaces, as filters and as SQL, judged by the engine itself."""

from dataclasses import replace

import pytest

from loghouse.access.namespaces import check_pattern, namespace_filter, namespace_sql
from loghouse.config import StoreUrl
from loghouse.errors import UsageError
from loghouse.query import filter_sql
from loghouse.store.client import Store

NAMES = [
    "prod",
    "nonprod",
    "prod-eu",
    "Prod",
    "prod\nx",
    "shop-1",
    "shop-",
    "xshop-1",
    "shop.1",
    "",
    "null",
    "7",
]
GRANTED = {
    ("prod",): ["prod"],
    ("prod*",): ["prod", "prod-eu", "prod\nx"],
    ("*prod",): ["prod", "nonprod"],
    ("shop-*",): ["shop-1", "shop-"],
    ("shop.1",): ["shop.1"],
    ("prod", "shop-*"): ["prod", "shop-1", "shop-"],
    ("null",): ["null"],
    ("7",): ["7"],
    (): [],
    ("*",): NAMES,
}


@pytest.fixture(scope="module")
def store(store_url: StoreUrl) -> Store:
    """A connection to any database."""
    return Store(replace(store_url, database="default"))


@pytest.mark.parametrize("patterns", GRANTED)
def test_filter_and_policy_grant_the_same_whole_names(patterns: tuple[str, ...], store: Store) -> None:
    names = "SELECT arrayJoin({names:Array(String)}) AS namespace"
    rows = f"SELECT namespace FROM ({names}) WHERE "
    listed = {"names": NAMES}
    granted = namespace_filter(patterns)
    sql, params = filter_sql(granted, now_ns=0) if granted is not None else ("1", {})
    for condition, bound in ((namespace_sql(patterns), {}), (sql, params)):
        found = [name for (name,) in store.rows(rows + condition, {**listed, **bound})]
        assert sorted(found) == sorted(GRANTED[patterns])
    store.close()


@pytest.mark.parametrize(
    "pattern", ["", "pr od", "prod'", "prod|staging", "(prod)", "prod\n", "x" * 254, "prod%"]
)
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(UsageError, match="not a pattern"):
        check_pattern(pattern)
