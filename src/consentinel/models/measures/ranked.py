"""Search rankers: judged documents of each query, beside the order given, chance or BM25."""

import pyarrow as pa
import pyarrow.compute as pc

from consentinel.core.columns import one
from consentinel.core.errors import UsageError
from consentinel.core.rng import generator
from consentinel.core.run import Run
from consentinel.core.tables import check
from consentinel.models import kept, reading
from consentinel.models.evaluation.comparing import compared
from consentinel.models.evaluation.measuring import asked_of, ranked_figures
from consentinel.models.measures.sides import Asked, Measured, Sides, queries
from consentinel.models.rows import RANKED

__all__ = ["measured"]


def measured(run: Run, sides: Sides, asked: Asked) -> Measured:
    """Return how well SIDES rank what was judged. Raises UsageError; ContractBroken for no rankings."""
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
        wanted = queries(one(questions["query"].cast(pa.string())), asked.k or 1000, None, questions["text"])
        answered = [asked_of(model, wanted) for model in sides.models]
        if sides.learned is not None and not sides.name.endswith("/bm25"):
            _, trainer, _ = kept.trainer("rank/bm25", "")
            baselines.append(("bm25", asked_of(trainer.train(sides.learned, seed=asked.seed), wanted)))
        elif sides.learned is None:
            run.note("no baseline stands beside: say with --train which documents the model searches")
    found = [ranked_figures(sides.name, ranked, truth, asked.k, asked.gain) for ranked in answered]
    beside = [ranked_figures(name, ranked, truth, asked.k, asked.gain)[0] for name, ranked in baselines]
    table = compared([figures for figures, _ in found], beside, asked.how(), asked.metrics)
    return Measured(table, {"per_query": found[0][1]})


def _plain_order(judged: pa.Table, seed: int) -> tuple[str, pa.Table]:
    """Return the simplest ranking of candidates: the one that is to be re-ranked, else chance."""
    if "score" in judged.column_names:
        return "order given", judged.sort_by([("score", "descending")]).select(["query", "item"])
    order = generator(seed, "models.evaluate.random_order").permutation(judged.num_rows)
    return "random order", judged.take(pa.array(order)).select(["query", "item"])
