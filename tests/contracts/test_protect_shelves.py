"""One examination for every part on every shelf of protect: it keeps its Protocol and says what it promises."""

import re
from fractions import Fraction
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from consentinel.core import contracts
from consentinel.core.errors import UsageError
from consentinel.core.rng import secure_words
from consentinel.core.shelf import Shelf
from consentinel.protect import shelves
from consentinel.protect.estimates import Facts, Law
from consentinel.protect.splitting import deviations, params
from consentinel.protect.statistic import Bounds
from tests.protect.doubles.matrix import BUGS

DOORS: dict[str, tuple[Shelf, Any]] = {
    "mechanisms": (shelves.MECHANISMS, contracts.MechanismPart),
    "noise": (shelves.NOISE, contracts.NoisePart),
    "auditing": (shelves.AUDITING, contracts.AuditingPart),
}
PARTS = [(shelf, name) for shelf, (parts, _) in DOORS.items() for name in parts.names()]
BOUNDS = Bounds(2, 1, Fraction(0), Fraction(10))
GROUPS = 3


def parts(shelf: str) -> list[Any]:
    return [pytest.param(DOORS[shelf][0].take(name), id=name) for name in DOORS[shelf][0].names()]


def test_every_shelf_of_the_room_is_examined() -> None:
    assert {name.lower() for name in shelves.__all__} == set(DOORS)


@pytest.mark.parametrize(("shelf", "name"), PARTS)
def test_it_keeps_its_protocol(shelf: str, name: str) -> None:
    parts_, door = DOORS[shelf]
    part = parts_.take(name)
    assert isinstance(part, door)
    assert callable(getattr(part, parts_.door))


@pytest.mark.parametrize("part", [*parts("mechanisms"), *(p for p in parts("noise") if "opendp" not in str(p.id))])
def test_it_says_what_it_guarantees_and_assumes(part: ModuleType) -> None:
    words = part.__doc__ or ""
    assert re.search(r"^Guarantee: \S", words, re.MULTILINE)
    assert re.search(r"^Assumes: \S", words, re.MULTILINE)


@pytest.mark.parametrize("law", ["gaussian", "laplace"])
@pytest.mark.parametrize("part", parts("mechanisms"))
def test_a_mechanism_answers_from_what_it_needs(part: Any, law: Law) -> None:
    needed = part.needs(BOUNDS, Fraction(1))
    assert {one.name for one in needed} <= set(part.shares(BOUNDS))
    paid = params(needed, BOUNDS, Fraction(1), part.shares(BOUNDS), law=law)
    scales = deviations(needed, paid)
    noisy = {one.name: np.full((GROUPS, one.width) if one.width > 1 else GROUPS, 40, dtype=np.int64) for one in needed}
    found = part.answer(noisy, scales, BOUNDS, 0.95, law=law)
    assert found.value.shape[0] == GROUPS
    assert (found.low <= found.high).all()
    assert np.isfinite(found.value).all()
    wide, narrow = (
        part.forecast(BOUNDS, {name: sd * factor for name, sd in scales.items()}, Facts(1000.0)) for factor in (4, 1)
    )
    assert 0 < narrow <= wide < np.inf


@pytest.mark.parametrize("part", parts("mechanisms"))
@pytest.mark.parametrize("budget", [Fraction(0), Fraction(-1), 1.0, "1"])
def test_a_mechanism_takes_exact_positive_budgets_only(part: Any, budget: Any) -> None:
    with pytest.raises(UsageError):
        part.needs(BOUNDS, budget)


@pytest.mark.parametrize("part", parts("noise"))
def test_a_sampler_draws_whole_numbers_of_the_scale(part: Any) -> None:
    drawn = part.draw(Fraction(7, 2), 4000, secure_words)
    assert drawn.shape == (4000,)
    assert drawn.dtype == np.int64
    expected = 3.5 * (2**0.5 if part.__name__.endswith("laplace") else 1)
    assert abs(drawn.std() / expected - 1) < 0.15
    assert part.draw(Fraction(1), 0, secure_words).shape == (0,)


@pytest.mark.parametrize("part", parts("noise"))
@pytest.mark.parametrize(("scale", "n"), [(1.0, 1), (Fraction(0), 1), (Fraction(-1), 1), (Fraction(1), -1)])
def test_a_sampler_refuses_what_is_not_exact(part: Any, scale: Any, n: int) -> None:
    with pytest.raises(UsageError):
        part.draw(scale, n, secure_words)


def test_auditing_parts_catch_every_class_of_bugs_together() -> None:
    caught = [shelves.AUDITING.take(name).CATCHES for name in shelves.AUDITING.names()]
    assert all(isinstance(classes, tuple) and classes for classes in caught)
    assert {one for classes in caught for one in classes} == set(BUGS)
