"""Reach under privacy: intervals cover, are as wide as was forecast, and a saturated sketch says so."""

import secrets
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from benchmarks.claims.reach_coverage import covered, frequencies, occupied
from consentinel.core.accounting import epsilon
from consentinel.core.errors import UsageError
from consentinel.core.rng import generator
from consentinel.protect.estimates import Facts
from consentinel.protect.reach.hashing import epoch_key
from consentinel.protect.reach.occupancy import Occupancy
from consentinel.protect.reach.private import PrivateReach, reach_bounds
from consentinel.protect.reach.sketch import Params, fill, statistics
from consentinel.protect.splitting import deviations, params, price
from consentinel.protect.statistic import Bounds

SHAPE = Params(registers=2048, classes=64, falling=8, frequency=4)
PART, BOUNDS = PrivateReach(SHAPE), reach_bounds()


def scales(part: PrivateReach, bounds: Bounds, rho: Fraction) -> tuple[dict[str, Fraction], dict[str, float]]:
    needed = part.needs(bounds, rho)
    paid = params(needed, bounds, rho, part.shares(bounds))
    assert price(needed, bounds, paid) <= rho
    return paid, deviations(needed, paid)


def sketched(times: np.ndarray, seeds: int) -> np.ndarray:
    """Exact statistics of whole sketches under SEEDS random keys; hash words are drawn instead of computed."""
    key = epoch_key(secrets.token_bytes(32), "w")
    rng = generator(1, "sketched")
    return np.stack(
        [
            statistics(fill(rng.integers(0, 2**64, (len(times), 3), dtype=np.uint64), times, key, SHAPE, "s"))[
                "registers"
            ]
            for _ in range(seeds)
        ]
    )


def test_the_law_of_the_sketch_is_that_of_sketches() -> None:
    times = np.repeat([1, 2, 3, 9], [1000, 400, 200, 100])
    law, n = Occupancy(SHAPE), np.array([1700.0])
    whole, quick = sketched(times, 400), occupied(SHAPE, times, generator(2, "quick"), 400, sampled=False)
    for found in (whole, quick):
        sd = np.sqrt(law.variance(n)[0])
        assert found[:, 0].mean() == pytest.approx(law.filled(n)[0], abs=5 * sd / 20)
        assert found[:, 0].std() == pytest.approx(sd, rel=0.2)
        alone = found[:, 1:].sum(axis=1)
        assert alone.mean() == pytest.approx(law.alone(n)[0], abs=5 * alone.std() / 20)
        assert found[:, 1:].sum(axis=0) / alone.sum() == pytest.approx(np.array([10, 4, 2, 1]) / 17, abs=0.02)
    values = PART.answer({"registers": whole}, {"registers": 0.0}, BOUNDS, 0.95).value[:, 0]
    error = values.std() / 20
    assert values.mean() == pytest.approx(1700, abs=4 * error)


@pytest.mark.parametrize("sampled", [False, True])
def test_intervals_cover_reach_and_frequency(sampled: bool) -> None:
    inside, bias, half = covered(SHAPE, Fraction(1, 10), frequencies(4000), 1500, sampled=sampled)
    assert (inside >= 1385).all(), f"below 92.3 % of 1,500 has a chance below 1 in 100,000 for each: {inside}"
    assert abs(bias) < 1
    assert half < 15


def test_a_forecast_is_the_width_that_comes() -> None:
    people, rho = 5000, Fraction(1, 50)
    _, sd = scales(PART, BOUNDS, rho)
    times = np.ones(people, dtype=np.int64)
    found = PART.answer({"registers": sketched(times, 30)}, sd, BOUNDS, 0.95)
    half = float(np.mean(found.high[:, 0] - found.low[:, 0]) / 2)
    assert half == pytest.approx(PART.forecast(BOUNDS, sd, Facts(people)), rel=0.1)


def test_the_smallest_budget_reaches_what_is_wanted_and_less_does_not() -> None:
    wanted = 0.15
    budget = PART.smallest_budget(5000, wanted, unions=3)
    for rho, enough in ((budget, True), (budget - Fraction(1, 10**6), False)):
        _, sd = scales(PART, reach_bounds(3), rho)
        assert (PART.forecast(reach_bounds(3), sd, Facts(5000)) <= wanted * 5000) is enough
    told = PART.smallest_epsilon(5000, wanted, Fraction(1, 10**6), unions=3)
    assert told == epsilon(int(budget * 10**6), Fraction(1, 10**6))
    with pytest.raises(UsageError, match="four times as many registers"):
        PART.smallest_budget(5000, 0.001)
    with pytest.raises(UsageError, match="saturated"):
        PART.smallest_budget(10**12, 0.1)
    with pytest.raises(UsageError, match="positive number"):
        PART.smallest_budget(5000, float("nan"))


def test_a_saturated_sketch_is_told_and_a_wide_one_is_not() -> None:
    even = PrivateReach(Params(1024, 1, 16, 3))
    full = even.answer({"registers": np.array([[1024, 0, 0, 0], [1040, 1, 2, 3]])}, {"registers": 3.0}, BOUNDS, 0.95)
    assert np.isinf(full.high).all()
    assert (full.low[:, 0] > 3000).all()
    assert (full.value <= even.law.capacity).all()
    assert (full.low <= full.value).all()
    with pytest.raises(UsageError, match="saturated"):
        even.forecast(BOUNDS, {"registers": 3.0}, Facts(10**6))
    roomy = PrivateReach()
    assert roomy.law.capacity > 3e8
    assert roomy.forecast(BOUNDS, {"registers": 10.0}, Facts(1e8)) < 0.03 * 1e8


def test_nobody_and_noise_alone() -> None:
    rng = generator(3, "nobody")
    noise = np.rint(rng.normal(0, 10, (500, 5))).astype(np.int64)
    found = PART.answer({"registers": noise}, {"registers": 10.0}, BOUNDS, 0.95)
    assert (found.value >= 0).all()
    assert (found.low <= found.value).all()
    assert (found.value <= found.high).all()
    assert (found.low[:, 0] == 0).mean() > 0.95
    assert np.isfinite(found.high).all()


def test_what_does_not_fit_is_refused() -> None:
    good = {"registers": np.zeros((1, 5))}
    bad: list[Any] = [{"registers": np.zeros((1, 4))}, {"registers": np.full((1, 5), np.nan)}]
    for noisy in bad:
        with pytest.raises(UsageError, match="finite values"):
            PART.answer(noisy, {"registers": 1.0}, BOUNDS, 0.95)
    with pytest.raises(UsageError, match="reach_bounds"):
        PART.answer(good, {"registers": 1.0}, Bounds(1, 1, None, None), 0.95)
    with pytest.raises(UsageError, match="exact positive fraction"):
        PART.needs(BOUNDS, Fraction(0))
    with pytest.raises(UsageError):
        PART.answer(good, {"registers": 1.0}, BOUNDS, 1.5)
