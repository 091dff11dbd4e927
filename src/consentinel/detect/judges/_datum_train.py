"""Trains the judge of data: one logistic regression a type, calibrated and given thresholds on held-out families."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from consentinel import __version__
from consentinel.core.errors import BadInput
from consentinel.core.extras import need
from consentinel.core.modelfile import ModelFile
from consentinel.detect.judges._claim_training import FOLDS, digest, folds
from consentinel.detect.judges._datum_features import Features, features, last_name_only, last_names, without
from consentinel.detect.judges._datum_linear import KIND, Decision, Linear, recognised, sigmoid, to_arrays
from consentinel.detect.judges._datum_scores import calibration_error, f1, macro_f1
from consentinel.detect.judges._datum_table import Targets, build, targets
from consentinel.detect.judges._rows import TYPES
from consentinel.detect.shelves import SURFACES

__all__ = ["HeldOut", "fitted", "held_out", "train", "train_baseline", "train_datum"]

BUCKETS, FEW_BUCKETS = 1 << 15, 1 << 12
STRENGTH, WEIGHT_OF_YES = 0.5, 3.0  # inverse of the penalty, and weight of a true case; by grouped cross-validation
FEWEST, FEWEST_FAMILIES = 8, 2  # true cases of a type, and families that have them; below, recognisers decide
# A shape tells "+1" from no telephone number, the digest of an address from no other, and the name of a person from no
# name of a thing: what the value is, decides.
VALUES_SAY = ("contact.email", "contact.email_hashed", "contact.name", "contact.phone", "contact.phone_hashed")
BELIEVED = 0.8  # share of new names about which recognisers have to be right
SURE_ENOUGH = 0.5  # threshold of types that are left to recognisers
STEPS, PENALTY = 60, 0.1  # of calibration
# Products of floating-point numbers depend in their last digits on where in memory the arrays lie; equal tables are to
# make equal models to the byte, so these are cut.
DECIMALS = 4
FARTHEST = 30.0  # log-odds where training saw no case of a type

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class HeldOut:
    """What a judge says of each row of a table when it never saw the row's family."""

    p: Floats
    said: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Scored:
    """Held-out log-odds of each row, its fold, and whether the others had its last name."""

    log_odds: Floats
    fold: npt.NDArray[np.int64]
    unmet: npt.NDArray[np.bool_]


def train(
    visits: list[Path], labels: Path, *, seed: int, progress: Callable[[str], None] = lambda text: None
) -> ModelFile:
    """Return the judge of data that the training sites among the recordings VISITS teach.

    LABELS is the folder that the labeller of the range wrote; see range/README.md. Raises BadInput where it lacks
    leaves.parquet or the recordings have too few labelled families, MissingExtra without scikit-learn.
    """
    table = build(visits, labels, [SURFACES.take(name) for name in SURFACES.names()], tell=progress)
    progress(f"{table.num_rows:,} distinct data")
    return train_datum(table, seed)


def train_datum(table: pa.Table, seed: int) -> ModelFile:
    """Return the judge of data trained on TABLE (DATUM_TABLE); equal tables give equal bytes.

    Raises BadInput where it has too few families, MissingExtra without scikit-learn.
    """
    whole, truth = held_out(table, seed), targets(table)
    blind = {name: held_out(without(table, name), seed) for name in ("key", "shape", "type")}
    rules = recognised(table)
    card = {
        "part": "datum_model",
        "what": "P(data type) of a datum from its key, carrier, shape and what the recognisers said; several may hold",
        "model": f"a logistic regression for each type over {BUCKETS} hashed binary features, 8-bit weights",
        "licence": "Apache-2.0",
        "training table": f"sha256 {digest(table)}, {table.num_rows} rows",
        "families": str(len(set(table["family"].to_pylist()))),
        "checked on": "held-out families of the training part, five folds; calibration and thresholds from other folds",
        "macro-F1": _figure(macro_f1(truth, whole.said)),
        "calibration error": _figure(calibration_error(truth, whole.p)),
        "macro-F1 of the recognisers alone": _figure(macro_f1(truth, rules > 0)),
        "macro-F1 with neutral key names, recognisers still reading them": _figure(macro_f1(truth, blind["key"].said)),
        "macro-F1 without shapes": _figure(macro_f1(truth, blind["shape"].said)),
        "macro-F1 without recognisers": _figure(macro_f1(truth, blind["type"].said)),
        "F1 by type": _by_type(f1(truth, whole.said)),
        "F1 by type of the recognisers": _by_type(f1(truth, rules > 0)),
        "cases by type": ", ".join(f"{n} {c}" for n, c in zip(TYPES, truth.yes.sum(axis=0).tolist(), strict=True)),
        "not seen in training": "web traffic of real sites; types without cases are left to the recognisers",
        "retrain": "consentinel.detect.judges._datum_train.train(visits, labels, seed=...)",
        "seed": str(seed),
    }
    return ModelFile(KIND, "1", f"consentinel {__version__}", to_arrays(fitted(table, seed, BUCKETS, False)), card)


def train_baseline(table: pa.Table, seed: int) -> ModelFile:
    """Return the baseline trained on TABLE (DATUM_TABLE): the same, of the last inner name of each key alone."""
    kept, truth = held_out(table, seed, name_only=True), targets(table)
    card = {
        "part": "datum_logistic",
        "what": "P(data type) of a datum from the last inner name of its key: the baseline",
        "licence": "Apache-2.0",
        "training table": f"sha256 {digest(table)}, {table.num_rows} rows",
        "macro-F1": _figure(macro_f1(truth, kept.said)),
        "calibration error": _figure(calibration_error(truth, kept.p)),
        "seed": str(seed),
    }
    return ModelFile(KIND, "1", f"consentinel {__version__}", to_arrays(fitted(table, seed, FEW_BUCKETS, True)), card)


def held_out(table: pa.Table, seed: int, *, name_only: bool = False) -> HeldOut:
    """Return what models say that never saw the family of a row; calibration and thresholds are of other folds too."""
    truth, family = targets(table), np.array(table["family"].to_pylist())
    rows = last_name_only(table) if name_only else table
    scored = _scored(rows, truth, family, seed, FEW_BUCKETS if name_only else BUCKETS)
    p = np.zeros_like(scored.log_odds)
    said = np.zeros(p.shape, bool)
    for number in np.unique(scored.fold):
        mine, others = scored.fold == number, scored.fold != number
        decision = _decide(scored, rows, truth, family, others)
        p[mine] = decision.probabilities(scored.log_odds[mine], rows.filter(pa.array(mine)), scored.unmet[mine])
        said[mine] = p[mine] >= decision.threshold
    return HeldOut(p, said)


def fitted(table: pa.Table, seed: int, buckets: int = BUCKETS, name_only: bool = False) -> Linear:
    """Return the weights, calibration and thresholds that TABLE (DATUM_TABLE) teaches."""
    truth, family = targets(table), np.array(table["family"].to_pylist())
    rows = last_name_only(table) if name_only else table
    scored = _scored(rows, truth, family, seed, buckets)
    weights, bias = _fit(features(rows), truth, buckets)
    scale = np.maximum(np.abs(weights).max(axis=0), 1e-6) / 127
    met = np.zeros(buckets, bool)
    met[last_names(rows) % buckets] = True
    return Linear(
        weights=np.round(weights / scale).astype(np.int8),
        scale=scale.astype(np.float32),
        bias=np.round(bias, DECIMALS).astype(np.float32),
        met=met,
        decision=_decide(scored, rows, truth, family, np.ones(len(family), bool)),
        name_only=name_only,
    )


def _scored(rows: pa.Table, truth: Targets, family: npt.NDArray[np.str_], seed: int, buckets: int) -> _Scored:
    if len(np.unique(family)) < 2 * FOLDS:
        todo = f"Give labels of at least {2 * FOLDS} families"
        raise BadInput("too few families to train on", where="training table", todo=todo)
    fold, names, seen = folds(family, seed), last_names(rows), features(rows)
    log_odds = np.zeros((rows.num_rows, len(TYPES)), np.float32)
    unmet = np.zeros(rows.num_rows, bool)
    for number in np.unique(fold):
        learn, score = fold != number, fold == number
        weights, bias = _fit(seen.at(learn), truth.at(learn), buckets)
        log_odds[score] = seen.at(score).sums(weights.astype(np.float32)) + bias
        unmet[score] = ~np.isin(names[score], names[learn])
    return _Scored(log_odds, fold, unmet)


def _fit(seen: Features, truth: Targets, buckets: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return weights (buckets x types) and biases of a logistic regression for each type."""
    linear = need("sklearn.linear_model", extra="learn")
    sparse = need("scipy.sparse", extra="learn")
    rows = len(seen.start) - 1
    x = sparse.csr_matrix((np.ones(len(seen.index)), seen.index % buckets, seen.start), shape=(rows, buckets))
    x.sum_duplicates()  # two features of a row that fall into one bucket weigh twice there, as when scoring
    weights, bias = np.zeros((buckets, len(TYPES))), np.full(len(TYPES), -FARTHEST)
    for at in range(len(TYPES)):
        known = np.flatnonzero(truth.known[:, at] | truth.taught[:, at])
        yes = truth.yes[known, at] | truth.taught[known, at]
        if not 0 < yes.sum() < len(yes):
            continue
        model = linear.LogisticRegression(
            C=STRENGTH, class_weight={False: 1.0, True: WEIGHT_OF_YES}, solver="liblinear", tol=1e-3, random_state=0
        ).fit(x[known], yes)
        weights[:, at], bias[at] = model.coef_[0], model.intercept_[0]
    return weights, bias


def _decide(
    scored: _Scored, rows: pa.Table, truth: Targets, family: npt.NDArray[np.str_], where: npt.NDArray[np.bool_]
) -> Decision:
    """Return calibration and thresholds from held-out log-odds at WHERE, and when recognisers decide.

    They keep a type that they tell better, or that has too few cases to learn from; and they are believed about names
    that are new, unless they were wrong too often there.
    """
    n, rules = len(TYPES), recognised(rows) > 0
    slope, shift = np.ones(n, np.float32), np.zeros(n, np.float32)
    threshold, asked, trusted = np.full(n, SURE_ENOUGH, np.float32), np.ones(n, bool), np.zeros(n, bool)
    for at in range(n):
        known = truth.known[:, at] & where
        yes, said = truth.yes[known, at], rules[known, at]
        new = said & scored.unmet[known]
        shown = len(np.unique(family[known][new])) >= FEWEST_FAMILIES
        trusted[at] = shown and (new & yes).sum() >= BELIEVED * new.sum()
        if TYPES[at] in VALUES_SAY or yes.sum() < FEWEST or len(np.unique(family[known][yes])) < FEWEST_FAMILIES:
            continue
        odds = scored.log_odds[known, at].astype(np.float64)
        slope[at], shift[at] = np.round(_platt(odds, yes), DECIMALS)
        p = np.where(new & trusted[at], 1.0, sigmoid(odds * slope[at] + shift[at]))
        best = _best_f1(p, yes)
        # where probabilities are calibrated, half of the highest F1 is the threshold that gives it
        # (Lipton, Elkan and Naryanaswamy, "Optimal thresholding of classifiers to maximize F1", ECML 2014, theorem 1)
        threshold[at] = round(best / 2, DECIMALS)
        asked[at] = 2 * (said & yes).sum() / max(1, said.sum() + yes.sum()) >= best
    threshold[asked] = SURE_ENOUGH
    return Decision(slope, shift, threshold, asked, trusted)


def _platt(odds: npt.NDArray[np.float64], yes: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Return slope and shift of the logistic regression of YES on ODDS, by Newton steps with a small penalty."""
    at = np.zeros(2)
    for _ in range(STEPS):
        p = 0.5 * (1 + np.tanh(0.5 * (at[0] * odds + at[1])))
        off, w = p - yes, p * (1 - p)
        slope = np.array([np.sum(off * odds), np.sum(off)]) + PENALTY * at
        mixed = np.sum(w * odds)
        curve = np.array([[np.sum(w * odds * odds), mixed], [mixed, np.sum(w)]]) + PENALTY * np.eye(2)
        step = np.linalg.solve(curve, slope)
        at -= step * min(1.0, 2.0 / max(np.abs(step).max(), 1e-12))
    return float(at[0]), float(at[1])


def _best_f1(p: Floats, yes: npt.NDArray[np.bool_]) -> float:
    """Return the highest F1 that a threshold on P can give."""
    order = np.argsort(-p, kind="stable")
    score = 2 * np.cumsum(yes[order]) / (np.arange(1, len(p) + 1) + yes.sum())
    return float(score[np.append(p[order][:-1] > p[order][1:], True)].max())


def _figure(value: float) -> str:
    return f"{value:.4f}"


def _by_type(scores: npt.NDArray[np.float64]) -> str:
    return ", ".join(f"{name} {score:.3f}" for name, score in zip(TYPES, scores, strict=True) if np.isfinite(score))
