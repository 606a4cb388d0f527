"""`make lab`: start the lab and say where everything is, until Ctrl-C; `--render DIR` draws the boards."""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "exporters"))

from lab.stack import Lab, lab, settled

from dashboards.lab.contact_sheet import render
from dashboards.source.build import DIRECTORY
from loghouse.store.client import Store


def main() -> None:
    """Run it."""
    arguments = argparse.ArgumentParser(prog="make lab", description=__doc__)
    arguments.add_argument("--render", type=Path, help="Draw each board into this directory, then leave.")
    arguments.add_argument("--minutes", type=float, default=5, help="How long the load runs before that.")
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="lab-") as name, lab(Path(name)) as made:
        Path(name).chmod(0o755)
        print(told(made), flush=True)  # noqa: T201 - this is its output
        try:
            settled(made)
            if options.render:
                time.sleep(options.minutes * 60)
                draw(made, options.render, round(options.minutes * 60))
                return
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            return


def told(made: Lab) -> str:
    """Where things are, and what to try."""
    store = f"clickhouse://{made.store.host}:{made.store.port}/{made.store.database}"
    return f"""
Prometheus        http://127.0.0.1:{made.main.port}
  long term       http://127.0.0.1:{made.long.port}
Alertmanager      {made.alertmanager.url}
store             {store}
what fires        logq alerts --alertmanager {made.alertmanager.url}
logs              logq tail --url {store}
Ctrl-C ends it.
"""


def draw(made: Lab, directory: Path, seconds: int) -> None:
    """A picture of each board."""
    end = int(time.time())
    start = end - seconds

    def prometheus(expression: str) -> list[tuple[Mapping[str, str], Sequence[tuple[float, float]]]]:
        step = str(max(1, seconds // 120))
        data = made.main.ask(
            "/api/v1/query_range", query=expression, start=str(start), end=str(end), step=step
        )
        return [
            (each["metric"], [(float(time_), float(value)) for time_, value in each["values"]])
            for each in (data or {"result": []})["result"]
        ]

    def store(statement: str) -> tuple[list[str], list[Any]]:
        with Store(made.store) as connection:
            names, pages = connection.table(statement, {})
            return names, [row for page in pages for row in page]

    directory.mkdir(parents=True, exist_ok=True)
    for path in sorted(DIRECTORY.glob("*.json")):
        render(json.loads(path.read_text()), prometheus, store, start, end, directory / f"{path.stem}.png")


if __name__ == "__main__":
    main()
