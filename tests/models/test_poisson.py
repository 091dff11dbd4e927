"""The Poisson loader: everybody independently with one probability, people whole, weights that bound a person."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, chisquare

from consentinel.core.errors import UsageError
from consentinel.models.private.poisson import Loader


def test_batch_sizes_are_binomial_and_rows_independent() -> None:
    n, rate, steps = 400, Fraction(1, 4), 600
    seen = np.zeros((steps, n), bool)
    for at, batch in enumerate(Loader(n, rate).batches(steps)):
        assert len(set(batch.rows.tolist())) == len(batch.rows)
        seen[at, batch.rows] = True
    assert binom.cdf(seen.sum(), n * steps, 0.25) == pytest.approx(0.5, abs=0.5 - 1e-7)
    sizes = seen.sum(axis=1)
    cuts = [0, *binom.ppf([0.2, 0.4, 0.6, 0.8], n, 0.25).astype(int) + 1, n + 1]
    expected = np.diff(binom.cdf(np.array(cuts) - 1, n, 0.25)) * steps
    assert chisquare(np.histogram(sizes, cuts)[0], expected).pvalue > 1e-7  # shuffled batches have one size: p = 0
    pairs = np.corrcoef(seen[:, :40].T.astype(float))[np.triu_indices(40, 1)]
    assert abs(pairs.mean()) < 6 / np.sqrt(len(pairs) * steps)


def test_batches_may_be_empty() -> None:
    batches = list(Loader(3, Fraction(1, 100)).batches(50))
    assert len(batches) == 50
    assert min(len(batch.rows) for batch in batches) == 0
    assert [batch.number for batch in batches] == list(range(1, 51))


def test_without_people_all_batches_are_empty() -> None:
    assert all(len(batch.rows) == 0 for rate in (1, Fraction(1, 2)) for batch in Loader(0, Fraction(rate)).batches(3))


def test_at_rate_one_everybody_is_always_there() -> None:
    assert all(batch.rows.tolist() == list(range(9)) for batch in Loader(9, Fraction(1)).batches(3))


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.integers(0, 6), min_size=1, max_size=40),
    st.integers(0, 4),
    st.sampled_from([Fraction(1), Fraction(1, 3)]),
)
def test_a_person_is_drawn_whole_and_weighs_at_most_one(people: list[int], most: int, rate: Fraction) -> None:
    whose = np.array(people)
    loader = Loader(len(whose), rate, people=whose, most=most)
    mine: dict[int, set[int]] = {}
    for batch in loader.batches(20):
        for person in set(whose[batch.rows].tolist()):
            here = whose[batch.rows] == person
            have = int((whose == person).sum())
            assert here.sum() == (min(have, most) if most else have)
            assert batch.weights[here].sum() <= 1 + 1e-12
            assert mine.setdefault(person, set(batch.rows[here].tolist())) == set(batch.rows[here].tolist())


@pytest.mark.parametrize(
    ("rows", "rate", "people", "most"),
    [(3, 0.5, None, 0), (3, Fraction(0), None, 0), (3, Fraction(3, 2), None, 0), (3, Fraction(1, 2), np.zeros(2), 0),
     (3, Fraction(1, 2), None, -1)],
)  # fmt: skip
def test_refuses(rows: int, rate: Fraction, people: "np.ndarray | None", most: int) -> None:
    with pytest.raises(UsageError):
        Loader(rows, rate, people=people, most=most)
