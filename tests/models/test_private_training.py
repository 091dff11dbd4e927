"""Private training: paid and drawn agree, sums are exact and bounded, and the models learn."""

import math
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import product
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consentinel.core import modelfile
from consentinel.core.accounting import MICRO
from consentinel.core.errors import BudgetRefused, NotSupported, UsageError
from consentinel.core.ledger_filter import LARGEST, Account
from consentinel.core.ledger_opening import now
from consentinel.core.rng import generator
from consentinel.models import asked
from consentinel.models.private import block_choice, label_dp, noisy_aggregates, objective_perturbation
from consentinel.models.private.dp_gradient_descent import one_draw
from consentinel.models.private.exact import STEPS, Contributions
from consentinel.models.private.paid import PrivateTrainer, gaussian_plan, sigma_for
from consentinel.models.private.rehearsal import Rehearsal, rehearsal
from consentinel.models.shelves import ADS

PRIVATE = (
    "private_logistic:categories=public,steps=60,momentum=0.9,epsilon=3",
    "private_logistic:categories=public,pairs=true,choose=1,steps=60,pull=1,momentum=0.9,epsilon=3",
    "private_logistic:method=objective,buckets=8,epsilon=3",
    "aggregate_logistic:categories=public,epsilon=3",
    "aggregate_logistic:categories=public,epsilon=3,pairs=false",
    "label_private:epsilon=3",
    "label_private:epsilon=3,method=response",
    "label_private:epsilon=3,method=projected,steps=15",
)


@pytest.fixture(scope="module")
def pays() -> Iterator[Rehearsal]:
    """A ledger that is thrown away."""
    pytest.importorskip("opendp")
    with rehearsal() as found:
        yield found


def clicks(n: int = 6000, seed: int = 0) -> pa.Table:
    """Rows of two columns of categories, and of persons with three rows each."""
    rng = generator(seed, "tests.private")
    a, b = rng.integers(0, 4, n), rng.integers(0, 3, n)
    label = rng.random(n) < 1 / (1 + np.exp(-(np.array([-2, -1, 0, 2])[a] + np.array([-1, 0, 1])[b])))
    names = {"a": [f"a{v}" for v in a], "b": [f"b{v}" for v in b], "who": [f"p{at // 3}" for at in range(n)]}
    return pa.table(names | {"label": label.astype(np.int64)})


def made(text: str) -> Any:
    """The trainer that "part:settings" asks for."""
    name, _, given_ = text.partition(":")
    return ADS.take(name).trainer(asked.settings(ADS.take(name).SETTINGS, given_, name))


def auc(model: Any, rows: pa.Table) -> float:
    """The chance that a row of label 1 scores above one of label 0."""
    score, label = np.asarray(model.predict(rows)["score"]), np.asarray(rows["label"])
    ones, zeros = score[label == 1][:, None], score[label == 0][None, :]
    return float((ones > zeros).mean() + (ones == zeros).mean() / 2)


@pytest.mark.parametrize("text", PRIVATE)
def test_a_private_part_learns_and_says_what_it_paid(text: str, pays: Rehearsal, tmp_path: Path) -> None:
    train, test = clicks().drop_columns(["who"]), clicks(2000, seed=1)
    trainer = made(text)
    assert isinstance(trainer, PrivateTrainer)
    model = pays.trained(trainer, train, seed=0)
    assert auc(model, test) > 0.7
    file = modelfile.load(model.save(tmp_path / "m"), kind=f"models.ads.{text.partition(':')[0]}")
    assert Fraction(file.card["paid.sigma"]) > 0
    again = ADS.take(text.partition(":")[0]).load(file)
    np.testing.assert_array_equal(np.asarray(again.predict(test)["score"]), np.asarray(model.predict(test)["score"]))


@pytest.mark.parametrize(
    "text",
    [
        "private_logistic:unit=who,clip=3,epsilon=5,categories=public",
        "private_logistic:unit=who,clip=3,epsilon=5,categories=public,pairs=true,choose=1,steps=60",
        "label_private:unit=who,most=3,epsilon=5",
    ],
)
def test_persons_with_several_rows(text: str, pays: Rehearsal) -> None:
    train = clicks()
    model = pays.trained(made(text), train, seed=0)
    assert made(text).ask(train).unit == "who"
    assert auc(model, clicks(2000, seed=1)) > 0.68


def test_tickets_are_for_one_training(pays: Rehearsal) -> None:
    rows = clicks(300).drop_columns(["who"])
    trainer = made("label_private:")
    with pytest.raises(BudgetRefused, match="has none"):
        trainer.train(rows, seed=0)
    with pytest.raises(BudgetRefused, match="has none"):
        trainer.paid_by(pays.book).train(rows, seed=0)

    def ticket(text: str, **changed: Any) -> bytes:
        ask = replace(made(text).ask(rows), **changed)
        account = Account(f"tickets-{next(pays.numbers)}", ask.unit, "all")
        pays.book.grant(account, LARGEST, delta=Fraction(1, 10**6))
        charge = ask.charge(dataset=account.dataset, epoch="all", principal="tests", purpose="tests")
        return pays.book.spend(charge, question=ask.question, not_after=now() + 60_000_000)

    paid = ticket("label_private:")
    trainer.paid_by(pays.book).train(rows, seed=0, tickets=[paid])
    with pytest.raises(BudgetRefused, match="refused"):
        trainer.paid_by(pays.book).train(rows, seed=0, tickets=[paid])
    with pytest.raises(BudgetRefused, match="takes one ticket"):
        trainer.paid_by(pays.book).train(rows, seed=0, tickets=[paid, paid])
    for other in ("label_private:epsilon=2", "label_private:pull=5.0", "aggregate_logistic:categories=public"):
        with pytest.raises(BudgetRefused, match="another question"):
            trainer.paid_by(pays.book).train(rows, seed=0, tickets=[ticket(other)])
    more = tuple((name, value * 2 if name == "sigma" else value) for name, value in trainer.ask(rows).params)
    with pytest.raises(BudgetRefused, match="other noise"):
        trainer.paid_by(pays.book).train(rows, seed=0, tickets=[ticket("label_private:", params=more)])


def test_a_whole_plan_is_priced_by_its_exact_curve(pays: Rehearsal) -> None:
    rows = clicks(300).drop_columns(["who"])
    for text, part in (("private_logistic:epsilon=1,delta=1e-7", 1), ("aggregate_logistic:epsilon=1/2", 1 / 2)):
        ask = made(text).ask(rows)
        charge = ask.charge(dataset="plan", epoch="all", principal="tests", purpose="tests")
        found = gaussian_plan([charge], Fraction(1, 10**7))
        assert part * 0.999 < found <= part * (1 + 1e-6)
    assert float(sigma_for("1", "1e-7", "plan")) < float(sigma_for("1", "1e-7", "filter"))
    with pytest.raises(UsageError, match="by itself"):
        gaussian_plan([made("private_logistic:method=objective").ask(rows).charge(
            dataset="plan", epoch="all", principal="t", purpose="t")], Fraction(1, 10**6))  # fmt: skip


def test_what_cannot_be_trained_is_refused_before_anything_is_paid(pays: Rehearsal) -> None:
    rows = clicks(300)
    cases = {
        "private_logistic:unit=nobody": (UsageError, "no column 'nobody'"),
        "private_logistic:unit=who,method=objective": (NotSupported, "protects events"),
        "aggregate_logistic:unit=who": (NotSupported, "protect events"),
        "private_logistic:method=guess": (UsageError, "method is"),
        "private_logistic:choose=1": (UsageError, "of 0 pairs"),
        "private_logistic:choose=1,pairs=true,steps=1": (UsageError, "at least 2 steps"),
        "private_logistic:choose=1,pairs=true,method=objective": (UsageError, "descent chooses"),
        "private_logistic:categories=known": (UsageError, "'hashed' or 'public'"),
        "label_private:categories=hashed": (UsageError, "features are public"),
        "private_logistic:epsilon=0": (UsageError, "epsilon"),
        "private_logistic:accounting=none": (UsageError, "accounting"),
        "aggregate_logistic:buckets=5000": (NotSupported, "combinations"),
    }
    for text, (error, message) in cases.items():
        with pytest.raises(error, match=message):
            pays.trained(made(text), rows, seed=0)
    priced = rows.append_column("price", pa.array(np.arange(300.0)))
    with pytest.raises(UsageError, match="needs public bounds"):
        made("private_logistic:numeric=price").ask(priced)
    with pytest.raises(NotSupported, match="tables count categories"):
        made("aggregate_logistic:numeric=price,bounds=price:0:300").ask(priced)
    within = made("private_logistic:numeric=price,bounds=price:0:100").train
    with pytest.raises(BudgetRefused):
        within(priced, seed=0)


def test_hashed_columns_do_not_depend_on_the_rows() -> None:
    one, two = clicks(300).select(["a", "label"]), pa.table({"a": ["other"], "label": [1]})
    trainer = made("private_logistic:")
    assert trainer.ask(one) == trainer.ask(two)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.booleans(), st.floats(1e-3, 50))
def test_one_unit_more_changes_the_sum_by_at_most_one_clip(seed: int, persons: bool, clip: float) -> None:
    rng = np.random.default_rng(seed)
    index, values = rng.integers(0, 5, (12, 3)), rng.normal(0, 10 ** rng.uniform(-3, 3), (12, 3))
    unit = np.arange(12) // 3 if persons else None
    last = 9 if persons else 11
    whole = Contributions(index, unit, 5).total(values, clip)
    less = Contributions(index[:last], None if unit is None else unit[:last], 5).total(values[:last], clip)
    assert sum(int(step) ** 2 for step in whole - less) <= STEPS**2


def test_equal_rows_counted_once_give_the_same_sum() -> None:
    rng = np.random.default_rng(0)
    index, values, times = rng.integers(0, 5, (6, 2)), rng.normal(size=(6, 2)), np.array([1, 3, 2, 1, 1, 4])
    many = Contributions(np.repeat(index, times, axis=0), None, 5).total(np.repeat(values, times, axis=0), 1.0)
    np.testing.assert_array_equal(Contributions(index, None, 5, times).total(values, 1.0), many)


def test_tables_sum_and_spread_like_all_combinations() -> None:
    rng = np.random.default_rng(0)
    for sizes in ((3, 2), (2, 3, 4), (2, 3, 2, 4), (2, 3, 2, 2, 3), (2, 2, 3, 2, 2, 2)):
        tables = noisy_aggregates.Tables(sizes)
        tensor, weights = rng.normal(size=sizes), rng.normal(size=sum(tables.cells))
        codes = np.array(list(product(*map(range, sizes))))
        want, spread, start = [], np.zeros(len(codes)), 0
        for block, cells in zip(tables.blocks, tables.cells, strict=True):
            at = np.ravel_multi_index(codes[:, list(block)].T, [sizes[column] for column in block])
            want.append(np.bincount(at, tensor.ravel(), cells))
            spread += weights[start + at]
            start += cells
        np.testing.assert_allclose(tables.sums(tensor), np.concatenate(want))
        np.testing.assert_allclose(tables.tensor(weights).ravel(), spread, atol=1e-4)


def test_the_pair_that_matters_is_chosen_and_counts_for_the_label(pays: Rehearsal) -> None:
    rng = generator(0, "tests.private", "pairs")
    codes = rng.integers(0, 3, (12_000, 4))
    alike = codes[:, 1] == codes[:, 3]  # nothing that a single column could tell
    label = (rng.random(12_000) < np.where(alike, 0.8, 0.2)).astype(np.int64)
    rows = pa.table({f"c{at}": [f"v{v}" for v in codes[:, at]] for at in range(4)} | {"label": label})
    train, test = rows[:10_000], rows[10_000:]
    text = "private_logistic:categories=public,pairs=true,choose=1,steps=100,pull=1,pair_scale=0.6"
    model = pays.trained(made(text), train, seed=0)
    assert auc(model, test) > 0.75
    assert auc(pays.trained(made("private_logistic:categories=public"), train, seed=0), test) < 0.6
    blocks, ends = model.encoding.blocks, np.cumsum([1, *model.encoding.cells])
    used = [block for at, block in enumerate(blocks) if np.any(model.theta[ends[at] : ends[at + 1]])]
    assert used == [(0,), (1,), (2,), (3,), (1, 3)]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.booleans())
def test_one_unit_more_changes_the_norms_of_blocks_by_at_most_what_their_noise_is_for(seed: int, persons: bool) -> None:
    rng = np.random.default_rng(seed)
    widths = [3, 4, 2]
    index = np.stack([rng.integers(0, width, 12) for width in widths], axis=1) + np.array([0, 3, 7])
    values = rng.normal(0, 10 ** rng.uniform(-2, 2), (12, 3))
    unit, last = (np.arange(12) // 3, 9) if persons else (None, 11)
    whole = Contributions(index, unit, 9)
    less = Contributions(index[:last], None if unit is None else unit[:last], 9)
    a, b = (block_choice.norms(one, v, 1.0, widths) for one, v in ((whole, values), (less, values[:last])))
    assert sum((x - y) ** 2 for x, y in zip(a, b, strict=True)) <= (STEPS + len(widths)) ** 2


def test_tables_cost_what_was_paid() -> None:
    tables = noisy_aggregates.Tables((3, 4, 5))
    sigma = Fraction(14, 3)
    found = noisy_aggregates.scales(sigma, tables, "1/3")
    cost = sum(1 / (2 * one**2) for one in found)
    assert 1 / (2 * sigma**2) * Fraction(999, 1000) < cost <= 1 / (2 * sigma**2)
    codes = np.array([[0, 1, 2], [2, 3, 4]])
    exact = noisy_aggregates.counts(codes, np.array([0.0, 1.0]), tables)
    assert exact.sum(axis=1).tolist() == [6, 6]
    noise = noisy_aggregates.released(exact, found, tables) - exact
    assert 0.4 < noise[:, :12].std() / float(found[0]) < 1.8


def test_the_loss_of_objective_perturbation_is_bounded_by_simulation() -> None:
    epsilon, delta, norm, pull = 1.0, 1e-3, 2.0, 5.0
    sigma = objective_perturbation.noise(epsilon, delta, norm, pull)
    s, rng = norm / sigma, np.random.default_rng(0)
    loss = -math.log1p(-(norm**2 / 4) / pull) + s * s / 2 + np.abs(rng.normal(0, s, 10**6))
    over = np.maximum(0, 1 - np.exp(epsilon - loss))
    assert over.mean() - delta < 3 * over.std() / 1000
    assert over.mean() > delta * 0.9
    assert sigma > norm / (2 * epsilon)
    with pytest.raises(UsageError, match="at least"):
        objective_perturbation.noise(1.0, 1e-3, norm, 0.5)


def test_flips_have_the_stated_chance() -> None:
    answers, chance = label_dp.response(np.zeros(40_000), np.full(40_000, 0.5), Fraction(1))
    wanted = 1 / (1 + math.e)
    assert abs(answers.mean() - wanted) < NormalDist().inv_cdf(1 - 1e-6) * math.sqrt(wanted / 40_000)
    assert wanted <= chance[0] < wanted + 1e-9
    sure, chance = label_dp.response(np.zeros(3), np.array([0.9, 0.5, 0.05]), Fraction(1))
    assert sure[[0, 2]].tolist() == [1.0, 0.0]
    assert chance[[0, 2]].tolist() == [0.5, 0.5]


def test_a_price_is_never_below_the_exact_one() -> None:
    ask = made("private_logistic:").ask(clicks(100))
    params = dict(ask.params)
    assert Fraction(ask.micro_rho, MICRO) >= params["steps"] * Fraction(101, 100) / (2 * params["sigma"] ** 2)
    ask = made("private_logistic:pairs=true,choose=1").ask(clicks(100))
    params = dict(ask.params)
    assert Fraction(ask.micro_rho, MICRO) >= params["steps"] * Fraction(113, 100) / (2 * params["sigma"] ** 2)
    drawn = sum(1 / (2 * one_draw(params["sigma"], 200, part) ** 2) for part in (Fraction(1, 10), Fraction(1, 50)))
    assert drawn <= 200 * Fraction(12, 100) / (2 * params["sigma"] ** 2)
