"""What a frontier measures on each shelf that has private parts: sides of a split, utilities, and the trivial floor.

A floor is what needs no model: the base rate, the most common class, a random order of items. Popularity is no floor
of recommenders here: it is learnt from people, and would have to be paid for.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from consentinel.core.columns import one
from consentinel.core.model_contracts import Model
from consentinel.core.rng import generator
from consentinel.models.evaluation import ranking, scores, splits
from consentinel.models.evaluation.measuring import answers, asked_of, constant
from consentinel.models.frontiers.value import bid_clicks, cut_off_profit
from consentinel.models.pieces.classes import labels
from consentinel.models.reading import queries, unlabelled

__all__ = ["MEASURED", "Measured", "Sides", "sides"]

Floats = NDArray[np.float64]
Found = Mapping[str, float]


@dataclass(frozen=True)
class Sides:
    """What is learnt from and what is tested on; all items of a frontier; the cut-off rank; the seed of draws."""

    train: pa.Table
    test: pa.Table
    items: int
    k: int
    seed: int


@dataclass(frozen=True)
class Measured:
    """How a shelf is measured.

    Arguments: SHOWN, the measure that is told; FLOOR, what the floor is called; public(rows, share), what the rows say
    that a private trainer has to be told; of(model, sides) and trivial(sides), utilities by name.
    """

    shown: str
    floor: str
    public: Callable[[pa.Table, float], Mapping[str, str]]
    of: Callable[[Model, Sides], Found]
    trivial: Callable[[Sides], Found]


def sides(shelf: str, rows: pa.Table, share: float, k: int, seed: int, at: int) -> Sides:
    """Return split AT of ROWS: SHARE of the rows, or of the items of each person, is tested on."""
    items = 0
    if shelf == "recommend":
        distinct, items = _distinct(rows)
        train, test = splits.split(distinct, "random", "interactions", share=share, seed=seed + at)
    else:
        tested = generator(seed, "models.frontier", f"split {at}").random(rows.num_rows) < share
        train, test = rows.filter(pa.array(~tested)), rows.filter(pa.array(tested))
    return Sides(train, test, items, k, seed + at)


def _nothing(rows: pa.Table, share: float) -> Mapping[str, str]:
    labels(rows, "models frontier")
    return {}


def _clicked(model: Model, sides: Sides) -> Found:
    return _clicks(np.asarray(model.predict(sides.test)["score"], dtype=np.float64), sides)


def _base_rate(sides: Sides) -> Found:
    return _clicks(np.full(sides.test.num_rows, labels(sides.train, "models frontier").mean()), sides)


def _clicks(score: Floats, sides: Sides) -> Found:
    label = labels(sides.test, "models frontier")
    return {
        "explained_entropy": scores.explained_entropy(label, score),
        "auc": scores.auc(label, score),
        "cut_off_profit": cut_off_profit(label, score),
        "bid_clicks": bid_clicks(label, score, seed=sides.seed),
    }


def _catalogue(rows: pa.Table, share: float) -> Mapping[str, str]:
    return {"catalogue": "|".join(sorted(one(rows["item"].cast(pa.string())).unique().to_pylist()))}


def _recommended(model: Model, sides: Sides) -> Found:
    truth = pa.table({"query": sides.test["user"], "item": sides.test["item"]})
    asked = queries(pa.table({"query": one(truth["query"].cast(pa.string())).unique()}), "models frontier", sides.k)
    rows = ranking.per_query(asked_of(model, asked), truth, sides.k)
    return {name: float(ranking.values(rows, name).mean()) for name in ("ndcg", "recall")}


def _random_order(sides: Sides) -> Found:
    """Return what a random order of the items that a person has not had comes to, in expectation."""
    wanted, had = (_rows_of(side) for side in (sides.test, sides.train))
    left = np.array([sides.items - had.get(person, 0) for person in wanted], np.float64)
    many = np.array(list(wanted.values()), np.int64)
    gain = np.cumsum(1 / np.log2(np.arange(2, sides.k + 2)))
    shown = np.minimum(left, sides.k)
    ndcg = many / left * gain[shown.astype(int) - 1] / gain[np.minimum(many, sides.k) - 1]
    return {"ndcg": float(ndcg.mean()), "recall": float((shown / left).mean())}


def _distinct(rows: pa.Table) -> tuple[pa.Table, int]:
    """Return the first of the ROWS of each person with each item, so that no test repeats what was learnt, and how
    many items there are."""
    user, item = (one(rows[name].cast(pa.string())).dictionary_encode() for name in ("user", "item"))
    pair = np.asarray(user.indices, np.int64) * len(item.dictionary) + np.asarray(item.indices)
    return rows.take(pa.array(np.sort(np.unique(pair, return_index=True)[1]))), len(item.dictionary)


def _rows_of(side: pa.Table) -> Mapping[str, int]:
    found = pc.value_counts(one(side["user"].cast(pa.string())))
    return dict(zip(found.field(0).to_pylist(), found.field(1).to_pylist(), strict=True))


def _classes(rows: pa.Table, share: float) -> Mapping[str, str]:
    found = sorted(one(rows["label"].cast(pa.string())).drop_null().unique().to_pylist())
    return {"classes": "|".join(found), "people": str(max(1, round(rows.num_rows * (1 - share))))}


def _right(model: Model, sides: Sides) -> Found:
    return _accuracy(answers(model, unlabelled(sides.test, "vision")).said, sides)


def _most_common(sides: Sides) -> Found:
    truth, learnt = (one(side["label"].cast(pa.string())) for side in (sides.test, sides.train))
    return _accuracy(constant(truth, learnt).said, sides)


def _accuracy(said: pa.Array, sides: Sides) -> Found:
    truth = one(sides.test["label"].cast(pa.string()))
    return {"accuracy": float(pc.mean(pc.equal(said, truth).cast(pa.float64())).as_py())}


MEASURED = {
    "ads": Measured("explained_entropy", "base rate", _nothing, _clicked, _base_rate),
    "recommend": Measured("ndcg", "random order", _catalogue, _recommended, _random_order),
    "vision": Measured("accuracy", "most common class", _classes, _right, _most_common),
}
