"""Rules say how long records are kept; the store then forgets those, and only those."""

import time
from pathlib import Path

import pytest
from lines import store_lines

from loghouse.errors import UsageError
from loghouse.retention.rules import read_rules
from loghouse.retention.store import applied, apply, forecast
from loghouse.store.client import Store

RULES = """
[[keep]]
where = "ns=prod level>=error"
for = "90d"

[[keep]]
where = 'ns:"it''s" or ns=prod'
for = "30d"

[[keep]]
for = "7d"
"""
FORGET_LIMIT = 60  # seconds


def file_of(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "rules.toml"
    path.write_text(text)
    return path


def left(store: Store) -> list[tuple[str, str]]:
    return [(a, b) for a, b in store.rows("SELECT namespace, raw FROM logs ORDER BY namespace, raw")]


def forget(store: Store) -> None:
    """Have the store merge now, which it would do in its own time."""
    for table in ("logs", "counts"):
        store.rows(f"OPTIMIZE TABLE {table} FINAL")


def fill(store: Store) -> None:
    store_lines(store, "prod", ["new"])
    store_lines(store, "prod", ["level=error month"], days_ago=40)
    store_lines(store, "prod", ["level=info month"], days_ago=40)
    store_lines(store, "prod", ["level=error year"], days_ago=300)
    store_lines(store, "staging", ["fresh"], days_ago=1)
    store_lines(store, "staging", ["level=error old"], days_ago=10)


def test_what_is_too_old_goes_and_the_rest_stays(store: Store, tmp_path: Path) -> None:
    fill(store)
    rules = read_rules(file_of(tmp_path, RULES.replace("it''s", "its")))
    apply(store, rules)
    wanted = [("prod", "level=error month"), ("prod", "new"), ("staging", "fresh")]
    deadline = time.monotonic() + FORGET_LIMIT
    while left(store) != wanted and time.monotonic() < deadline:
        forget(store)
    assert left(store) == wanted
    # Histograms, which read the rollup, agree.
    assert store.rows("SELECT sum(records) FROM counts") == [(3,)]
    assert applied(store) == rules.text


def test_a_dry_run_counts_and_changes_nothing(store: Store, tmp_path: Path) -> None:
    fill(store)
    found = forecast(store, read_rules(file_of(tmp_path, RULES.replace("it''s", "its"))))
    assert [(each.rule, each.records, each.expired) for each in found] == [
        ("ns=prod level>=error, 90 d", 2, 1),
        ('ns:"its" or ns=prod, 30 d', 2, 1),
        ("all others, 7 d", 2, 1),
    ]
    assert all(each.disk > 0 for each in found)
    forget(store)
    assert len(left(store)) == 6
    assert applied(store) == ""


def test_rules_can_be_taken_back(store: Store, tmp_path: Path) -> None:
    apply(store, read_rules(file_of(tmp_path, RULES.replace("it''s", "its"))))
    apply(store, None)
    assert applied(store) == ""
    fill(store)
    forget(store)
    assert len(left(store)) == 6
    apply(store, None)


def test_a_record_from_the_far_future_is_not_old(store: Store, tmp_path: Path) -> None:
    store_lines(store, "prod", ["2150"], days_ago=-365.25 * 124)
    apply(store, read_rules(file_of(tmp_path, '[[keep]]\nfor = "7d"\n')))
    forget(store)
    assert left(store) == [("prod", "2150")]


def test_a_hostile_value_is_only_a_value(store: Store, tmp_path: Path) -> None:
    hostile = "[[keep]]\nwhere = '''ns=\"a') OR 1 DELETE -- \\\\\"'''\nfor = \"7d\"\n"
    store_lines(store, "prod", ["old"], days_ago=10)
    apply(store, read_rules(file_of(tmp_path, hostile)))
    forget(store)
    assert left(store) == [("prod", "old")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no rule"),
        ("[[keep]]", "for is missing"),
        ('[[keep]]\nfor = "soon"', '"soon" is not a duration'),
        ('[[keep]]\nfor = "5m"', "less than an hour"),
        ('[[keep]]\nfor = "7d"\nwhen = "x"', 'unknown key "when"'),
        ('[[keep]]\nfor = "7d"\nwhere = "ns=prod )"', "at column"),
        ('[[keep]]\nfor = "7d"\nwhere = "ns=prod | limit 5"', "without stages"),
        ('[[keep]]\nfor = "7d"\nwhere = "pod=web-1"', 'asks for "pod"'),
        ('[[keep]]\nfor = "7d"\nwhere = "panic"', "these fields only"),
        ('[[keep]]\nfor = "7d"\nwhere = "user=5"', "these fields only"),
        ('[[keep]]\nfor = "7d"\n[[keep]]\nwhere = "ns=a"\nfor = "1d"', "never count"),
        ('[tiers]\ncold = "7d"', "has no rule"),
        ('[[keep]]\nfor = "7d"\n[tiers]\n"a b" = "7d"', "no name of a volume"),
        ("keep = 5", "has no rule"),
        ("[[keep", "cannot read the rules"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError) as error:
        read_rules(file_of(tmp_path, text))
    assert said in error.value.message + error.value.hint
