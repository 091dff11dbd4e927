"""Attribute inference: how well a held-out attacker tells a sensitive attribute from what a model answers."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from consentinel.assure.measure import Measure, Plan
from consentinel.assure.people import texts
from consentinel.assure.private._roc import LEAST, Attack, area_measure
from consentinel.assure.subject import MISSING, Subject
from consentinel.core.columns import one
from consentinel.core.rng import generator
from consentinel.core.stats import Floats

__all__ = ["KINDS", "NEEDS", "probe"]

KINDS = ("tabular", "vision", "text", "graph", "recsys")
NEEDS = ("groups",)
FOLDS = 5
WIDE = 50  # directions that the attacker looks at, the strongest of all answers
MOST = 20  # times Plan.rows are looked at
_PULL = 1.0  # quadratic, in rows


def probe(subject: Subject, plan: Plan) -> Iterator[Measure]:
    """Yield for each group the AUC of telling its members from all others; who knows base rates alone has 0.5.

    The attacker, a logistic regression, learns from four fifths of the people and is judged on the rest. It sees the
    label and score (or probabilities) of a classifier, the top k of a recommender. Of recommenders the same attacker on
    the learned histories stands beside it: what the data themselves give away.
    """
    views = [("attribute_inference_auc", *_answers(subject))]
    if subject.kind == "recsys" and subject.learned is not None:
        views.append(("attribute_inference_auc_from_history", *_histories(subject)))
    for metric, seen, unit in views:
        if len(unit) > MOST * plan.rows:
            random = generator(plan.seed, "assure.private.attribute.rows")
            kept = np.sort(random.choice(len(unit), MOST * plan.rows, replace=False))
            seen, unit = seen[kept], unit[kept]
        features = _strongest(seen)
        for name in subject.attributes():
            yield from _told(subject, plan, metric, name, features, unit)


def _told(
    subject: Subject, plan: Plan, metric: str, name: str, features: Floats, unit: NDArray[np.intp]
) -> Iterator[Measure]:
    said = subject.attribute(name)[unit]
    known = said != MISSING
    groups = sorted(set(said[known].tolist()))
    if len(groups) < 2:
        yield Measure(metric, None, name, why=f"there is {len(groups)} known group of {name}; at least 2 are needed")
        return
    for group in groups[: 1 if len(groups) == 2 else None]:
        about = f"{name}={group}"
        member, whose, seen = said[known] == group, unit[known], features[known]
        few = min(len(np.unique(whose[member])), len(np.unique(whose[~member])))
        if few < FOLDS * LEAST:
            yield Measure(metric, None, about, why=f"needs {FOLDS * LEAST} people in it and out of it, there are {few}")
            continue
        scores = _held_out(seen, member, whose, plan)
        yield area_measure(metric, Attack(scores, member, whose), plan, about, "null: an attacker who knows base rates")


def _held_out(seen: Floats, member: NDArray[np.bool_], whose: NDArray[np.intp], plan: Plan) -> Floats:
    """Return for each row how likely an attacker that did not learn its person finds it, as a rank within its fold."""
    people, first, person = np.unique(whose, return_index=True, return_inverse=True)
    order = generator(plan.seed, "assure.private.attribute").permutation(len(people))
    order = order[np.argsort(member[first][order], kind="stable")]  # each fold has as many members as any other
    fold = np.empty(len(people), np.int64)
    fold[order] = np.arange(len(people)) % FOLDS
    scores = np.zeros(len(member))
    for at in range(FOLDS):
        test = fold[person] == at
        weights = _logistic(seen[~test], member[~test])
        scores[test] = _ranks(seen[test] @ weights[:-1])
    return scores


def _ranks(scores: Floats) -> Floats:
    by = np.sort(scores)
    return (np.searchsorted(by, scores, "left") + np.searchsorted(by, scores, "right")) / (2.0 * len(by))


def _logistic(x: Floats, y: NDArray[np.bool_]) -> Floats:
    """Return the weights of a logistic regression with a quadratic pull, the intercept last; Newton's method."""
    wide = np.column_stack([x, np.ones(len(x))])
    pull = np.append(np.full(x.shape[1], _PULL), 1e-6)
    theta = np.zeros(wide.shape[1])
    for _ in range(25):
        p = 1 / (1 + np.exp(-np.clip(wide @ theta, -30, 30)))
        slope = wide.T @ (p - y) + pull * theta
        bend = (wide * (p * (1 - p))[:, None]).T @ wide + np.diag(pull)
        step = np.linalg.solve(bend, slope)
        theta -= step
        if np.abs(step).max() < 1e-8:
            break
    return theta


def _strongest(seen: Floats) -> Floats:
    """Return SEEN (n, d) along its strongest directions, each of variance 1; labels play no part in them."""
    off = seen - seen.mean(axis=0)
    wide = min(WIDE, off.shape[1], max(1, len(off) // 10))
    if off.shape[1] > len(off):
        strength, left = np.linalg.eigh(off @ off.T)
        made = left * np.sqrt(np.maximum(strength, 0.0))
    else:
        strength, right = np.linalg.eigh(off.T @ off)
        made = off @ right
    made = made[:, ::-1][:, :wide]
    spread = made.std(axis=0)
    return made[:, spread > 1e-9] / spread[spread > 1e-9]


def _answers(subject: Subject) -> tuple[Floats, NDArray[np.intp]]:
    answers = subject.answers
    if subject.kind == "recsys":
        assert subject.queries is not None
        where = pc.index_in(texts(answers["query"]), texts(subject.queries["query"]))
        return _lists(np.asarray(pc.fill_null(where, -1)), answers["item"], subject.queries.num_rows, subject.k)
    if "probabilities" in answers.column_names:
        seen = np.asarray(one(answers["probabilities"]).flatten().cast(pa.float64())).reshape(answers.num_rows, -1)
    else:
        label = one(answers["label"]).cast(pa.string()).dictionary_encode()
        hot = np.asarray(label.indices)[:, None] == np.arange(len(label.dictionary))
        score = np.asarray(one(answers["score"]).cast(pa.float64()), np.float64)
        seen = np.column_stack([score, hot, score[:, None] * hot])
    return seen, subject.unit


def _histories(subject: Subject) -> tuple[Floats, NDArray[np.intp]]:
    assert subject.learned is not None
    who = pc.index_in(texts(subject.learned["user"]), one(subject.groups["unit"]).cast(pa.string()))
    return _lists(np.asarray(pc.fill_null(who, -1)), subject.learned["item"], subject.groups.num_rows, 0)


def _lists(who: NDArray[np.int64], item: pa.ChunkedArray, count: int, k: int) -> tuple[Floats, NDArray[np.intp]]:
    """Return which of the most frequent items stand in the list of each of COUNT people (K: in its first K)."""
    coded = texts(item).dictionary_encode()
    what = np.asarray(coded.indices)
    if k:
        order = np.argsort(who, kind="stable")
        rank = np.empty(len(who), np.int64)
        rank[order] = np.arange(len(who)) - np.searchsorted(who[order], who[order])
        who = np.where(rank < k, who, -1)
    there = who >= 0
    often = np.argsort(-np.bincount(what[there], minlength=len(coded.dictionary)), kind="stable")[:2000]
    column = np.full(len(coded.dictionary), -1)
    column[often] = np.arange(len(often))
    there &= column[what] >= 0
    seen = np.zeros((count, len(often)))
    seen[who[there], column[what[there]]] = 1.0
    return seen, np.arange(count)
