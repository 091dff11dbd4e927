"""Why a linear recommender recommends: what each item of a history adds to a score and to a lead, exactly.

The score of an item is the sum of the weights from the items of a history, so these weights are what each of them adds,
and their differences are what it adds to the lead of one recommended item over another. Dropping an item takes its
weights away: the new list is known without asking the model. A dropped item stays unrecommended, since it was done.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from consentinel.assure.explain._curves import (
    EXAMPLES,
    LEVELS,
    ORDERS,
    Floats,
    areas,
    gain,
    mean_of,
    ranks,
    top,
)
from consentinel.assure.measure import Measure, Plan, drawn
from consentinel.assure.subject import Subject
from consentinel.core.columns import one
from consentinel.core.model_contracts import LinearRecommender
from consentinel.core.rng import generator
from consentinel.core.stats import wilson

KINDS = ("recsys",)
NEEDS = ("weights",)
SHOWN, REASONS, DROPS = 5, 3, 20
_LEVELS = LEVELS[:-1]  # with nothing left of a history there is no first item
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Explained:
    """A list and its reasons.

    Arguments: person, a place in the units; history (h,) and listed (k,), places of items, best first; answered (k,),
    the scores that the model gave; rows (h, items), what each item of the history adds to the score of each item;
    scores (items,), of all, -inf for the history.
    """

    person: int
    history: Ints
    listed: Ints
    answered: Floats
    rows: Floats
    scores: Floats

    @property
    def contributions(self) -> Floats:
        """What each item of the history adds to each listed score; shape (h, k)."""
        return self.rows[:, self.listed]

    def margins(self, first: int, second: int) -> Floats:
        """Return what each item of the history adds to the lead of the item listed FIRST over SECOND; shape (h,)."""
        return self.contributions[:, first] - self.contributions[:, second]

    def without(self, dropped: NDArray[Any], k: int) -> Ints:
        """Return the K best items were those at DROPPED, places in the history, not done; exact."""
        scores = self.scores - self.rows[dropped].sum(axis=0)
        return np.argsort(-scores, kind="stable")[:k]

    def error(self) -> float:
        """Return the largest distance of a sum of contributions from the score, or the lead, that it explains.

        The score is the product of the history with the weights, in float64.
        """
        done = np.ones(len(self.history)) @ self.rows
        scores, sums = done[self.listed], self.contributions.sum(axis=0)
        first, second = np.triu_indices(len(self.listed), 1)
        leads = np.array([self.margins(i, j).sum() for i, j in zip(first, second, strict=True)])
        away = np.concatenate([sums - scores, leads - (scores[first] - scores[second]), [0.0]])
        return float(np.abs(away).max())


def probe(subject: Subject, plan: Plan) -> Iterator[Measure]:
    """Yield how exact the reasons are, how often lists are those of the model, and whether dropping what counts most
    changes the first item more often than dropping at random."""
    lists = list(explained(subject, plan))
    if not lists:
        why = "no list rests on a history that the model knows: ask for people whom it learned from"
        yield Measure("additivity_error", None, why=why)
        return
    who = np.arange(len(lists))
    errors = np.array([one.error() for one in lists])
    why = (
        f"the mean of the largest of each list; the largest of all is {errors.max():.1e}; from the weights, in float64"
    )
    yield mean_of("additivity_error", errors, who, plan, "lower", why)
    gaps = np.array([np.abs(one.contributions.sum(axis=0) - one.answered).max() for one in lists])
    why = (
        f"the same from the scores that it answered, which it may have rounded; the largest of all is {gaps.max():.1e}"
    )
    yield mean_of("answer_additivity_error", gaps, who, plan, "lower", why)
    same = sum(np.array_equal(one.without(who[:0], len(one.listed)), one.listed) for one in lists)
    why = "lists that the weights give anew; others are ordered by more than weights, or have ties within rounding"
    yield Measure("reproduced_lists", wilson(int(same), len(lists), plan.level), better="higher", why=why)
    yield from _faithful([one for one in lists if len(one.history) > 1], len(lists), plan)


def explained(subject: Subject, plan: Plan) -> Iterator[Explained]:
    """Yield the lists of at most `plan.rows` people with their reasons; those without a known history are left out."""
    model: Any = subject.model
    assert isinstance(model, LinearRecommender)
    assert subject.queries is not None
    place = {item: at for at, item in enumerate(model.items)}
    weights = model.weights()
    weights = weights if isinstance(weights, np.ndarray) else weights.tocsr()
    names = one(subject.queries["query"]).cast(pa.string())
    query = np.asarray(pc.fill_null(pc.index_in(one(subject.answers["query"]).cast(pa.string()), names), -1))
    item = np.array([place.get(name, -1) for name in one(subject.answers["item"]).cast(pa.string()).to_pylist()])
    score = np.asarray(subject.answers["score"], np.float64)
    order = np.argsort(query, kind="stable")
    edges = np.searchsorted(query[order], np.arange(len(names) + 1))
    for person in drawn("explain", np.arange(len(names)), plan.rows, plan, "linear_recommender"):
        mine = order[edges[person] : edges[person + 1]][: subject.k]
        history = np.asarray(model.history(names[person].as_py()), np.int64)
        if not len(history) or not len(mine) or (item[mine] < 0).any():
            continue
        rows = weights[history]
        rows = np.asarray(rows if isinstance(rows, np.ndarray) else rows.toarray(), np.float64)
        scores = rows.sum(axis=0)
        scores[history] = -np.inf
        yield Explained(int(person), history, item[mine].astype(np.int64), score[mine], rows, scores)


def examples(subject: Subject, plan: Plan) -> pa.Table:
    """Return for a few people, who are numbers, the strongest reasons of their first recommendation, by item."""
    names: Any = subject.model.items if isinstance(subject.model, LinearRecommender) else []
    few = [one for one, _ in zip(explained(subject, plan), range(SHOWN), strict=False)]
    if not few:
        return EXAMPLES.empty_table()
    return top(
        [f"person {at + 1}" for at in range(len(few))],
        [str(names[int(one.listed[0])]) for one in few],
        [[str(names[int(at)]) for at in one.history] for one in few],
        [one.contributions[:, 0] for one in few],
        REASONS,
    )


def _faithful(lists: list[Explained], whole: int, plan: Plan) -> Iterator[Measure]:
    if not lists:
        yield Measure("top_item_changed", None, why="no history holds two items or more, so nothing can be dropped")
        return
    said = f"{len(lists):,} of {whole:,} lists, whose histories hold two items or more"
    rng = generator(plan.seed, "assure.explain.linear_recommender", "drops")
    strongest, random, ahead = np.zeros(len(lists)), np.zeros(len(lists)), np.zeros(len(lists))
    deleted = np.zeros(len(lists))
    for at, one_ in enumerate(lists):
        count = len(one_.history)
        first = one_.contributions[:, 0]
        strongest[at] = _changed(one_, np.array([first.argmax()])).mean()
        random[at] = _changed(one_, rng.permutation(count)[:DROPS]).mean()
        chance = ranks(rng.random((ORDERS, count)))
        curves = _stays(one_, np.concatenate([ranks(first[None, :]), chance]))
        found = areas(curves)
        deleted[at], ahead[at] = found[0], found[1:].mean() - found[0]
    who = np.arange(len(lists))
    changed = wilson(int(strongest.sum()), len(lists), plan.level)
    why = f"lists whose first item changes when the item of the history that adds most to it is dropped; {said}"
    yield Measure("top_item_changed", changed, "strongest reason dropped", why=why)
    why = f"the share at the strongest reason less that at one drawn at random; {said}"
    yield gain("top_item_changed_difference", strongest - random, who, plan, why, against="a random item dropped")
    why = f"share of the way, dropping the strongest reasons first, on which the first item stays first; {said}"
    yield mean_of("deletion_auc", deleted, who, plan, "lower", why)
    yield gain("deletion_auc_difference", ahead, who, plan, f"random order less strongest first; {said}")


def _changed(one: Explained, dropped: Ints) -> NDArray[np.bool_]:
    """Return for each item at DROPPED (d,), alone, whether another item comes first without it."""
    scores = one.scores - one.rows[dropped]
    return np.asarray(scores.argmax(axis=1) != one.listed[0])


def _stays(one: Explained, order: Ints) -> Floats:
    """Return whether the first item stays first, (orders, levels), when shares of the history are dropped in ORDER
    (orders, h), ranks of which 0 goes first."""
    kept = order[:, None, :] >= np.ceil(_LEVELS * order.shape[1])[None, :, None]
    scores = kept.astype(np.float64) @ one.rows
    scores[:, :, one.history] = -np.inf
    return np.asarray(scores.argmax(axis=2) == one.listed[0], np.float64)
