"""What the recommender claims share: ids, splits by person, tuning on validation, and the metrics of each person."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benchmarks._claim import ROOT
from consentinel.core.rng import generator
from consentinel.models.asked import told
from consentinel.models.evaluation import ranking
from consentinel.models.pieces.logs import log_of
from consentinel.models.recommend._fitted import RecommenderTrainer
from consentinel.models.recommend._ranking import answer, asked

__all__ = ["Candidate", "Task", "held", "measured", "retrieving", "shared", "task", "tuned"]

Ints = NDArray[np.int64]
PATIENCE = 3  # looks at validation without gain after which training step by step ends


@dataclass(frozen=True)
class Candidate:
    """Something that recommends: what it is called, how it fits a log, and with which settings.

    Where it learns step by step, ROUNDS yields settings that end earlier and what was learnt by then, so that
    validation also decides when to stop.
    """

    who: str
    fit: Callable[..., Any]
    settings: Any
    rounds: Callable[..., Iterator[tuple[Any, Any]]] | None = None


@dataclass(frozen=True)
class Task:
    """What is learnt from (INTERACTIONS), what is to be found (query, item), and the cut-off."""

    rows: pa.Table
    truth: pa.Table
    k: int


def shared(folder: str, name: str) -> pa.Table:
    """Return the table NAME in FOLDER of the shared model data; raises SystemExit where there is none."""
    root = Path(os.environ.get("CONSENTINEL_SHARED_DATA", ROOT.parent / "shared" / "data")) / "models" / folder
    if not (root / name).is_file():
        raise SystemExit(f"no {folder}: set CONSENTINEL_SHARED_DATA to the folder that has it under models/")
    return pq.read_table(root / name)


def task(user: Ints, item: Ints, test: NDArray[np.bool_], k: int, weight: NDArray[Any] | None = None) -> Task:
    """Return the task to find the pairs that TEST marks, at rank K, from the others."""
    names = (pa.array(one).cast(pa.string()) for one in (user, item))
    who, what = (name.dictionary_encode() for name in names)
    weights = pa.array(np.ones(len(user), np.float32) if weight is None else np.asarray(weight, np.float32))
    rows = pa.table({"user": who, "item": what, "weight": weights}).filter(pa.array(~test))
    return Task(rows, pa.table({"query": who, "item": what}).filter(pa.array(test)), k)


def held(user: Ints, share: float, seed: int, *names: str) -> NDArray[np.bool_]:
    """Return which rows are held out: SHARE of each person's, drawn at random, rounded to whole rows; (n,)."""
    order = np.lexsort((generator(seed, *names).random(len(user)), user))
    sorted_user = user[order]
    rank = np.arange(len(user)) - np.searchsorted(sorted_user, sorted_user)
    found = np.zeros(len(user), bool)
    found[order] = rank < np.floor(np.bincount(user)[sorted_user] * share + 0.5)
    return found


def measured(one: Candidate, at: Task, seed: int) -> pa.Table:
    """Return the metrics of each person of task AT under ONE (evaluation.ranking.per_query)."""
    model = RecommenderTrainer(one.who, one.settings, one.fit).train(at.rows, seed=seed)
    people = at.truth["query"].unique()
    ranked = model.predict(pa.table({"query": people, "k": pa.array(np.full(len(people), at.k, np.int32))}))
    return ranking.per_query(ranked, at.truth, at.k)


def tuned(
    candidates: Iterable[Candidate], at: Task, metric: str, seed: int, found: Mapping[str, tuple[float, Candidate]] = {}
) -> dict[str, tuple[float, Candidate]]:
    """Return by name the best of CANDIDATES on the validation task AT with its METRIC, added to those FOUND before."""
    best, log = dict(found), log_of(at.rows)
    questions = at.truth["query"].unique()
    ask = asked(pa.table({"query": questions, "k": pa.array(np.full(len(questions), at.k, np.int32))}), log)
    for one in candidates:
        tries = one.rounds or (lambda *asked, fit=one.fit: iter([(asked[1], fit(*asked))]))
        most, worse = -1.0, 0
        for settings, scorer in tries(log, one.settings, seed):
            table = ranking.per_query(answer(ask, log, scorer.scores), at.truth, at.k)
            reached = float(ranking.values(table, metric).mean())
            print(f"  {one.who} {reached:.4f} {told(settings)}", flush=True)
            if one.who not in best or reached > best[one.who][0]:
                best[one.who] = (reached, replace(one, settings=settings))
            most, worse = max(most, reached), 0 if reached > most else worse + 1
            if worse == PATIENCE:
                break
    return best


def retrieving(best: Mapping[str, tuple[float, Candidate]], names: Iterable[str]) -> str:
    """Return the `retrievers` setting of two_stage for the parts NAMES with the settings that were BEST."""
    return "+".join(":".join([name, *(f"{k}={v}" for k, v in told(best[name][1].settings).items())]) for name in names)
