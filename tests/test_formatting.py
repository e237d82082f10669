"""Numbers of things, and durations: one unit or two, by their length."""

import pytest

from stylepipe.formatting import counted, duration


@pytest.mark.parametrize(("number", "text"), [(0, "0 stages"), (1, "1 stage"), (2, "2 stages")])
def test_counted(number, text):
    assert counted(number, "stage") == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0.0 s"),
        (0.44, "0.4 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 00 s"),
        (80.4, "1 min 20 s"),
        (3599.6, "1 h 00 min"),
        (14840.0, "4 h 07 min"),
        (360_000.0, "100 h 00 min"),
    ],
)
def test_units_follow_the_length(seconds, text):
    assert duration(seconds) == text
