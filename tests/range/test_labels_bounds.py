"""The exact bounds hold against counting all draws."""

from itertools import product

import numpy as np
import pytest
from labels.bounds import discoveries, follows, nearly_follows, reveals


def counted(levels: int, sizes: tuple[int, ...], exceptions: int = 0) -> float:
    """The probability that a value is a function of the level but for some exceptions, by going through all draws."""
    values = [value for value, size in enumerate(sizes) for _ in range(size)]
    good = 0
    for draw in product(range(levels), repeat=len(values)):
        right = 0
        for level in set(draw):
            mine = [value for value, drawn in zip(values, draw, strict=True) if drawn == level]
            right += max(mine.count(value) for value in mine)
        good += len(values) - right <= exceptions
    return good / levels ** len(values)


@pytest.mark.parametrize(
    ("levels", "sizes"), [(4, (3, 3)), (4, (2, 2, 2)), (3, (4, 2)), (2, (3, 3)), (4, (1, 1, 1, 1)), (4, (2, 2, 1, 1))]
)
def test_follows_is_an_upper_bound_and_near(levels: int, sizes: tuple[int, ...]) -> None:
    exact, bound = counted(levels, sizes), follows(levels, sizes)
    assert exact <= bound + 1e-12
    assert bound <= 4 * exact + 1e-12 or bound == 1.0


@pytest.mark.parametrize(("levels", "sizes"), [(4, (4, 3)), (3, (3, 3, 1)), (4, (3, 2, 2))])
def test_exceptions_only_make_chance_likelier(levels: int, sizes: tuple[int, ...]) -> None:
    assert counted(levels, sizes, 1) <= nearly_follows(levels, sizes, 1) + 1e-12
    assert follows(levels, sizes) <= nearly_follows(levels, sizes, 1)


def test_more_values_than_levels_cannot_follow() -> None:
    assert follows(4, (1, 1, 1, 1, 1)) == 0.0


def test_constant_fields_prove_nothing() -> None:
    assert follows(4, (50,)) == 1.0


def test_reveals_counts_shared_values() -> None:
    assert reveals(4, (1, 1, 1)) == 1.0
    assert reveals(4, (3, 2)) == pytest.approx(4.0**-3)


def test_discoveries_are_few_under_the_null() -> None:
    chance = np.random.default_rng(3)
    assert sum(discoveries(chance.random(2000), 0.01).any() for _ in range(100)) <= 5
    mixed = np.concatenate([np.full(20, 1e-9), chance.random(200)])
    assert discoveries(mixed, 0.01)[:20].all()
    assert not len(discoveries(np.zeros(0), 0.01))
