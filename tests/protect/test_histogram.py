"""Histogram: equal to NumPy's without noise; bins go on where the range goes beyond the edges."""

from fractions import Fraction as F

import numpy as np
import pytest

from consentinel.core.errors import UsageError
from consentinel.protect.mechanisms import histogram
from consentinel.protect.statistic import Bounds
from tests.protect.made_statistics import exact, off

BOUNDS = Bounds(1, 1, F(0), F(10))
VALUES = np.random.default_rng(8).uniform(-1, 11, 500)
ROWS = [(u, 0, x) for u, x in enumerate(VALUES)]


@pytest.mark.parametrize(
    ("edges", "cuts"),
    [((), np.linspace(0, 10, 6)), ((F(1), F(5, 2), F(7)), [0, 1, 2.5, 7, 10]), ((F(0), F(3), F(10)), [0, 3, 10])],
)
def test_without_noise_it_is_the_plain_one(edges: tuple[F, ...], cuts: list[float]) -> None:
    needs = histogram.needs(BOUNDS, F(1), bins=5, edges=edges)
    got = histogram.answer(exact(ROWS, needs, BOUNDS, 1), off(needs), BOUNDS, 0.95, edges=edges)
    plain, _ = np.histogram(np.clip(VALUES, 0, 10), bins=cuts)
    assert got.value[0].tolist() == plain.tolist()
    assert got.labels[0] == f"[0,{cuts[1]:g})"
    assert got.labels[-1].endswith(",10]")


@pytest.mark.parametrize("edges", [(F(2), F(1)), (F(1), F(1)), (F(-1), F(5)), (F(1), F(11)), (F(0), F(10)), (0.5,)])
def test_edges_that_cannot_be_are_refused(edges: tuple[F, ...]) -> None:
    with pytest.raises(UsageError):
        histogram.needs(BOUNDS, F(1), edges=edges)


def test_bins_that_cannot_be_are_refused() -> None:
    for bins in (0, 1, 10**6, True, 2.5):
        with pytest.raises(UsageError, match="bins"):
            histogram.needs(BOUNDS, F(1), bins=bins)  # type: ignore[arg-type]
    for found in (np.zeros(4), np.zeros((1, 4))):
        with pytest.raises(UsageError, match="bins"):
            histogram.answer({"bins": found}, {"bins": 1.0}, BOUNDS, 0.95, edges=(F(3),))
