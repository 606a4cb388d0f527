"""What all tests of the shipper start from."""

import pytest

from loghouse.spool import delivery


@pytest.fixture(autouse=True)
def one_insert_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the store has records in the order in which they were read."""
    monkeypatch.setattr(delivery, "IN_FLIGHT", 1)


@pytest.fixture(autouse=True)
def no_power_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    """No machine fails here, and disks are slow."""
    monkeypatch.setattr("os.fsync", lambda _: None)
    monkeypatch.setattr("os.fdatasync", lambda _: None)
