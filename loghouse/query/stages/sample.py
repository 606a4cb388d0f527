"""`sample`: a part of the records, the same ones each time."""

import re
from typing import ClassVar

from loghouse.query.ast import Placed
from loghouse.query.filters import FilterParser
from loghouse.query.records import Records
from loghouse.query.table import Rows

_COUNT = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)(%?)(?![\w.])")


class Sample(Placed, frozen=True):
    """`sample 100`, `sample 1%`: about one record of a hundred."""

    live: ClassVar[bool] = True

    one_of: int

    def __str__(self) -> str:
        return f"sample {self.one_of}"

    def apply(self, rows: Rows) -> Rows:
        """The rows whose identity has the right hash."""
        if isinstance(rows, Records):
            return rows.narrowed((f"cityHash64(source_id, offset) % {self.one_of} = 0",))
        columns = ", ".join(f"toString({column.sql})" for column in rows.columns)
        return rows.only(f"cityHash64({columns}) % {self.one_of} = 0")


def read(parser: FilterParser, name: str, start: int) -> Sample:
    """`sample N` or `sample P%`."""
    scan = parser.scan
    scan.skip_space()
    found = scan.looking_at(_COUNT)
    number = float(found.group(1)) if found else 0
    in_percent = bool(found and found.group(2))
    if found is None or not 0 < number <= (100 if in_percent else 1e9) or (number % 1 and not in_percent):
        raise scan.error(
            f"expected a number to take one record of, {scan.found()}", "Write: sample 100, or sample 1%"
        )
    scan.pos = found.end()
    return Sample(round(100 / number) if in_percent else int(number), span=scan.span(start))
