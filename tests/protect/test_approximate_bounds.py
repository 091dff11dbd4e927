from fractions import Fraction
from typing import Any

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consentinel.core.errors import UsageError
from consentinel.protect.approximate_bounds import Bins, counts, noise_scale, ranges, threshold
from consentinel.protect.noise import draw_with

FIVE = Bins(5)
QUARTER, BASE = Fraction(1, 4), duckdb.connect()


def test_bins_double_and_mirror() -> None:
    assert FIVE.edges.tolist() == [-16, -8, -4, -2, -1, 0, 1, 2, 4, 8, 16]
    values = np.array([0.0, -0.0, 1.0, 1.0000001, 2.0, -1e-300, -1.0, -1.5, 9.0, 16.0, 17.0, 1e300, -1e300])
    assert counts(values, FIVE).tolist() == [1, 0, 0, 1, 2, 3, 2, 0, 0, 4]


@settings(deadline=None, max_examples=40)
@given(st.lists(st.floats(allow_nan=False), max_size=30), st.integers(1, 70), st.sampled_from([2, 3, 10]))
def test_sql_counts_as_numpy_does(values: list[float], number: int, base: int) -> None:
    bins = Bins(number, Fraction(1, 8), base)
    found = BASE.execute(f"SELECT {bins.sql('v')} FROM (SELECT unnest(?::DOUBLE[]) AS v)", [[*values, 0.0]]).fetchall()
    wanted = counts(np.array([*values, 0.0]), bins)
    assert np.bincount([b for (b,) in found], minlength=2 * number).tolist() == wanted.tolist()


def test_range_holds_the_bins_that_stand_out() -> None:
    noisy = np.zeros((5, 10), dtype=np.int64)
    noisy[0, 6] = 1000  # (1, 2]
    noisy[1, [2, 8]] = 1000  # [-4, -2) and (4, 8]
    noisy[2, 0] = noisy[2, 9] = 10**9
    noisy[3, 5] = threshold(1e-9, FIVE, Fraction(4))
    noisy[4, 5] = 3
    found = ranges(noisy, FIVE, Fraction(4))
    assert found[:4].tolist() == [[1, 2], [-4, 8], [-16, 16], [0, 1]]
    assert np.isnan(found[4]).all()


def test_a_weaker_threshold_is_tried_before_giving_up() -> None:
    strict, weak = threshold(1e-9, FIVE, Fraction(10)), threshold(5e-7, FIVE, Fraction(10))
    assert weak < strict
    assert ranges(np.full((1, 10), 0) + np.eye(1, 10, 3, dtype=int) * weak, FIVE, Fraction(10)).tolist() == [[-2, -1]]


def test_threshold_is_reached_as_often_as_it_says() -> None:
    scale, failure = Fraction(5), 0.01
    at = threshold(failure, FIVE, scale)
    drawn = draw_with("discrete_laplace", scale, 10 * 100_000, source="own").reshape(-1, 10)
    assert (drawn.max(axis=1) >= at).mean() <= failure + 6 * (failure / 100_000) ** 0.5
    assert (drawn.max(axis=1) >= at - 1).mean() > failure - 6 * (failure / 100_000) ** 0.5


def test_noise_scale_is_exact() -> None:
    assert noise_scale(4, Fraction(1, 3)) == 12


@pytest.mark.parametrize(
    "wrong", [{"number": 0}, {"number": True}, {"base": 1}, {"base": 2.0}, {"scale": 1.0}, {"number": 1900}]
)
def test_bins_that_cannot_be_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Bins(**wrong)


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(UsageError, match="NaN"):
        counts(np.array([1.0, np.nan]), FIVE)
    with pytest.raises(UsageError, match="shape"):
        ranges(np.zeros((3, 9)), FIVE, Fraction(1))
    for contributions, epsilon in ((0, QUARTER), (1.5, QUARTER), (1, 0.5), (1, Fraction(0))):
        with pytest.raises(UsageError):
            noise_scale(contributions, epsilon)  # ty: ignore[invalid-argument-type]
