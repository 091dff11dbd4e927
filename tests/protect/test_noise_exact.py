"""The exact samplers decide nothing by rounding: bounds of exp, inversion cuts and acceptance."""

from decimal import Context, Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from consentinel.core.rng import generator
from consentinel.protect.noise._exp import exp_minus
from consentinel.protect.noise._inversion import Inversion
from consentinel.protect.noise._lattice import Lattice

POINT = 40


def stream(seed: int, name: str):
    drawn = generator(seed, "tests.noise", name)

    def words(n: int) -> NDArray[np.uint64]:
        return drawn.integers(0, 1 << 64, n, dtype=np.uint64)

    return words


def masses(scale: Fraction, power: int, most: int) -> list[Fraction]:
    """Return P(0), P(1), ..., P(most) to 70 places."""
    digits = Context(prec=80, Emin=-(10**9))
    unit = scale if power == 1 else 2 * scale * scale
    weights = []
    for x in range(most + 1):
        exponent = Fraction(x**power) / unit
        ratio = digits.divide(Decimal(exponent.numerator), Decimal(exponent.denominator))
        weights.append(int(digits.exp(digits.minus(ratio)).scaleb(70, digits)))
    whole = weights[0] + 2 * sum(weights[1:])
    return [Fraction(w, whole) for w in weights]


@given(st.fractions(0, 90, max_denominator=10**12), st.integers(1, 400))
def test_exp_lies_between_its_bounds(x: Fraction, bits: int) -> None:
    low, high = exp_minus(x, bits)
    digits = Context(prec=200)
    exact = Fraction(digits.exp(digits.divide(Decimal(-x.numerator), Decimal(x.denominator)))) * 2**bits
    off = Fraction(2**bits, 10**190)
    assert low <= exact + off
    assert exact - off <= high
    assert high - low <= 2


@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.parametrize("scale", [Fraction(1, 3), Fraction(1), Fraction(22, 7), Fraction(40)])
@pytest.mark.parametrize("bits", [8, 16])
def test_every_word_is_decided_rightly_or_left_open(scale: Fraction, power: int, bits: int) -> None:
    """Over all words of BITS bits, decided words never exceed a mass and open ones make up for the rest."""
    lattice = Lattice(scale, power, bits)
    cuts = lattice.inversion.cuts
    word = np.arange(1 << bits, dtype=np.uint64)
    open_words = set(cuts.tolist())
    decided = np.array([w for w in word.tolist() if w not in open_words], dtype=np.uint64)

    def no_more(n: int) -> NDArray[np.uint64]:
        raise AssertionError("a decided word asked for more bits")

    found = np.bincount(lattice.inversion.draw(decided, no_more), minlength=len(cuts))
    exact = masses(scale, power, 2000)
    for index, count in enumerate(found.tolist()):
        size = (index >> 1) + (index & 1)
        assert count <= exact[size] * 2**bits <= count + 2, index
    assert int(cuts[-1]) == 2**bits - 1
    assert len(word) - found.sum() == len(open_words)


def test_open_words_are_lengthened() -> None:
    lattice = Lattice(Fraction(1), 2, 8)
    words = stream(1, "lengthened")
    n = 40_000
    open_word = np.full(n, lattice.inversion.cuts[0], dtype=np.uint64)  # between index 0 and index 1
    share = np.mean(lattice.inversion.draw(open_word, words) == 0)
    first = masses(Fraction(1), 2, 60)[0] * 256
    assert share == pytest.approx(float(first - int(first)), abs=6.2 * 0.5 / n**0.5)


def test_the_tail_is_reached_through_open_words() -> None:
    inversion = Lattice(Fraction(1), 2, 8).inversion
    last = np.full(20_000, 255, dtype=np.uint64)
    found = inversion.draw(last, stream(2, "tail"))
    assert found.max() >= len(inversion.cuts)  # beyond the table of 8 bits
    assert found.min() >= len(inversion.cuts) - 1


@settings(max_examples=300)
@given(
    st.fractions(128, 2**39 - 1, max_denominator=10**6),
    st.sampled_from([1, 2]),
    st.floats(0, 1),
    st.floats(0, 1),
)
def test_bounds_of_the_acceptance_hold(scale: Fraction, power: int, far: float, within: float) -> None:
    lattice = _without_tables(scale, power)
    index, z = int(far * 1400), min(int(within * (1 << lattice.k)), (1 << lattice.k) - 1)
    near = np.array([lattice.heaviest(index)], dtype=np.int64)
    low, high = lattice._bounds(near, np.array([z], dtype=np.int64))
    least, most = exp_minus(lattice.gap(index, z), 96)
    assert int(low[0]) << 64 <= most
    assert least <= int(high[0]) << 64
    assert int(high[0]) - int(low[0]) <= 1 << 19


def _without_tables(scale: Fraction, power: int) -> Lattice:
    """Return a sampler whose table is left out: building one for each example takes too long."""
    lattice = Lattice.__new__(Lattice)
    lattice.power, lattice.bits, lattice.unit = power, 64, scale if power == 1 else 2 * scale * scale
    lattice.set_bucket(scale)
    return lattice


@pytest.mark.parametrize("power", [1, 2])
def test_an_index_beyond_the_table_is_decided_exactly(power: int) -> None:
    lattice = Lattice(Fraction(300), power)
    beyond = np.full(4000, len(lattice.inversion.cuts) + 7)
    z = np.full(4000, 1, dtype=np.int64)
    words = stream(3, "beyond")
    kept = lattice._kept(beyond, z, words(4000) >> np.uint64(32), words)
    low, _ = exp_minus(lattice.gap(int(beyond[0]), 1), 40)
    assert kept.mean() == pytest.approx(low / 2**POINT, abs=6.2 * 0.5 / 4000**0.5)


def test_inversion_needs_no_table_for_a_vanishing_scale() -> None:
    inversion = Inversion(lambda i: Fraction(((i + 1) // 2) * 10**30))
    assert inversion.cuts.tolist() == [2**64 - 1]
    assert not inversion.draw(np.array([0, 2**63, 2**64 - 1], dtype=np.uint64), stream(4, "one")).any()
