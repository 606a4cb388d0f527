"""Grouping accuracy of `patterns` on logs whose templates are known.

    python benchmarks/patterns_accuracy.py FOLDER [--url clickhouse://127.0.0.1:9000] [--wrong]

FOLDER has the samples of loghub (github.com/logpai/loghub): `*_structured.csv`, plain or gzipped, with the
columns Content and EventId. A record counts as right when the records that share its template are exactly
those that share its event; `--wrong` prints the templates of the others.
"""

# ruff: noqa: T201 - it prints what it measured

import argparse
import csv
import gzip
import io
from collections import defaultdict
from pathlib import Path

from loghouse.config import store_url
from loghouse.query.templates import Measure, templates_sql
from loghouse.store.client import Store

IDS = Measure("ids", "list", "groupArray(id)", "groupArrayArray({})")


def main() -> None:
    """Print the share of records that are grouped right, for each sample."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--url")
    parser.add_argument("--wrong", action="store_true")
    options = parser.parse_args()
    shares = []
    with Store(store_url(options.url)) as store:
        for path in sorted(options.folder.glob("*_structured.csv*")):
            events = _events(path)
            groups = _groups(store, [content for content, _ in events])
            right = _right([event for _, event in events], groups)
            shares.append(sum(len(groups[name]) for name in right) / len(events))
            known = len({event for _, event in events})
            name = path.name.partition("_")[0]
            print(
                f"{name:<12} {len(events)} records, {known} events, {len(groups)} templates: {shares[-1]:.3f}"
            )
            if options.wrong:
                for template in sorted(groups.keys() - right):
                    print(f"    {len(groups[template]):>5} {template}")
    print(f"{'mean':<12} {sum(shares) / len(shares):.3f}")


def _events(path: Path) -> list[tuple[str, str]]:
    text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return [(row["Content"], row["EventId"]) for row in csv.DictReader(io.StringIO(text.decode()))]


def _groups(store: Store, contents: list[str]) -> dict[str, list[int]]:
    store.rows("CREATE OR REPLACE TABLE patterns_accuracy (id UInt32, text String) ENGINE = Memory")
    rows: list[list[int] | list[bytes]] = [
        list(range(len(contents))),
        [content.encode() for content in contents],
    ]
    store.insert("patterns_accuracy", ["id", "text"], rows, {})
    found = store.rows(templates_sql("text", "patterns_accuracy", [IDS]))
    store.rows("DROP TABLE patterns_accuracy")
    return {str(template): list(ids) for template, ids in found}


def _right(events: list[str], groups: dict[str, list[int]]) -> set[str]:
    of_event: dict[str, set[int]] = defaultdict(set)
    for record, event in enumerate(events):
        of_event[event].add(record)
    return {template for template, ids in groups.items() if of_event[events[ids[0]]] == set(ids)}


if __name__ == "__main__":
    main()
