"""The private classifier: paid noise, bounded people, exact lattices, refusals before anything is spent."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from consentinel.core import modelfile
from consentinel.core.errors import BadInput, BudgetRefused, ContractBroken, UsageError
from consentinel.core.ledger_opening import now
from consentinel.models.asked import settings
from consentinel.models.private.dp_sgd import plan_loss
from consentinel.models.vision import private_scattering
from consentinel.models.vision._linear import Linear
from consentinel.models.vision.private_scattering import UNIT, _product, _whole
from tests.models.made_payment import ABOUT, MINUTE, bought, granted, trained
from tests.models.made_pictures import made, right

ROWS, OTHERS = made(600), made(60, seed=1)
SET = "people=600,classes=across|down|plain,width=8,steps=20,rate=20,epsilon=20"


def trainer(more: str = "", without: str = "") -> Any:
    kept = [one for one in SET.split(",") if one.partition("=")[0] != without]
    there = {one.partition("=")[0] for one in more.split(",")}
    text = ",".join([one for one in kept if one.partition("=")[0] not in there] + [more])
    return private_scattering.trainer(settings(private_scattering.SETTINGS, text, "test"))


def test_it_learns_what_it_is_paid_for_and_is_kept(tmp_path: Path) -> None:
    model = trained(tmp_path, trainer(), ROWS)
    assert right(model.predict(OTHERS), OTHERS) > 0.8
    read = private_scattering.load(
        modelfile.load(model.save(tmp_path / "model"), kind="models.vision.private_scattering")
    )
    assert read.predict(OTHERS).equals(model.predict(OTHERS))
    assert "rows" not in read.card  # how many there are is private


def test_with_much_noise_it_learns_nothing(tmp_path: Path) -> None:
    model = trained(tmp_path, trainer("epsilon=0.01"), ROWS)
    assert right(model.predict(OTHERS), OTHERS) < 0.8


def test_the_plan_costs_what_was_asked() -> None:
    asked = trainer("epsilon=3").settings
    for one in (asked, replace(asked, part=0.5)):
        assert 2.99 < one.plan().epsilon(Fraction(1, 10**5)) <= 3
    plan = asked.plan()
    assert float(plan.before / plan.rho) == pytest.approx(asked.share, rel=1e-3)


def test_a_whole_plan_fits_a_budget_that_its_price_does_not(tmp_path: Path) -> None:
    one = trainer("epsilon=3,part=0.25")
    ask = one.ask(ROWS)
    budget = 450_000  # epsilon 5 at 1e-5, by zCDP
    assert ask.micro_rho > budget
    with granted(tmp_path, budget) as book:
        with pytest.raises(BudgetRefused):
            bought(book, one, ROWS)
        tickets = book.spend_all(
            [ask.charge(**ABOUT)], questions=[ask.question], not_after=now() + MINUTE, loss=plan_loss
        )
        assert isinstance(one.paid_by(book).train(ROWS, seed=0, tickets=tickets), Linear)


def test_people_with_several_pictures_are_protected_whole(tmp_path: Path) -> None:
    rows = ROWS.append_column("who", pa.array([f"p{n % 300}" for n in range(600)]))
    for most in (0, 1):
        one = trainer(f"unit=who,people=300,most={most},epsilon=40")
        assert one.ask(rows).unit == "who"
        (tmp_path / str(most)).mkdir()
        assert right(trained(tmp_path / str(most), one, rows).predict(OTHERS), OTHERS) > 0.7
    nobody = ROWS.append_column("who", pa.array([None, *["p"] * 599], pa.string()))
    with pytest.raises(BadInput, match="who is null in 1 rows"):
        trainer("unit=who").train(nobody, seed=0, tickets=[b"x"])


def test_lengths_on_the_lattice_never_exceed_one() -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(500, 40)).astype(np.float32)
    x[0], x[1, 1:] = 1, 0
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    whole = _whole(x)
    assert np.array_equal(whole, np.rint(whole))
    assert (np.sum(whole.astype(np.int64) ** 2, axis=1) <= UNIT**2).all()
    assert np.abs(whole / UNIT - x).max() < 2 / UNIT


def test_products_are_exact() -> None:
    random = np.random.default_rng(0)
    x, y = (random.integers(-UNIT, UNIT + 1, (200, n)).astype(np.float32) for n in (7, 3))
    x[:64], y[:64] = UNIT, UNIT
    assert np.array_equal(_product(x, y), x.astype(np.int64).T @ y.astype(np.int64))


def test_refusals_cost_nothing(tmp_path: Path) -> None:
    one = trainer()
    with granted(tmp_path, one.ask(ROWS).micro_rho) as book:
        tickets = bought(book, one, ROWS)
        paid = one.paid_by(book)
        with pytest.raises(BudgetRefused):
            paid.train(ROWS, seed=0)
        with pytest.raises(UsageError, match="not among the 2 declared"):
            trainer("classes=across|down").paid_by(book).train(ROWS, seed=0, tickets=tickets)
        paid.train(ROWS, seed=0, tickets=tickets)
        with pytest.raises(BudgetRefused):
            paid.train(ROWS, seed=0, tickets=tickets)


@pytest.mark.parametrize(
    ("one", "error", "says"),
    [
        (trainer(without="people"), UsageError, "set people"),
        (trainer(without="classes"), UsageError, "declare the classes"),
        (trainer("unit=nobody"), ContractBroken, "no column 'nobody'"),
        (trainer(), BudgetRefused, "paid ticket"),
    ],
)
def test_what_is_missing_is_told(one: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        one.train(ROWS, seed=0)
