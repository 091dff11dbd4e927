"""Measure a model, or a part on a split of one file, beside simple baselines, with intervals."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from consentinel.core.columns import one
from consentinel.core.contracts import Model
from consentinel.core.errors import UsageError
from consentinel.core.rng import generator
from consentinel.core.run import Outcome, Run
from consentinel.core.tables import check
from consentinel.models import kept, reading
from consentinel.models.evaluation import comparing, ranking, splits
from consentinel.models.evaluation.measuring import (
    Figures,
    Sample,
    answers,
    asked_of,
    constant,
    ranked_figures,
    row_figures,
)
from consentinel.models.rows import QUERIES, RANKED

__all__ = ["Asked", "evaluate"]


@dataclass(frozen=True)
class Asked:
    """What is asked: as in `verbs.evaluate`."""

    train: Path | None
    split: splits.Wish
    share: float
    settings: str
    seed: int
    seeds: int
    k: int
    metrics: str
    gain: ranking.Gain
    sampled: int
    level: float
    person: str
    columns: str


@dataclass(frozen=True)
class _Sides:
    """The models to measure, one for each training seed, what they learned from (or None), and what is held out."""

    shelf: str
    name: str
    models: list[Model]
    learned: pa.Table | None
    held: pa.Table


def evaluate(run: Run, model: str, path: Path, asked: Asked) -> Outcome:
    """Measure MODEL, a file or a part "shelf/name", on the rows of PATH; keep metrics.parquet and, for rankings,
    per_query.parquet.

    Raises UsageError, BadInput; ContractBroken where the model does not answer as promised.
    """
    if asked.k < 0 or asked.seeds < 1 or asked.sampled < 0:
        raise UsageError("k and sampled are at least 0, seeds at least 1")
    sides = _sides(run, model, path, asked)
    kind = sides.models[0].kind
    if asked.sampled and kind != "recsys":
        raise UsageError(f"sampled candidates are for recommenders; a {kind} model is measured on all rows")
    measure = {"recsys": _recommended, "ranking": _ranked}.get(kind, _classified)
    found, baselines, per_query, people = measure(run, sides, asked)
    table = comparing.compared(found, baselines, comparing.How(people, asked.seed, asked.level), asked.metrics)
    files = {"metrics": run.keep("metrics", table)}
    if per_query is not None:
        files["per_query"] = run.keep("per_query", per_query)
    if asked.sampled:
        run.note(
            f"metrics over {asked.sampled} sampled candidates do not keep the order of models; prefer full ranking"
        )
    return Outcome(run, 0, files, "\n".join([comparing.text(table), *(f"note: {note}" for note in run.notes)]))


def _sides(run: Run, model: str, path: Path, asked: Asked) -> _Sides:
    more = (asked.person,) if asked.person else ()
    if model.partition("/")[0] in kept.SHELVES and not Path(model).is_file():
        if asked.split == "none" or asked.train is not None:
            raise UsageError(
                f"to measure the part {model[:60]}, say with --split how to hold rows out; no --train then"
            )
        shelf, trainer, _ = kept.trainer(model, asked.settings)
        rows = reading.rows(run, path, shelf, asked.columns, more)
        learned, held = splits.split(
            rows, asked.split, reading.SHAPES[shelf], share=asked.share, seed=asked.seed, person=asked.person
        )
        run.assume(split=asked.split, learned=learned.num_rows, held_out=held.num_rows)
        wanted = range(asked.seed, asked.seed + asked.seeds)
        models = [trainer.train(learned, seed=seed) for seed in run.each(wanted, "training", asked.seeds)]
        return _Sides(shelf, model, models, learned, held)
    if asked.split != "none" or asked.settings or asked.seeds != 1:
        raise UsageError(
            f"{Path(model).name} is trained already: --split, --settings and --seeds go with a part's name"
        )
    shelf, name, opened = kept.opened(run, Path(model))
    held = reading.rows(run, path, shelf, asked.columns, more)
    learned = None if asked.train is None else reading.rows(run, asked.train, shelf, asked.columns, more)
    return _Sides(shelf, f"{shelf}/{name}", [opened], learned, held)


Measured = tuple[list[Figures], list[Figures], pa.Table | None, "np.ndarray[tuple[int], np.dtype[np.generic]] | None"]


def _recommended(run: Run, sides: _Sides, asked: Asked) -> Measured:
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
    queries = _asked(users, k, _histories(users, learned))
    sample = Sample(items, asked.sampled, asked.seed) if asked.sampled else None
    answered = [asked_of(model, queries) for model in sides.models]
    if not any(pc.any(pc.is_in(one(ranked["item"].cast(pa.string())), items)).as_py() for ranked in answered):
        raise UsageError(
            f"{sides.name} answers with none of the items that it learned from, so held-out items say nothing"
        )
    found = [ranked_figures(sides.name, ranked, truth, asked.k, asked.gain, sample) for ranked in answered]
    baselines = []
    if not sides.name.endswith("/popularity"):
        _, trainer, _ = kept.trainer("recommend/popularity", "")
        plain = asked_of(trainer.train(learned, seed=asked.seed), queries)
        baselines.append(ranked_figures("popularity", plain, truth, asked.k, asked.gain, sample)[0])
    return [figures for figures, _ in found], baselines, found[0][1], None


def _ranked(run: Run, sides: _Sides, asked: Asked) -> Measured:
    held = sides.held
    if not {"query", "item", "label"} <= set(held.column_names):
        raise UsageError("a ranker is measured against judgments: rows with query, item and label")
    judged = held.filter(
        pc.and_(pc.is_valid(held["query"]), pc.and_(pc.is_valid(held["item"]), pc.is_valid(held["label"])))
    )
    if not judged.num_rows:
        raise UsageError("there are no judgments: rows with query, item and label")
    truth, baselines = judged.select(["query", "item", "label"]), []
    if "score" in judged.column_names or not judged["features"].null_count:
        rows = reading.unlabelled(judged, sides.shelf)
        answered = [check(model.predict(rows), RANKED, sides.name) for model in sides.models]
        baselines.append(_plain_order(judged, asked.seed))
    else:
        questions = held.filter(pc.and_(pc.is_valid(held["text"]), pc.is_null(held["item"])))
        if not questions.num_rows:
            raise UsageError("there are no questions: rows with query and text, or judgments with features")
        queries = _asked(one(questions["query"].cast(pa.string())), asked.k or 1000, None, questions["text"])
        answered = [asked_of(model, queries) for model in sides.models]
        if sides.learned is not None and not sides.name.endswith("/bm25"):
            _, trainer, _ = kept.trainer("rank/bm25", "")
            baselines.append(("bm25", asked_of(trainer.train(sides.learned, seed=asked.seed), queries)))
        elif sides.learned is None:
            run.note("no baseline stands beside: say with --train which documents the model searches")
    found = [ranked_figures(sides.name, ranked, truth, asked.k, asked.gain) for ranked in answered]
    beside = [ranked_figures(name, ranked, truth, asked.k, asked.gain)[0] for name, ranked in baselines]
    return [figures for figures, _ in found], beside, found[0][1], None


def _classified(run: Run, sides: _Sides, asked: Asked) -> Measured:
    held, kind = sides.held, sides.models[0].kind
    if "label" not in held.column_names:
        raise UsageError(f"the rows have no label to measure against; there is: {', '.join(held.column_names)}")
    truth = one(_whole_numbers(held["label"]).cast(pa.string()))
    rows = reading.unlabelled(held, sides.shelf)
    found = [row_figures(sides.name, kind, truth, answers(model, rows)) for model in sides.models]
    learned = None if sides.learned is None else one(_whole_numbers(sides.learned["label"]).cast(pa.string()))
    if learned is None:
        run.note("the baseline says the base rate of these rows, which no constant beats; --train would name another")
    beside = row_figures("base rate", kind, truth, constant(truth, learned))
    people = None
    if asked.person:
        people = np.asarray(one(held[asked.person].cast(pa.string())).filter(pc.is_valid(truth)).to_pylist())
    return found, [replace(beside, whole=found[0].whole)], None, people


def _plain_order(judged: pa.Table, seed: int) -> tuple[str, pa.Table]:
    """Return the simplest ranking of candidates: the one that is to be re-ranked, else chance."""
    if "score" in judged.column_names:
        return "order given", judged.sort_by([("score", "descending")]).select(["query", "item"])
    order = generator(seed, "models.evaluate.random_order").permutation(judged.num_rows)
    return "random order", judged.take(pa.array(order)).select(["query", "item"])


def _asked(query: pa.Array, k: int, history: pa.Array | None, text: pa.ChunkedArray | None = None) -> pa.Table:
    n = len(query)
    columns = {
        "query": query,
        "text": pa.nulls(n, pa.string()) if text is None else text,
        "k": pa.array(np.full(n, k, np.int32)),
        "history": pa.nulls(n, pa.list_(pa.string())) if history is None else history,
    }
    return check(pa.table(columns), QUERIES, "evaluate")


def _histories(users: pa.Array, learned: pa.Table) -> pa.Array:
    """Return what each of USERS did in LEARNED, in order of time, as lists; for those whom the model does not know."""
    person = pc.index_in(one(learned["user"].cast(pa.string())), value_set=users)
    mine = learned.append_column("at", person).filter(pc.is_valid(person))
    order = [("at", "ascending"), ("time", "ascending")] if not mine["time"].null_count else [("at", "ascending")]
    mine = mine.sort_by(order)
    ends = np.cumsum(np.bincount(np.asarray(one(mine["at"]), np.int64), minlength=len(users)))
    items = one(mine["item"].cast(pa.string()))
    return pa.ListArray.from_arrays(pa.array(np.append(0, ends), pa.int32()), items)


def _pairs(
    user: pa.Array, item: pa.Array, users: pa.Array, items: pa.Array
) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """Return which pairs of USER and ITEM stand among those of USERS and ITEMS too; shape (n,)."""
    people = one(pa.chunked_array([one(user.cast(pa.string())), one(users.cast(pa.string()))]).dictionary_encode())
    things = one(pa.chunked_array([one(item.cast(pa.string())), one(items.cast(pa.string()))]).dictionary_encode())
    pair = np.asarray(people.indices, np.int64) * len(things.dictionary) + np.asarray(things.indices, np.int64)
    return np.isin(pair[: len(user)], pair[len(user) :])


def _whole_numbers(label: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return labels that are true and false, or 0.0 and 1.0, as whole numbers."""
    if pa.types.is_boolean(label.type) or pa.types.is_floating(label.type):
        return label.cast(pa.int64())
    return label
