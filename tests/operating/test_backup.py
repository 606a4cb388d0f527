"""A backup holds everything, says when it does not, and comes back."""

from pathlib import Path

import pytest
from lines import store_lines

from loghouse.backup.place import place_of
from loghouse.backup.store import back_up, check, counts, restore, restore_as
from loghouse.config import StoreUrl
from loghouse.errors import StoreError, UsageError
from loghouse.store.client import Store


def records(store: Store, database: str = "loghouse") -> list[tuple[str, int]]:
    sql = f"SELECT namespace, count() FROM {database}.logs GROUP BY namespace ORDER BY namespace"
    return [(name, number) for name, number in store.rows(sql)]


def test_what_was_destroyed_comes_back(store: Store) -> None:
    store_lines(store, "prod", ["one", "two", "three"])
    store_lines(store, "staging", ["four"])
    before = records(store), counts(store)
    back_up(store, place_of("whole", None))
    store.rows("TRUNCATE TABLE logs")
    store.rows("DROP TABLE counts SYNC")
    assert restore(store, place_of("whole", None)) == 4
    assert (records(store), counts(store)) == before
    # The views came back too: what is sent now is parsed and counted.
    store_lines(store, "prod", ["five"])
    assert records(store) == [("prod", 4), ("staging", 1)]
    assert counts(store)["counts"] == 5


def test_a_store_with_records_is_not_overwritten(store: Store) -> None:
    store_lines(store, "prod", ["one"])
    back_up(store, place_of("kept", None))
    with pytest.raises(UsageError, match="holds 1 records already"):
        restore(store, place_of("kept", None))
    assert records(store) == [("prod", 1)]


def test_a_backup_is_read_beside_the_store(store: Store) -> None:
    store_lines(store, "prod", ["one"])
    back_up(store, place_of("beside", None))
    store_lines(store, "prod", ["two", "three"])
    assert restore_as(store, place_of("beside", None), "loghouse_before") == 1
    assert records(store, "loghouse_before") == [("prod", 1)]
    assert records(store) == [("prod", 3)]
    with pytest.raises(UsageError, match="there is a database"):
        restore_as(store, place_of("beside", None), "loghouse_before")
    store.rows("DROP DATABASE loghouse_before SYNC")


def test_a_second_backup_holds_only_what_is_new(store: Store) -> None:
    store_lines(store, "prod", [f"line {number} of many different ones" for number in range(2000)])
    first = back_up(store, place_of("first", None))
    store_lines(store, "prod", ["one more"])
    second = back_up(store, place_of("second", None), place_of("first", None))
    assert second.total > second.size
    assert second.size < first.size
    assert check(store, place_of("second", None), counts(store))["logs"] == 2001


def test_the_check_notices_a_backup_with_fewer_rows(store: Store) -> None:
    store_lines(store, "prod", ["one"])
    back_up(store, place_of("small", None))
    store_lines(store, "prod", ["two"])
    with pytest.raises(StoreError, match="gave back 1 of 2 rows of"):
        check(store, place_of("small", None), counts(store))
    names = store.rows("SELECT name FROM system.databases WHERE name LIKE '%restore_check%'")
    assert names == []


def test_names_that_are_taken_or_missing(store: Store) -> None:
    back_up(store, place_of("taken", None))
    with pytest.raises(UsageError, match="there is a backup"):
        back_up(store, place_of("taken", None))
    with pytest.raises(UsageError, match="there is no backup"):
        restore(store, place_of("never-made", None))
    # Nothing was dropped for it.
    assert records(store) == []


@pytest.mark.parametrize(
    "text", ["", "../up", "a/b", "a'b", "disk:x", "s3://bucket/x", "https://host/", "a b"]
)
def test_a_place_that_is_none(text: str) -> None:
    with pytest.raises(UsageError):
        place_of(text, None)


def test_secrets_of_a_bucket_are_not_shown(tmp_path: Path) -> None:
    file = tmp_path / "s3"
    file.write_text("NAME\nSE'CRET\n")
    place = place_of("https://s3.example/bucket/logs", file)
    assert "CRET" not in repr(place) + str(place)
    assert place.sql == "S3('https://s3.example/bucket/logs', 'NAME', 'SE\\'CRET')"


def test_a_store_without_a_place_says_what_to_do(store_url: StoreUrl) -> None:
    with Store(store_url) as other, pytest.raises(StoreError) as error:
        back_up(other, place_of("anywhere", None))
    assert "--backup-dir" in error.value.hint
