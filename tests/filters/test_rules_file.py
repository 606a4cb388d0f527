"""The file of rules: read whole, and wrong ones are named with what to do."""

from pathlib import Path

import pytest

from loghouse.errors import UsageError
from loghouse.filters.config import read_rules

GOOD = """
redact = ["secrets"]

[[mask]]
name = "customer"
pattern = 'customer=(\\d+)'
where = "namespace:shop"

[[drop]]
name = "probes"
where = 'container:nginx "kube-probe"'

[[sample]]
where = "level:debug"
keep = 0.1

[[limit]]
name = "flood"
where = "namespace:shop"
lines_per_second = 1000
"""


def read(tmp_path: Path, text: str) -> object:
    path = tmp_path / "filters.toml"
    path.write_text(text)
    return read_rules(str(path))


def test_a_file_of_rules(tmp_path: Path) -> None:
    path = tmp_path / "filters.toml"
    path.write_text(GOOD)
    rules = read_rules(str(path))
    assert "card" not in {mask.name for mask in rules.builtin}
    assert [each.mask.name for each in rules.masks] == ["customer"]
    assert [(each.name, each.keep) for each in rules.drops] == [("probes", 0.0), ("sample 1", 0.1)]
    assert [(each.name, each.lines) for each in rules.limits] == [("flood", 1000)]


def test_an_empty_file_masks_secrets_and_cards(tmp_path: Path) -> None:
    path = tmp_path / "filters.toml"
    path.write_text("")
    assert {"password", "card"} <= {mask.name for mask in read_rules(str(path)).builtin}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("drop = 1", "drop is a table"),
        ("[[drop]]\nname = 'x'", '"where" is missing'),
        ("[[drop]]\nwhere = 'a'\nkeep = 1", 'unknown "keep"'),
        ("[[drop]]\nwhere = 'status >'", "drop 1: "),
        ("[[drop]]\nwhere = 'a | head 5'", "without stages"),
        ("[[drop]]\nwhere = '_time:5m'", "drop 1: "),
        ("[[drop]]\nwhere = 5", "where is a text"),
        ("[[sample]]\nwhere = 'a'\nkeep = 5", "between 0 and 1"),
        ("[[sample]]\nwhere = 'a'\nkeep = true", "keep is a number"),
        ("[[limit]]\nlines_per_second = 0", "more than 0"),
        ("[[limit]]\nwhere = 'probe'\nlines_per_second = 5", "may only ask who writes"),
        ("[[mask]]\npattern = '(?=x)'", "mask 1: "),
        ("[[mask]]\npattern = 'x*'", "matches the empty text"),
        ("redact = ['all']", 'unknown "all"'),
        ("redact = 'secrets'", "redact is a list"),
        ("drops = []", 'unknown "drops"'),
        ("[[drop", "is not TOML"),
    ],
)
def test_a_wrong_file_is_refused_with_the_reason(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(tmp_path, text)
    assert said in caught.value.message


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read"):
        read_rules(str(tmp_path / "none.toml"))
