"""Recommenders: who did what afterwards, among all items that they learned from, beside the most popular ones."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from consentinel.core.columns import one
from consentinel.core.errors import UsageError
from consentinel.core.run import Run
from consentinel.models import kept
from consentinel.models.evaluation.comparing import compared
from consentinel.models.evaluation.measuring import Sample, asked_of, ranked_figures
from consentinel.models.measures.sides import Asked, Measured, Sides, histories, queries

__all__ = ["measured"]


def measured(run: Run, sides: Sides, asked: Asked) -> Measured:
    """Return how well SIDES name what each person did afterwards. Raises UsageError."""
    learned = sides.learned
    if learned is None:
        raise UsageError(
            "say with --train what the model learned from: popularity of it stands beside, and is left out"
        )
    truth = pa.table({"query": sides.held["user"], "item": sides.held["item"]})
    before = _pairs(truth["query"], truth["item"], learned["user"], learned["item"])
    if before.any():
        run.note(f"{int(before.sum())} held-out rows repeat what was learned from and are left out: they are no news")
        truth = truth.filter(pa.array(~before))
    if not truth.num_rows:
        raise UsageError("no held-out row is left: all of them were learned from")
    items = one(learned["item"].cast(pa.string())).unique()
    users = one(truth["query"].cast(pa.string())).unique()
    strangers = len(users) - int(pc.sum(pc.is_in(users, one(learned["user"].cast(pa.string())).unique())).as_py())
    if strangers:
        run.note(
            f"{strangers} of {len(users)} people were not learned from; they count, with what the model gives them"
        )
    cold = len(truth) - int(pc.sum(pc.is_in(truth["item"].cast(pa.string()), items)).as_py())
    if cold:
        run.note(f"{cold} of {len(truth)} held-out rows are of items that were not learned from; they count as missed")
    k = len(items) if asked.sampled or not asked.k else asked.k
    questions = queries(users, k, histories(users, learned))
    sample = Sample(items, asked.sampled, asked.seed) if asked.sampled else None
    answered = [asked_of(model, questions) for model in sides.models]
    if not any(pc.any(pc.is_in(one(ranked["item"].cast(pa.string())), items)).as_py() for ranked in answered):
        raise UsageError(
            f"{sides.name} answers with none of the items that it learned from, so held-out items say nothing"
        )
    found = [ranked_figures(sides.name, ranked, truth, asked.k, asked.gain, sample) for ranked in answered]
    baselines = []
    if not sides.name.endswith("/popularity"):
        _, trainer, _ = kept.trainer("recommend/popularity", "")
        plain = asked_of(trainer.train(learned, seed=asked.seed), questions)
        baselines.append(ranked_figures("popularity", plain, truth, asked.k, asked.gain, sample)[0])
    table = compared([figures for figures, _ in found], baselines, asked.how(), asked.metrics)
    return Measured(table, {"per_query": found[0][1]})


def _pairs(user: pa.Array, item: pa.Array, users: pa.Array, items: pa.Array) -> NDArray[np.bool_]:
    """Return which pairs of USER and ITEM stand among those of USERS and ITEMS too; shape (n,)."""
    people = one(pa.chunked_array([one(user.cast(pa.string())), one(users.cast(pa.string()))]).dictionary_encode())
    things = one(pa.chunked_array([one(item.cast(pa.string())), one(items.cast(pa.string()))]).dictionary_encode())
    pair = np.asarray(people.indices, np.int64) * len(things.dictionary) + np.asarray(things.indices, np.int64)
    return np.isin(pair[: len(user)], pair[len(user) :])
