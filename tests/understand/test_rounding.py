"""Numbers with their intervals: as many digits as the interval means, also where it has no width or no end."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consentinel.understand.rounding import between, ends, rounded


@pytest.mark.parametrize(
    ("value", "low", "high", "said"),
    [
        (0.36104, 0.1312, 0.5908, "0.36 (0.13 to 0.59)"),
        (0.06652, 0.03732, 0.09573, "0.067 (0.037 to 0.096)"),
        (1234.5, 1100.2, 1400.7, "1,234 (1,100 to 1,401)"),
        (-0.001, -3.2, 2.9, "0.0 (-3.2 to 2.9)"),
        (2.0, 2.0, 2.0, "2 (2 to 2)"),
        (1.5, -math.inf, math.inf, "1.5 (-∞ to ∞)"),
    ],
)
def test_digits_follow_the_width_of_the_interval(value: float, low: float, high: float, said: str) -> None:
    assert ends(value, low, high).replace("\u00a0", " ") == said


def test_signs_are_written_where_asked() -> None:
    assert between(-0.5, 1.25, sign=True) == "-0.5\u00a0to\u00a0+1.2"
    assert rounded(math.nan, 1.0) == "?"


@given(st.floats(-1e9, 1e9), st.floats(1e-5, 1e6))
def test_what_is_written_is_within_a_tenth_of_the_width(value: float, width: float) -> None:
    assert abs(float(rounded(value, width).replace(",", "")) - value) <= max(
        0.51 * width / 10, 1e-6, 0.5 * (width >= 10)
    )
