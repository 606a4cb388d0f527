"""What `logq fields` says of the values it has seen."""

from datetime import UTC, datetime

from loghouse.logq.fields import Seen


def test_each_value_has_its_kind_and_what_is_unknown_is_text() -> None:
    seen = Seen()
    seen.add(["a", 1, 1.5, True, None, {"b": 1}, [1], ("c",), datetime(2026, 1, 1, tzinfo=UTC)], None)
    assert seen.records == 9
    assert seen.kinds == {"text": 2, "number": 2, "bool": 1, "null": 1, "object": 1, "list": 2}
