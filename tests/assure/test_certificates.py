"""Certificates: equal to the truth where it is known, never above what an attack leaves, and tied to their promise."""

from dataclasses import dataclass
from itertools import combinations, product
from math import comb
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from consentinel.assure.answering import Meaning, wrapped
from consentinel.assure.auditing import fitting
from consentinel.assure.measure import Measure, Plan
from consentinel.assure.robust import _certified, _descent, ablation, interval_bounds, smoothing
from consentinel.assure.subject import Subject
from consentinel.core.errors import ContractBroken, UsageError
from consentinel.core.model_contracts import Bounded, Differentiable, TreeEnsemble
from consentinel.core.rng import generator

binom = pytest.importorskip("scipy.stats", reason="SciPy comes with the extra [learn]").binom
SIDE, PLAN = 4, Plan(draws=200)


@dataclass(frozen=True)
class Plane:
    """Pictures on one side of a plane are "b": weights (pixels,) times pixels in [0, 1], less the offset."""

    weights: np.ndarray
    offset: float
    kind: str = "vision"

    def inputs(self, rows: pa.Table, /) -> np.ndarray:
        """Return pixels in [0, 1]."""
        flat = rows["image"].combine_chunks().flatten().to_numpy().reshape(rows.num_rows, -1)
        return flat.astype(np.float32) / np.float32(255)

    def classes(self) -> list[str]:
        """Return the two classes."""
        return ["a", "b"]

    def scores(self, inputs: np.ndarray, /) -> np.ndarray:
        """Return 0 and the distance times the length of the weights."""
        odds = inputs.reshape(len(inputs), -1).astype(float) @ self.weights - self.offset
        return np.stack([np.zeros(len(odds)), odds], axis=1).astype(np.float32)

    def gradient(self, inputs: np.ndarray, target: np.ndarray, /) -> np.ndarray:
        """Return the weights."""
        return (target[:, None] * self.weights).reshape(inputs.shape).astype(np.float32)

    def bounds(self, low: np.ndarray, high: np.ndarray, /) -> tuple[np.ndarray, np.ndarray]:
        """Return the exact bounds."""
        middle, arm = self.scores((low + high) / 2)[:, 1], (high - low).reshape(len(low), -1) / 2 @ abs(self.weights)
        none = np.zeros(len(low))
        return np.stack([none, middle - arm - 1e-5], axis=1), np.stack([none, middle + arm + 1e-5], axis=1)

    def predict(self, rows: pa.Table, /) -> pa.Table:
        """Return labels and probabilities."""
        odds = self.scores(self.inputs(rows))[:, 1].astype(float)
        p = 1 / (1 + np.exp(-odds))
        both = pa.array(np.stack([1 - p, p], axis=1).tolist())
        label = np.where(odds > 0, "b", "a").tolist()
        return pa.table({"score": np.maximum(p, 1 - p), "label": label, "probabilities": both})

    def save(self, path: Path, /) -> Path:
        """Not needed here."""
        raise AssertionError


@dataclass(frozen=True)
class Words:
    """A text is "yes" where it has more good words than bad ones."""

    good: frozenset[str] = frozenset({"good"})
    bad: frozenset[str] = frozenset({"bad"})
    kind: str = "text"

    def predict(self, rows: pa.Table, /) -> pa.Table:
        """Return labels."""
        sums = [sum((w in self.good) - (w in self.bad) for w in text.split()) for text in rows["text"].to_pylist()]
        return pa.table({"score": [0.9] * len(sums), "label": ["yes" if one > 0 else "no" for one in sums]})

    def save(self, path: Path, /) -> Path:
        """Not needed here."""
        raise AssertionError


def subject(model: Any, rows: pa.Table) -> Subject:
    units = pa.table({"unit": [f"r{at}" for at in range(rows.num_rows)]})
    return Subject(model.kind, "made", rows, model.predict(rows), np.arange(rows.num_rows), units, model=model)


def pictures(n: int, label: list[str] | None = None, seed: int = 0) -> pa.Table:
    x = np.random.default_rng(seed).integers(110, 146, (n, SIDE * SIDE))
    size, one = pa.array([SIDE] * n, pa.int32()), pa.array([1] * n, pa.int32())
    image = pa.array(x.tolist(), pa.list_(pa.uint8()))
    return pa.table({"image": image, "height": size, "width": size, "channels": one, "label": label or ["b"] * n})


def plane(seed: int = 1) -> Plane:
    weights = np.random.default_rng(seed).normal(size=SIDE * SIDE)
    return Plane(weights, float(weights.sum() * 128 / 255 - 0.3 * np.linalg.norm(weights)))


def test_the_radius_of_a_plane_is_the_distance_to_it() -> None:
    """Grey pictures far from black and white lose nothing to clipping, so the vote's share is Phi(distance / sigma)."""
    model, sigma = plane(), 0.1
    rows = pictures(25)
    found = smoothing.smoothed(subject(model, rows), PLAN, rows=25, sigma=sigma, draws=3000)
    distance = model.scores(model.inputs(rows))[:, 1] / np.linalg.norm(model.weights)
    sure = distance[found.rows] > 0
    assert found.right[sure].all()
    sigmas = np.abs(distance[found.rows]) / sigma
    assert (found.radius <= sigma * sigmas + 1e-3).all()  # half a pixel of rounding, averaged out
    hits = binom.ppf(1e-4, 3000, [NormalDist().cdf(float(one)) for one in sigmas])  # seldom fewer
    least = [NormalDist().inv_cdf(_certified.lower(int(one), 3000)) * sigma for one in hits]
    assert (found.radius >= np.array(least) - 1e-3).all()
    assert found.radius.mean() > 0.2


def test_bounds_of_shares_are_those_of_clopper_and_pearson_and_seldom_wrong() -> None:
    assert _certified.lower(100, 100) == pytest.approx(0.001 ** (1 / 100))
    assert _certified.lower(0, 100) == 0.0
    hits = np.random.default_rng(0).binomial(50, 0.8, 20_000)
    bound = {int(one): _certified.lower(int(one), 50, 0.01) for one in np.unique(hits)}
    assert np.mean([bound[int(one)] > 0.8 for one in hits]) <= 0.012


def test_a_vote_without_a_majority_abstains() -> None:
    """On the plane itself half of the noise falls on each side."""
    model = plane()
    at = model.weights.sum() * 128 / 255
    even = Plane(model.weights, float(at))
    grey = pictures(1)
    grey = grey.set_column(0, "image", pa.array([[128] * SIDE * SIDE], pa.list_(pa.uint8())))
    measures = measured(list(smoothing.probe(subject(even, grey), PLAN)))
    assert measures["abstained_share", ""].estimate.value == 1
    assert measures["certified_accuracy", "norm=L2, radius=0.1"].estimate.value == 0
    assert measures["smoothed_accuracy", ""].estimate.value == 0


def measured(found: list[Measure]) -> dict[tuple[str, str], Any]:
    return {(one.metric, one.slice): one for one in found}


def test_certified_pictures_withstand_the_nearest_move() -> None:
    """The shortest way out of a half space is along its weights: the vote there is asked anew."""
    model, rows = plane(), pictures(12)
    audited = subject(model, rows)
    found = smoothing.smoothed(audited, PLAN, rows=12, sigma=0.1, draws=400)
    way = -model.weights / np.linalg.norm(model.weights)
    for row, good, radius in zip(found.rows, found.right, found.radius, strict=True):
        if good and radius > 0:
            rng = generator(1, "test")
            votes = smoothing.voted(audited, rows.slice(int(row), 1), rng, 0.1, 2000, (radius * 0.99) * way)
            assert np.mean(votes == "b") > 0.48


def test_the_curve_falls_and_says_the_level_of_its_certificates() -> None:
    found = measured(list(smoothing.probe(subject(plane(), pictures(40, ["b"] * 30 + ["a"] * 10)), PLAN)))
    curve = [found["certified_accuracy", f"norm=L2, radius={radius:.4g}"] for radius in smoothing.RADII]
    values = [one.estimate.value for one in curve]
    assert values == sorted(values, reverse=True)
    assert 0 < values[0] <= found["smoothed_accuracy", ""].estimate.value <= 0.75
    assert all("0.001" in one.why and one.better == "higher" for one in curve)
    assert found["average_certified_radius", ""].estimate.value <= 0.53


def test_pixels_that_are_no_bytes_are_said() -> None:
    rows = pictures(3)
    floats = rows.set_column(0, "image", rows["image"].cast(pa.list_(pa.float32())))
    with pytest.raises(UsageError, match="uint8"):
        smoothing.smoothed(subject(plane(), floats), PLAN)


VOCABULARY = ("good", "bad", "plain")


def worst(text: list[str], keep: int, gone: int, model: Words) -> set[str]:
    """Return every label that the vote gives when any GONE words of TEXT are replaced by any of the vocabulary."""
    ways, said = list(combinations(range(len(text)), keep)), set()
    for places in combinations(range(len(text)), gone):
        for words in product(VOCABULARY, repeat=gone):
            other = list(text)
            for place, word in zip(places, words, strict=True):
                other[place] = word
            votes = model.predict(pa.table({"text": [" ".join(other[at] for at in way) for way in ways]}))["label"]
            yes = votes.to_pylist().count("yes")
            said.add("yes" if 2 * yes > len(ways) else "no" if 2 * yes < len(ways) else "neither")
    return said


@pytest.mark.parametrize("keep", [1, 2, 3])
def test_no_replacement_breaks_a_certificate_of_all_copies(keep: int) -> None:
    """Every text of five words of a tiny vocabulary (up to order), and every replacement of it."""
    model, reached, rng = Words(), set(), generator(0, "test")
    made = ablation.copies(5, keep, 100, rng)
    assert made.every
    assert len(made.words) == comb(5, keep)
    texts = {tuple(sorted(text)) for text in product(VOCABULARY, repeat=5)}
    for text in texts:
        votes = np.array(model.predict(pa.table({"text": made.of(list(text))}))["label"].to_pylist(), object)
        guess, words = ablation.standing(votes, made)
        reached.add(words)
        for gone in range(int(words) + 1):
            assert worst(list(text), keep, gone, model) == {guess}
    assert max(reached) == 3 - keep  # a word is in more than half of the copies of three


def test_one_word_is_certified_exactly_when_every_copy_is_asked() -> None:
    """With one word in a copy each replaced word takes one vote: 2 (votes - r) > d."""
    made = ablation.copies(9, 1, 100, generator(0, "test"))
    for yes in range(5, 10):
        votes = np.array(["yes"] * yes + ["no"] * (9 - yes), object)
        assert ablation.standing(votes, made) == ("yes", max(r for r in range(9) if 2 * (yes - r) > 9))


def test_drawn_copies_certify_no_more_than_the_formula_for_certain_votes() -> None:
    rng = generator(0, "test")
    made = ablation.copies(40, 4, 300, rng)
    assert not made.every
    assert made.words.shape == (ablation.FIRST + 300, 4)
    assert all(len(set(row)) == 4 for row in made.words.tolist())
    assert np.bincount(made.words.ravel(), minlength=40).min() > 10
    low = 0.001 ** (1 / 300)
    highest = max(r for r in range(40) if low - (comb(40, 4) - comb(40 - r, 4)) / comb(40, 4) > 0.5)
    assert ablation.standing(np.array(["yes"] * len(made.words), object), made) == ("yes", highest)
    mixed = np.array(["yes", "no"] * (len(made.words) // 2), object)
    assert ablation.standing(mixed, made)[1] == -1


def test_texts_are_certified_by_the_probe_and_an_empty_text_stays_a_text() -> None:
    texts = ["good " * 12, "plain " * 12, "good bad " * 6, "", "good"]
    rows = pa.table({"text": texts, "label": ["yes", "no", "no", "no", "yes"]})
    audited = subject(Words(), rows)
    found = ablation.ablated(audited, PLAN)
    assert found.right.tolist() == [True, True, False, True, True] or found.words[2] == -1
    assert found.words.tolist()[:2] == [5, 5]  # 12 words, one in a copy: 2 (12 - r) > 12
    assert found.words.tolist()[3:] == [0, 0]  # nothing to replace; the only word replaced
    measures = measured(list(ablation.probe(audited, PLAN)))
    assert measures["certified_accuracy", "words=1"].estimate.value == pytest.approx(2 / 5)
    assert measures["accuracy", ""].estimate.value == 1


def test_boxes_of_a_plane_are_exact_and_never_above_what_descent_leaves() -> None:
    model, rows = plane(), pictures(60)
    audited, radii = subject(model, rows), (0.01, 0.03, 0.06, 0.1)
    found = interval_bounds.enclosed(audited, PLAN, radii)
    odds = model.scores(model.inputs(rows))[:, 1]
    for radius in radii:
        exact = odds - radius * np.abs(model.weights).sum() > 1e-4
        held = found.radius >= radius
        assert (held <= (odds - radius * np.abs(model.weights).sum() > 0)).all()
        assert (held >= exact).all()
        truth, rng = np.ones(60, np.int64), generator(0, "test")
        x = model.inputs(rows)
        fell = _descent.attacked(model, x, truth, radius, _descent.ball("Linf"), rng)[1] >= 0
        assert not (held & fell).any()
    named = measured(list(interval_bounds.probe(audited, PLAN)))
    values = [named["certified_accuracy", f"norm=Linf, radius={one:.4g}"].estimate.value
              for one in interval_bounds.RADII["vision"]]  # fmt: skip
    assert values == sorted(values, reverse=True)
    assert values[0] <= named["accuracy", ""].estimate.value


def test_bounds_that_are_no_bounds_are_refused() -> None:
    @dataclass(frozen=True)
    class Wrong(Plane):
        def bounds(self, low: np.ndarray, high: np.ndarray, /) -> tuple[np.ndarray, np.ndarray]:
            made = super().bounds(low, high)
            return made[1], made[0]

    one = plane()
    with pytest.raises(ContractBroken, match="no bounds"):
        interval_bounds.enclosed(subject(Wrong(one.weights, one.offset), pictures(5)), PLAN, (0.01,))
    with pytest.raises(UsageError, match="knows"):
        interval_bounds.enclosed(subject(one, pictures(5, ["z"] * 5)), PLAN, (0.01,))


def test_a_model_of_several_promises_keeps_them_all_behind_its_door() -> None:
    model, rows = plane(), pictures(4)
    door: Any = wrapped(model, "vision", Meaning())
    assert isinstance(door, Bounded)
    assert isinstance(door, Differentiable)
    assert not isinstance(door, TreeEnsemble)
    x = door.inputs(rows)
    assert np.array_equal(door.scores(x), model.scores(x))
    assert np.array_equal(door.bounds(x, x)[0], model.bounds(x, x)[0])
    plain = wrapped(Words(), "text", Meaning())
    assert not isinstance(plain, Bounded)
    assert not isinstance(plain, Differentiable)


def test_what_needs_bounds_is_left_where_there_are_none() -> None:
    rows = pictures(4)
    fit, _ = fitting(subject(plane(), rows), "robust")
    assert {("robust", "interval_bounds"), ("robust", "smoothing")} <= set(fit)
    audited = subject(plane(), rows)
    _, left = fitting(Subject(audited.kind, "table", rows, audited.answers, audited.unit, audited.groups), "robust")
    assert {name for _, name, _ in left} >= {"interval_bounds", "smoothing"}
