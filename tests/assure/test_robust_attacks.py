"""Attacks on models whose worst case is known: a linear one, one that never looks, one that reads one word."""

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from consentinel.assure.robust import _edits, pgd, words
from consentinel.assure.robust._descent import margins
from consentinel.assure.robust._typing import slips
from consentinel.core.errors import UsageError
from tests.assure.made_weak import PLAN, Sees, Singles, constant, found, linear, pictures, reads, value, writings

# Pictures


def test_gradients_reach_the_exact_worst_case_of_a_linear_model() -> None:
    model = linear()
    subject = pictures(model)
    rows, x, label = pgd.pictures(subject, PLAN)
    lead, _ = margins(model, x, label)
    slope = np.where(label[:, None] == 0, 1, -1) * (model.weights[:, 0] - model.weights[:, 1]).astype(np.float64)
    flat = x.reshape(len(x), -1)
    for radius in (0.01, 0.05, 0.2):  # the pixels stay between 0 and 1: each coordinate goes as far as it can
        worst = np.clip(flat - radius * np.sign(slope), 0, 1)
        exact = lead + ((worst - flat) * slope).sum(axis=1) <= 0
        got = pgd.curve(subject, PLAN, "Linf", (radius,))
        assert np.array_equal(got.rows, rows)
        assert np.array_equal(got.fell[:, 0], exact)
        length = np.linalg.norm(slope, axis=1)  # no pixel meets its end within such a distance
        if radius < 0.2:
            straight = lead - radius * length <= 0
            assert np.array_equal(pgd.curve(subject, PLAN, "L2", (radius,)).fell[:, 0], straight)


def test_the_smallest_change_is_the_distance_to_the_hyperplane() -> None:
    model = linear()
    subject = pictures(model, wrong=0.0)
    got = pgd.curve(subject, PLAN, "L2", (0.1, 0.2, 0.4))
    lead, _ = margins(model, model.inputs(subject.rows.take(pa.array(got.rows))), np.array(
        [int(text) for text in subject.rows["label"].take(pa.array(got.rows)).to_pylist()]))  # fmt: skip
    true = lead / np.linalg.norm(model.weights[:, 0] - model.weights[:, 1])
    fell = np.isfinite(got.nearest)
    assert fell.sum() > 10
    assert (got.nearest[fell] >= true[fell] - 1e-5).all()
    assert np.allclose(got.nearest[fell], true[fell], rtol=0.02, atol=1e-4)


def test_accuracy_never_rises_with_the_radius_and_the_checks_pass() -> None:
    measures = found("pgd", pictures(linear(classes=5)))
    for norm, radii in pgd.RADII.items():
        curve = [value(measures["accuracy_under_pgd", f"norm={norm}, radius={radius:.4g}"]) for radius in (0, *radii)]
        assert curve == sorted(curve, reverse=True)
        assert curve[-1] < curve[0]
        assert value(measures["noise_beats_gradient", f"norm={norm}"]) == 0
        assert value(measures["late_start_share", f"norm={norm}"]) < 0.05
    assert value(measures["masked_share", "norm=Linf"]) == 0


def test_a_model_that_never_looks_is_never_broken_and_said_to_be_blind() -> None:
    measures = found("pgd", pictures(constant()))
    clean = value(measures["accuracy_under_pgd", "norm=Linf, radius=0"])
    assert 0.8 < clean < 1
    assert value(measures["accuracy_under_pgd", "norm=L2, radius=1"]) == clean
    assert measures["median_adversarial_distance", "norm=L2"].estimate is None
    assert value(measures["masked_share", "norm=Linf"]) == 1


def test_masked_gradients_are_seen() -> None:
    @dataclass(frozen=True)
    class Masked(Sees):
        def gradient(self, inputs: Singles, target: NDArray[np.int64], /) -> Singles:
            return np.zeros_like(inputs)

    model = linear()
    subject = pictures(Masked(model.weights, model.offset), wrong=0.0)
    got = pgd.curve(subject, PLAN, "Linf", (0.02, 0.1, 0.2))
    assert got.blind.any()
    assert got.late.any()
    assert value(found("pgd", subject)["noise_beats_gradient", "norm=Linf"]) > 0


def test_pixels_are_between_0_and_1() -> None:
    @dataclass(frozen=True)
    class Wide(Sees):
        def inputs(self, rows: pa.Table, /) -> Singles:
            return super().inputs(rows) * 255

    model = linear()
    with pytest.raises(UsageError, match="between 0 and 1"):
        found("pgd", pictures(Wide(model.weights, model.offset)))
    subject = pictures(model)
    strange = subject.rows.set_column(4, "label", pa.array(["cat"] * 120))
    with pytest.raises(UsageError, match="label"):
        found("pgd", replace(subject, rows=strange))


def test_the_order_that_bounds_a_median_is_binomial() -> None:
    stats = pytest.importorskip("scipy.stats")
    for n in (3, 5, 6, 20, 101, 128):
        at = pgd._order(n, 0.95)
        assert stats.binom.cdf(at - 1, n, 0.5) <= 0.025 if at else stats.binom.cdf(0, n, 0.5) > 0.025
        assert stats.binom.cdf(at, n, 0.5) > 0.025


# Texts


def test_one_slip_breaks_a_model_that_looks_at_one_word() -> None:
    measures = found("typos", writings(reads("splendid")))
    assert value(measures["accuracy_under_typos", "edits=0"]) == 1
    assert value(measures["accuracy_under_typos", "edits=1"]) == 0.5  # nothing puts the word where it is not
    assert value(measures["accuracy_under_typos", "edits=5"]) == 0.5
    assert value(measures["typo_attack_success", ""]) == 0.5
    careless = measures["accuracy_change_under_random_typos", "random slips, edits=5"]
    assert -0.5 < value(careless) < 0
    assert careless.p is not None
    assert careless.p < 0.01


def test_a_constant_model_is_not_moved_by_words() -> None:
    def says(rows: pa.Table) -> pa.Table:
        return pa.table({"score": np.full(rows.num_rows, 0.3), "label": ["no"] * rows.num_rows})

    for part, metric in (("typos", "accuracy_under_typos"), ("words", "accuracy_under_word_edits")):
        measures = found(part, writings(says))
        assert {value(one) for (name, _), one in measures.items() if name == metric} == {0.5}
    changed = found("typos", writings(says))["accuracy_change_under_random_typos", "random slips, edits=5"]
    assert value(changed) == 0
    assert changed.estimate is not None
    assert changed.estimate.low < 0 < changed.estimate.high


def test_words_dropped_and_exchanged_break_it_and_words_put_in_do_not() -> None:
    measures = found("words", writings(reads("splendid")))
    curve = {how: value(measures["accuracy_under_word_edits", f"how={how}, edits=1"]) for how in ("drop", "insert")}
    assert curve == {"drop": 0.5, "insert": 1.0}
    neutral = words.neutral_words(writings(reads("splendid"), n=200))
    assert neutral
    assert "splendid" not in neutral


def test_the_most_telling_word_comes_first_and_questions_are_counted() -> None:
    asked_rows = 0

    def says(rows: pa.Table) -> pa.Table:
        nonlocal asked_rows
        asked_rows += rows.num_rows
        return reads("splendid")(rows)

    subject = writings(says)
    texts = _edits.texts(subject, PLAN)
    asked_rows = 0
    tried = _edits.broken(subject, texts, lambda word, rng: [""], PLAN)
    assert set(tried.edits.tolist()) == {-1, 1}
    assert tried.queries.sum() == asked_rows
    assert (tried.queries[tried.edits == 1] == 10).all()  # nine words left out, and one edit


def test_the_budget_of_questions_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_edits, "BUDGET", 30)
    subject = writings(lambda rows: reads("nowhere")(rows))
    tried = _edits.broken(subject, _edits.texts(subject, PLAN), slips, PLAN)
    assert tried.queries.max() <= 30


@pytest.mark.parametrize("word", ["splendid", "a", "I", "Été", "x9", "aa"])
def test_slips_are_other_words_and_the_same_again(word: str) -> None:
    some = slips(word, np.random.default_rng(0))
    assert some == slips(word, np.random.default_rng(0))
    assert word not in some
    assert len(set(some)) == len(some) <= 16
    assert all(abs(len(other) - len(word)) <= 1 for other in some)
