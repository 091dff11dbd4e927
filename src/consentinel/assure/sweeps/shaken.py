"""Utility when the inputs are disturbed: a cheap figure of robustness that every kind of model has."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from consentinel.assure.measure import Measure, Plan
from consentinel.assure.subject import RANKED_KINDS, Subject
from consentinel.assure.sweeps.trained import disturbed, thinned
from consentinel.assure.sweeps.utility import utility
from consentinel.core.columns import one
from consentinel.core.errors import UsageError
from consentinel.core.rng import generator

__all__ = ["shaken"]

SIZE = 0.5  # standard deviations of normal noise
WORDS = 0.2  # share of words left out
SHUFFLED = 0.1  # share of interactions that go to somebody else


def shaken(subject: Subject, plan: Plan, finish: Callable[[Subject], Subject]) -> Measure:
    """Return utility when inputs have noise of half a standard deviation, or lack a fifth of their words.

    Recommenders, whose input is what they learned, learn anew when a tenth of all interactions, drawn at random, are
    exchanged among people. FINISH is what is done to answers afterwards. Raises UsageError where there is nothing to
    disturb.
    """
    seed = plan.seed
    if subject.kind == "recsys":
        made, why = _relearned(subject, seed), f"trained with {SHUFFLED:.0%} of interactions mixed"
    elif subject.kind in RANKED_KINDS:
        made, why = _asked(subject, seed), "queries or features disturbed"
    else:
        text = subject.kind == "text"
        rows = disturbed(subject.rows, subject.kind, WORDS if text else SIZE, seed, subject.attributes())
        made = subject.answered(subject.ask(rows))
        why = f"{WORDS:.0%} of words left out" if text else f"normal noise of {SIZE:g} standard deviations"
    return utility(finish(made), plan.level, "_under_noise", why)


def _relearned(subject: Subject, seed: int) -> Subject:
    if subject.lacks("train") or subject.learned is None or subject.queries is None or subject.trainer is None:
        raise UsageError("a recommender that is disturbed needs what it learned and a way to train it")
    rng = generator(seed, "assure.sweeps.shuffled")
    place = np.arange(subject.learned.num_rows)
    some = np.flatnonzero(rng.random(len(place)) < SHUFFLED)
    place[some] = rng.permutation(some)
    at = subject.learned.schema.get_field_index("item")
    field = subject.learned.schema.field(at)
    rows = subject.learned.set_column(at, field, one(subject.learned["item"]).take(pa.array(place)))
    model = subject.trainer.train(rows, seed=seed)
    return replace(subject, model=model).answered(_again(replace(subject, model=model), subject.queries))


def _asked(subject: Subject, seed: int) -> Subject:
    model: Any = subject.model
    assert subject.queries is not None
    if getattr(model, "candidates", None) is not None:
        changed = replace(subject, model=replace(model, candidates=_features(model.candidates, seed)))
        return changed.answered(_again(changed, subject.queries))
    texts = one(subject.queries["text"])
    if texts.null_count == len(texts):
        raise UsageError("the queries have neither text nor features that could be disturbed")
    at = subject.queries.schema.get_field_index("text")
    rng = generator(seed, "assure.sweeps.words")
    return subject.answered(_again(subject, subject.queries.set_column(at, "text", thinned(texts, WORDS, rng))))


def _features(candidates: pa.Table, seed: int) -> pa.Table:
    return disturbed(candidates, "tabular", SIZE, seed, ("query", "item"))


def _again(subject: Subject, queries: pa.Table) -> pa.Table:
    """Return answers to QUERIES in the form of the subject's own."""
    return subject.ask(queries).select(["query", "item", "score"])
