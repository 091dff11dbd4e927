"""Intervals over people, paired differences, and seeds."""

import math

import numpy as np
import pytest

from consentinel.core.errors import UsageError
from consentinel.core.stats import mean_interval
from consentinel.models.evaluation import intervals

RNG = np.random.default_rng(3)
PEOPLE = RNG.normal(0.4, 0.2, 400)


def test_the_mean_of_people_is_close_to_students_interval() -> None:
    got, wanted = intervals.mean(PEOPLE), mean_interval(PEOPLE)
    assert got.value == pytest.approx(PEOPLE.mean())
    assert (got.low, got.high) == pytest.approx((wanted.low, wanted.high), abs=0.002)
    assert got.n == 400


def test_rows_of_one_person_are_drawn_together() -> None:
    rows, person = np.repeat(PEOPLE, 9), np.repeat(np.arange(400), 9)
    alone, together = intervals.mean(rows), intervals.mean(rows, person)
    whole = intervals.mean(PEOPLE)
    assert together.n == 400
    assert together.value == pytest.approx(whole.value)
    assert together.high - together.low == pytest.approx(whole.high - whole.low, rel=0.1)
    assert alone.high - alone.low < 0.5 * (together.high - together.low)


def test_pairing_takes_out_what_people_share() -> None:
    better = PEOPLE + 0.01 + RNG.normal(0, 0.01, 400)
    gap = intervals.difference(better, PEOPLE)
    assert 0 < gap.low < 0.01 < gap.high < 0.02
    assert intervals.difference(PEOPLE, PEOPLE).value == 0
    assert intervals.difference(better, PEOPLE, seed=1) == intervals.difference(better, PEOPLE, seed=1)


def test_several_seeds_are_averaged_per_person() -> None:
    runs = np.stack([PEOPLE + 0.1, PEOPLE - 0.1])
    got, whole = intervals.mean(runs), intervals.mean(PEOPLE)
    assert (got.value, got.low, got.high) == pytest.approx((whole.value, whole.low, whole.high))
    gap = intervals.difference(runs, np.stack([PEOPLE, PEOPLE]))
    assert gap.value == pytest.approx(0, abs=1e-12)


def test_an_interval_over_seeds_too_is_wider_and_covers() -> None:
    rng = np.random.default_rng(11)
    hits = 0
    for _ in range(400):
        values = 0.3 + rng.normal(0, 0.02, (5, 1)) + rng.normal(0, 0.2, (1, 100)) + rng.normal(0, 0.1, (5, 100))
        got = intervals.over_seeds(values)
        hits += got.low <= 0.3 <= got.high
    assert hits / 400 > 0.92
    assert got.high - got.low > mean_interval(values.mean(axis=0)).high - mean_interval(values.mean(axis=0)).low
    assert got.n == 5


def test_one_seed_says_nothing_of_others() -> None:
    got = intervals.over_seeds(PEOPLE[None])
    assert (got.low, got.high) == (-math.inf, math.inf)
    clustered = intervals.over_seeds(np.stack([PEOPLE, PEOPLE + 0.01]), np.zeros(400))
    assert clustered.high == math.inf
    equal = intervals.over_seeds(np.ones((3, 5)))
    assert (equal.low, equal.high) == (1, 1)


@pytest.mark.parametrize("values", [[], [math.nan], np.zeros((2, 2, 2)), np.zeros((0, 3))])
def test_bad_figures_are_refused(values: list[float]) -> None:
    with pytest.raises(UsageError, match="finite"):
        intervals.mean(values)
    with pytest.raises(UsageError, match="finite"):
        intervals.over_seeds(values)


def test_pairs_have_equal_lengths() -> None:
    with pytest.raises(UsageError, match="got 400 and 2 rows"):
        intervals.difference(PEOPLE, [1.0, 2.0])


def test_a_share_that_never_varies_still_has_a_width() -> None:
    got = intervals.share(np.ones(24))
    assert (got.value, got.high) == (1, 1)
    assert 0.8 < got.low < 0.9
    with pytest.raises(UsageError, match="0 or 1"):
        intervals.share([0.5, 1.0])
