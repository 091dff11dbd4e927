"""The largest groups: counts that hold at once, and selection of names by exact noise."""

from collections import Counter
from fractions import Fraction as F

import numpy as np
import pytest

from consentinel.core.errors import BadInput, UsageError
from consentinel.protect.mechanisms import count, top_k
from consentinel.protect.statistic import Bounds

BOUNDS = Bounds(5, 2, None, None)


def test_the_largest_come_first_and_equal_ones_in_order() -> None:
    noisy = {"rows": np.array([5.0, 9.0, 9.0, 1.0])}
    got = top_k.answer(noisy, {"rows": 1.0}, BOUNDS, 0.95)
    assert top_k.largest(got, 3).tolist() == [1, 2, 0]
    alone = count.answer(noisy, {"rows": 1.0}, Bounds(5, 1, None, None), 0.95)
    assert (got.high - got.low > alone.high - alone.low).all()


def test_all_intervals_hold_at_once_and_so_those_of_the_picked() -> None:
    chance = np.random.default_rng(4)
    truth, bounds, held, best = np.full(30, 50.0), Bounds(1, 1, None, None), 0, 0
    for _ in range(200):
        noisy = {"rows": chance.poisson(truth) + np.rint(chance.normal(0, 10, 30))}
        got = top_k.answer(noisy, {"rows": 10.0}, bounds, 0.95)
        fine = (got.low <= truth) & (truth <= got.high)
        held, best = held + bool(fine.all()), best + bool(fine[top_k.largest(got, 1)[0]])
    assert held >= 180
    assert best >= 185


def test_the_scale_costs_the_budget() -> None:
    for rho in (F(1, 3), F(2), F(1, 1000)):
        scale = top_k.scale_for(rho, 7, BOUNDS)
        assert rho * (1 - F(1, 10**9)) <= 7 * F(BOUNDS.rows) ** 2 / (2 * scale**2) <= rho


def test_the_scale_is_priced_as_opendp_prices_it() -> None:
    dp = pytest.importorskip("opendp.prelude")
    dp.enable_features("contrib")
    space = dp.vector_domain(dp.atom_domain(T="i64")), dp.linf_distance(T="i64")
    scale = top_k.scale_for(F(1, 3), 7, BOUNDS)
    map_ = dp.m.make_noisy_top_k(*space, dp.zero_concentrated_divergence(), 7, float(scale)).map
    assert map_(BOUNDS.rows) == pytest.approx(1 / 3, rel=1e-9)


def test_selection_prefers_the_large_and_is_random() -> None:
    counts = np.array([100, 0, 50, 98])
    assert sorted(top_k.select(counts, 3, F(1, 100))) == [0, 2, 3]
    first = Counter(top_k.select(counts, 1, F(5))[0] for _ in range(60))
    assert first[0] > 0
    assert first[3] > 0
    assert first[1] == 0
    assert len(set(top_k.select(counts, 4, F(10)))) == 4


def test_what_cannot_be_selected_is_refused() -> None:
    with pytest.raises(BadInput, match="whole numbers"):
        top_k.select(np.array([1.5]), 1, F(1))  # type: ignore[arg-type]
    for k in (0, 5, True, 1.0):
        with pytest.raises(UsageError, match="k is"):
            top_k.select(np.array([1, 2, 3, 4]), k, F(1))  # type: ignore[arg-type]
    for scale in (F(0), F(-1), 2.0):
        with pytest.raises(UsageError, match="scale"):
            top_k.select(np.array([1, 2]), 1, scale)  # type: ignore[arg-type]
