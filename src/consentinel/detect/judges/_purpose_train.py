"""Trains judges of purposes: a multinomial logistic regression, calibrated and given a threshold on held-out groups."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from consentinel import __version__
from consentinel.core.errors import BadInput
from consentinel.core.extras import need
from consentinel.core.modelfile import ModelFile
from consentinel.detect.judges._abstain import risk_threshold
from consentinel.detect.judges._claim_training import FOLDS, digest, folds
from consentinel.detect.judges._purpose_features import Words, of_cookies, of_requests, of_requests_without_keys
from consentinel.detect.judges._purpose_linear import KIND, PURPOSES, Judged, Weights, softmax
from consentinel.detect.judges._purpose_taught import cookies, pairs
from consentinel.detect.shelves import SURFACES

__all__ = [
    "MODEL", "Learnt", "Recipe", "held_out", "threshold", "train", "train_baseline", "train_cookies", "train_pairs",
]  # fmt: skip

TEMPERATURES = np.geomspace(0.2, 5, 60)
COOKIEBLOCK = "example crawl of CookieBlock-Consent-Classifier, 13 February 2021, 212 sites, MIT licence"
RISK = 0.05  # share of errors among decided rows that the threshold is set for

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a judge is trained: what it sees of a row, buckets, strength (1 / penalty), what keeps rows together."""

    part: str
    see: Judged
    buckets: int
    strength: float
    groups: str
    even: bool  # each group weighs the same, however many rows it has


MODEL = Recipe("purpose_model", of_requests, 1 << 14, 100.0, "family", True)
BASELINE = Recipe("purpose_logistic", of_requests_without_keys, 1 << 10, 100.0, "family", True)
COOKIES = Recipe("cookie_model", of_cookies, 1 << 15, 30.0, "site", False)


@dataclass(frozen=True, slots=True)
class Learnt:
    """What a judge says of each row when it never saw the row's group: probabilities, and what calibrates all.

    `models` has weights and biases of the judge of each fold, and `fold` says in which one a row is.
    """

    p: Floats
    temperature: float
    fold: npt.NDArray[np.int64]
    models: tuple[tuple[Floats, Floats], ...]


def train(
    visits: list[Path], labels: Path, *, seed: int, progress: Callable[[str], None] = lambda text: None
) -> ModelFile:
    """Return the judge of recipients that the training sites among the recordings VISITS teach.

    LABELS is the folder that the labeller of the range wrote. Raises BadInput, MissingExtra without scikit-learn.
    """
    return train_pairs(pairs(visits, labels, [SURFACES.take(name) for name in SURFACES.names()], tell=progress), seed)


def train_pairs(table: pa.Table, seed: int) -> ModelFile:
    """Return the judge of recipients trained on TABLE (PURPOSE_TABLE); equal tables give equal bytes."""
    what = {
        "what": "P(purpose) of a recipient from names of fields, data types, carriers, methods and resource types",
        "recordings": "every one given of the sites that the labels train on: "
        f"{pc.sum(table['n_requests']).as_py():,} requests",
        "teachers": f"{_many(table, 'teacher')}; the entity map teaches where the labels of the range do not know",
        "licence": "Apache-2.0",
        "limits": "About one family in nine is not advertising; one family alone is necessary, too few to "
        "learn it from; fingerprinting as a purpose has no teacher and is never said",
        "retrain": "consentinel.detect.judges._purpose_train.train(visits, labels, seed=...)",
    }
    return _trained(table, MODEL, seed, what)


def train_baseline(table: pa.Table, seed: int) -> ModelFile:
    """Return the baseline trained on TABLE (PURPOSE_TABLE): the same without names of fields."""
    return _trained(table, BASELINE, seed, {"what": "The baseline: without names of fields", "licence": "Apache-2.0"})


def train_cookies(file: Path, seed: int, *, source: str = COOKIEBLOCK) -> ModelFile:
    """Return the judge of cookies trained on a Parquet FILE of declared ones, see `cookies`; the card tells SOURCE."""
    what = {
        "what": "P(purpose) of a cookie from its name, the shape of its value, its lifetime and whose it is",
        "teachers": f"what the consent managers of sites declare: {source}",
        "licence": "Apache-2.0; learnt from the source above: hashed weights, no name and no value of it",
        "limits": "sites declare the same cookie differently, so no judge can be right on all of them",
        "retrain": "consentinel.detect.judges._purpose_train.train_cookies(file, seed=...)",
    }
    return _trained(cookies(file), COOKIES, seed, what)


def held_out(table: pa.Table, recipe: Recipe, seed: int) -> Learnt:
    """Return what models say of each row of TABLE that never saw its group; the temperature of a fold is of others."""
    y, words, group = _truth(table), recipe.see(table), _groups(table, recipe)
    counts = _counts(group, recipe)
    if len(set(group.tolist())) < 2 * FOLDS or len(set(y.tolist())) < 2:
        todo = f"Give labels of two purposes and of at least {2 * FOLDS} groups"
        raise BadInput("too few labels to train on", where="training table", todo=todo)
    fold, scores, models = folds(group, seed), np.zeros((len(y), len(PURPOSES))), []
    for at in range(FOLDS):
        learn = np.flatnonzero(fold != at)
        models.append(_fit(words.some(learn), y[learn], counts[learn], recipe))
        test = np.flatnonzero(fold == at)
        scores[test] = words.some(test).sums(models[at][0]) + models[at][1]
    p = np.zeros_like(scores)
    for at in range(FOLDS):
        mine, others = fold == at, fold != at
        p[mine] = softmax(scores[mine] / _temperature(scores[others], y[others], counts[others]))
    return Learnt(p, _temperature(scores, y, counts), fold, tuple(models))


def threshold(table: pa.Table, recipe: Recipe, learnt: Learnt) -> float:
    """Return the confidence from which a judge decides, set by what is LEARNT of TABLE for a share RISK of errors."""
    wrong = learnt.p.argmax(axis=1) != _truth(table)
    return risk_threshold(learnt.p.max(axis=1), wrong, _groups(table, recipe), RISK)


def _trained(table: pa.Table, recipe: Recipe, seed: int, about: dict[str, str]) -> ModelFile:
    learnt, y, group = held_out(table, recipe, seed), _truth(table), _groups(table, recipe)
    counts = _counts(group, recipe)
    weights, bias = _fit(recipe.see(table), y, counts, recipe)
    sure, said = learnt.p.max(axis=1), learnt.p.argmax(axis=1)
    settled = Weights.of(weights, bias, learnt.temperature, threshold(table, recipe, learnt))
    decided = sure >= settled.threshold
    card = about | {
        "part": recipe.part,
        "model": f"multinomial logistic regression over {recipe.buckets} hashed words, 8-bit weights, temperature",
        "training table": f"sha256 {digest(table)}, {table.num_rows} rows, {len(set(group.tolist()))} groups",
        "cases": _many(table, "purpose"),
        "checked on": f"{FOLDS} folds, held out by {recipe.groups}; temperature from the other folds"
        + ("; each family counts once" if recipe.even else ""),
        "accuracy": f"{_mean(said == y, counts):.4f}",
        "accuracy of the most frequent purpose": f"{max(_mean(y == at, counts) for at in range(len(PURPOSES))):.4f}",
        "F1": ", ".join(f"{name} {_f1(y == at, said == at, counts):.3f}" for at, name in enumerate(PURPOSES)),
        "calibration error": f"{_error(sure, said == y, counts):.4f}",
        "decided": f"{_mean(decided, counts):.4f}",
        "accuracy where decided": f"{_mean((said == y)[decided], counts[decided]):.4f}" if decided.any() else "none",
        "risk": str(RISK),
        "seed": str(seed),
    }
    return ModelFile(KIND, "1", f"consentinel {__version__}", settled.arrays(), card)


def _truth(table: pa.Table) -> npt.NDArray[np.int64]:
    return np.array([PURPOSES.index(name) for name in table["purpose"].to_pylist()], np.int64)


def _groups(table: pa.Table, recipe: Recipe) -> npt.NDArray[np.str_]:
    return np.array(table[recipe.groups].to_pylist(), object).astype(str)


def _counts(group: npt.NDArray[np.str_], recipe: Recipe) -> Floats:
    """Return how much each row weighs."""
    _, at, many = np.unique(group, return_inverse=True, return_counts=True)
    return np.asarray(1.0 / many[at] if recipe.even else np.ones(len(group)))


def _fit(words: Words, y: npt.NDArray[np.int64], counts: Floats, recipe: Recipe) -> tuple[Floats, Floats]:
    """Return weights (buckets x PURPOSES) and biases; a purpose without a case gets a bias too low to win."""
    linear, sparse = need("sklearn.linear_model", extra="learn"), need("scipy.sparse", extra="learn")
    bucket, row, weight = words.numbers(recipe.buckets)
    used, column = np.unique(bucket, return_inverse=True)  # the others would get a weight of 0
    x: Any = sparse.csr_matrix((weight, (row, column)), shape=(len(y), len(used)))
    found = linear.LogisticRegression(C=recipe.strength, max_iter=1000, tol=1e-4).fit(x, y, counts)
    weights, bias = np.zeros((recipe.buckets, len(PURPOSES))), np.full(len(PURPOSES), -30.0)
    if len(found.classes_) == 2:  # one row of weights for two classes
        weights[used, found.classes_[1]], bias[found.classes_] = found.coef_[0], (0.0, found.intercept_[0])
    else:
        weights[np.ix_(used, found.classes_)], bias[found.classes_] = found.coef_.T, found.intercept_
    return weights, bias


def _temperature(scores: Floats, y: npt.NDArray[np.int64], counts: Floats) -> float:
    """Return the temperature of least log loss."""
    every = np.arange(len(y))
    tried = [float(t) for t in TEMPERATURES]
    loss = [float(-counts @ np.log(np.maximum(softmax(scores / t)[every, y], 1e-12))) for t in tried]
    return tried[int(np.argmin(loss))]


def _mean(found: npt.NDArray[np.bool_], counts: Floats) -> float:
    return float(np.average(found, weights=counts))


def _f1(truth: npt.NDArray[np.bool_], said: npt.NDArray[np.bool_], counts: Floats) -> float:
    either = float(counts @ truth + counts @ said)
    return float(2 * counts @ (truth & said)) / max(either, 1e-12)


def _error(sure: Floats, right: npt.NDArray[np.bool_], counts: Floats) -> float:
    """Return the calibration error of the purposes said, over ten classes of equal width."""
    place = np.minimum((sure * 10).astype(int), 9)
    gap = counts * (sure - right)
    return float(sum(abs(gap[place == at].sum()) for at in range(10)) / counts.sum())


def _many(table: pa.Table, name: str) -> str:
    counts = sorted((str(one["values"]), one["counts"]) for one in pc.value_counts(table[name]).to_pylist())
    return ", ".join(f"{label} {n}" for label, n in counts)
