"""Private recommenders: paid noise, bounded people, a public catalogue, and what a model file says about anybody."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consentinel.core import modelfile
from consentinel.core.errors import BudgetRefused, ContractBroken, UsageError
from consentinel.models import asked
from consentinel.models.pieces.logs import csr
from consentinel.models.private.exact import STEPS
from consentinel.models.private.paid import sigma_for
from consentinel.models.recommend import _private, private_als, private_ease
from consentinel.models.recommend._private import UNIT, Learnt, scale
from tests.models.made_payment import bought, granted, trained
from tests.models.made_rows import interactions

PARTS: dict[str, Any] = {"private_ease": private_ease, "private_als": private_als}
ITEMS = [f"i{n}" for n in range(24)]
ROWS = interactions(people=200)
Noise = Callable[[Fraction, int], Any]


def trainer(name: str, more: str = "") -> Any:
    budget = "" if "epsilon" in more else "epsilon=30"
    text = ",".join(filter(None, [f"catalogue={'|'.join(ITEMS)}", budget, more]))
    return PARTS[name].trainer(asked.settings(PARTS[name].SETTINGS, text, name))


def tastes(model: Any) -> float:
    """The share of recommendations that suit the taste: even people like even items, odd ones odd."""
    got = model.predict(pa.table({"query": ["u4", "u7", "u8", "u11"], "k": pa.array([3] * 4, pa.int32())}))
    same = [
        int(user[1:]) % 2 == int(item[1:]) % 2
        for user, item in zip(got["query"].to_pylist(), got["item"].to_pylist(), strict=True)
    ]
    return float(np.mean(same))


def without_noise(monkeypatch: pytest.MonkeyPatch, noise: Noise) -> None:
    for module in (_private, private_ease, private_als):
        monkeypatch.setattr(module, "discrete_gaussian", noise)


@pytest.mark.parametrize("name", PARTS)
def test_it_learns_what_it_is_paid_for_and_is_kept(name: str, tmp_path: Path) -> None:
    model = trained(tmp_path, trainer(name), ROWS)
    assert tastes(model) > 0.9
    assert model.card["paid.sigma"]  # type: ignore[attr-defined]
    assert "joint" in model.card["guarantee"]  # type: ignore[attr-defined]
    file = modelfile.load(model.save(tmp_path / "model"), kind=f"models.recommend.{name}")
    asks = pa.table({"query": ["u3", "nobody"], "k": pa.array([30, 30], pa.int32())})
    answer = model.predict(asks)
    assert PARTS[name].load(file).predict(asks).equals(answer)
    assert answer.num_rows == 24 - 8 + 24  # the whole catalogue, less what u3 has had


@pytest.mark.parametrize("name", PARTS)
def test_no_ticket_no_noise(name: str, tmp_path: Path) -> None:
    one = trainer(name)
    with pytest.raises(BudgetRefused, match="paid ticket"):
        one.train(ROWS, seed=0)
    with granted(tmp_path, one.ask(ROWS).micro_rho, "user") as book:
        tickets = bought(book, one, ROWS)
        with pytest.raises(UsageError, match="not in the catalogue"):
            trainer(name).paid_by(book).train(_with("i99"), seed=0, tickets=tickets)
        one.paid_by(book).train(ROWS, seed=0, tickets=tickets)  # what was refused had cost nothing
        with pytest.raises(BudgetRefused):
            one.paid_by(book).train(ROWS, seed=0, tickets=tickets)
    assert one.ask(ROWS).unit == "user"
    price = one.ask(ROWS).micro_rho
    assert price == pytest.approx(1e6 / (2 * sigma_for("30", "1e-6", "plan") ** 2), rel=1e-3)
    assert trainer(name, "most=3").ask(ROWS).question != one.ask(ROWS).question


def _with(item: str) -> pa.Table:
    return pa.table({"user": ["u1", "u2"], "item": [item, "i1"]})


@pytest.mark.parametrize("name", PARTS)
def test_nothing_but_noise_is_drawn_at_random(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asks = pa.table({"query": ["u3", "u8"]})
    answers = []
    for at in range(2):
        random = np.random.default_rng(7)
        without_noise(
            monkeypatch, lambda sigma, n, random=random: np.rint(random.normal(0, float(sigma), n)).astype(int)
        )
        (tmp_path / str(at)).mkdir()
        answers.append(trained(tmp_path / str(at), trainer(name), ROWS, seed=3).predict(asks))
    assert answers[0].equals(answers[1])


def test_noise_shrinks_with_epsilon() -> None:
    one, four, sixteen = (trainer("private_ease", f"epsilon={eps}").ask(ROWS) for eps in (1, 4, 16))
    sigmas = [dict(ask.params)["sigma"] for ask in (one, four, sixteen)]
    assert sigmas[0] > 2 * sigmas[1] > 4 * sigmas[2]
    assert one.micro_rho < four.micro_rho < sixteen.micro_rho
    whole = Fraction(1, 1) / (2 * sigmas[0] ** 2)
    parts = [1 / (2 * scale(sigmas[0], part) ** 2) for part in (Fraction(1, 10), Fraction(9, 10))]
    assert 0.999 * whole < sum(parts) <= whole


@pytest.mark.parametrize("name", PARTS)
def test_with_much_noise_it_learns_nothing(name: str, tmp_path: Path) -> None:
    made = []
    for at in range(3):
        (tmp_path / str(at)).mkdir()
        made.append(tastes(trained(tmp_path / str(at), trainer(name, "epsilon=0.01"), ROWS)))
    assert np.mean(made) < 0.85


people = st.lists(st.sets(st.integers(0, 11), min_size=0, max_size=12), min_size=1, max_size=6)


def seen(chosen: list[set[int]]) -> Any:
    starts = np.cumsum([0, *map(len, chosen)])
    columns = np.array([item for one in chosen for item in sorted(one)], np.int32)
    return csr(np.ones(len(columns), np.float32), columns, starts, (len(chosen), 12))


@given(people, st.integers(2, 12), st.integers(0, 5))
@settings(max_examples=60, deadline=None)
def test_one_person_more_moves_no_sum_by_more_than_is_paid_for(chosen: list[set[int]], most: int, seed: int) -> None:
    factors = np.linalg.qr(np.random.default_rng(seed).normal(size=(12, 4)))[0]
    quiet = Fraction(0)

    def sums(of: list[set[int]]) -> tuple[Any, Any, Any]:
        steps = _private._steps(_private._first(seen(of), most), UNIT)
        counted = np.asarray(_private._steps(seen(of), STEPS).sum(axis=0)).ravel()
        gram = private_ease.gram_of(Learnt(steps, np.zeros(12), quiet, 12)) * UNIT**2
        return counted, gram, private_als.sums_of(steps, factors)

    with pytest.MonkeyPatch.context() as patch:
        without_noise(patch, lambda sigma, n: np.zeros(n, np.int64))
        whole = sums(chosen)
        for left_out in range(len(chosen)):
            less = sums(chosen[:left_out] + chosen[left_out + 1 :] or [set()])
            for now, before, bound in zip(whole, less, (STEPS, UNIT**2, UNIT**2), strict=True):
                moved = np.rint(now - before).astype(np.int64).astype(object)
                assert (moved**2).sum() <= bound**2


def test_the_noise_of_a_symmetric_matrix_is_what_its_norm_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[tuple[Fraction, int]] = []

    def noise(sigma: Fraction, n: int) -> Any:
        drawn.append((sigma, n))
        return np.arange(1, n + 1)

    without_noise(monkeypatch, noise)
    gram = private_ease.gram_of(Learnt(_private._steps(seen([{0, 1}, {2}]), UNIT), np.zeros(12), Fraction(3), 12))
    assert np.array_equal(gram, gram.T)
    (diagonal, n), (above, many) = drawn
    assert (n, many) == (12, 66)
    assert diagonal == 3 * UNIT**2
    assert diagonal**2 <= above**2 * 2 < diagonal**2 * (1 + Fraction(1, 10**9))  # half the variance, rounded up


def test_items_stay_while_they_stand_out_of_the_noise() -> None:
    standing = np.array([50.0, 20.0, 5.0, 4.0, 1.0, -2.0])
    assert _private._head(standing, 0.01) == 5
    assert _private._head(np.abs(standing), 0.01) == 6
    assert _private._head(standing, 1000.0) == 2
    assert _private._head(standing, 4.6) == 3
    assert _private._first(seen([{0, 3, 5}, {1}, set()]), 2).toarray().sum(axis=1).tolist() == [2, 1, 0]


@pytest.mark.parametrize("name", PARTS)
def test_a_model_without_histories_holds_nobody(name: str, tmp_path: Path) -> None:
    more = ",factors=2" if name == "private_als" else ""  # as many as there are tastes
    model = trained(tmp_path, trainer(name, f"histories=false,epsilon=100{more}"), ROWS)
    file = modelfile.load(model.save(tmp_path / "model"), kind=f"models.recommend.{name}")
    assert len(file.arrays["users.bytes"]) == len(file.arrays["log.items"]) == 0
    assert file.card["file"] == "private itself"
    asks = pa.table({"query": ["anybody", "u3"], "history": [["i0", "i2", "i4", "lost"], None]})
    answer = PARTS[name].load(file).predict(asks)
    mine = [item for user, item in zip(answer["query"].to_pylist(), answer["item"].to_pylist(), strict=True)
            if user == "anybody"]  # fmt: skip
    assert len(mine) == 20
    assert not {"i0", "i2", "i4"} & set(mine)
    assert all(int(item[1:]) % 2 == 0 for item in mine[:5])


@pytest.mark.parametrize("name", PARTS)
def test_items_that_nobody_has_are_ranked_like_others(name: str, tmp_path: Path) -> None:
    few = ROWS.filter(pa.array([one not in ("i22", "i23") for one in ROWS["item"].to_pylist()]))
    model = trained(tmp_path, trainer(name), few)
    answer = model.predict(pa.table({"query": ["nobody"], "k": pa.array([24], pa.int32())}))
    assert sorted(answer["item"].to_pylist()) == sorted(ITEMS)


@pytest.mark.parametrize("name", PARTS)
def test_what_is_missing_is_told(name: str) -> None:
    for more, says in (("catalogue=i1", "declare the items"), ("catalogue=i1|i1", "declare the items"),
                       ("share=1", "share is in"), ("accounting=no", "accounting is")):  # fmt: skip
        part = PARTS[name]
        with pytest.raises(UsageError, match=says):
            part.trainer(asked.settings(part.SETTINGS, more if "cat" in more else f"catalogue=a|b,{more}", name)).ask(
                ROWS
            )
    with pytest.raises(ContractBroken, match="no column 'item'"):
        trainer(name).ask(ROWS.drop_columns(["item"]))
