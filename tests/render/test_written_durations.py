"""Spans of time as `status`, `doctor` and the mark of a late record show them."""

import pytest

from loghouse.render.duration import written_duration


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.26, "0.3s"),
        (9.96, "10s"),
        (59.4, "59s"),
        (59.6, "1m"),
        (250, "4m10s"),
        (3600, "1h"),
        (3599.7, "1h"),
        (11_100, "3h5m"),
        (187_200, "2d4h"),
        (86_400 * 400, "400d"),
        (-2.5, "-2.5s"),
    ],
)
def test_two_units_at_most(seconds: float, text: str) -> None:
    assert written_duration(seconds) == text
