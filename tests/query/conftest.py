"""The store with the records of `records.py` in it."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from query import records

from loghouse.config import StoreUrl
from loghouse.store.client import Store


@pytest.fixture(scope="session")
def store(store_url: StoreUrl) -> Iterator[Store]:
    """A connection to a database that holds exactly the known records."""
    with Store(replace(store_url, database="query_language")) as connection:
        records.create(connection)
        yield connection
