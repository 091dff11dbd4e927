"""Links of a graph: held-out neighbours of each node among all others, beside the most linked and common neighbours."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from consentinel.core.columns import one
from consentinel.core.errors import BadInput, UsageError
from consentinel.core.run import Run
from consentinel.models import kept
from consentinel.models.evaluation.comparing import compared
from consentinel.models.evaluation.measuring import asked_of, ranked_figures
from consentinel.models.measures.sides import Asked, Measured, Sides, queries

__all__ = ["measured"]

BASELINES = ("popularity", "common_neighbours")


def measured(run: Run, sides: Sides, asked: Asked) -> Measured:
    """Return how well SIDES rank the held-out neighbours of each node. Raises UsageError, BadInput."""
    learned = sides.learned
    if learned is None:
        raise UsageError("say with --train which links the model learned from: they are left out, and teach baselines")
    truth, before = _pairs(sides.held), _pairs(learned)
    known = pc.is_in(_coded(truth, before), value_set=_coded(before, before).unique())
    repeats = int(pc.sum(known).as_py() or 0)
    if repeats:
        run.note(f"{repeats // 2} held-out links were learned from and are left out: they are no news")
        truth = truth.filter(pc.invert(known))
    if not truth.num_rows:
        raise UsageError("no held-out link is left: hold some out with `train --split random`, or name another file")
    nodes = one(learned["node"].cast(pa.string()))
    cold = len(truth) - int(pc.sum(pc.is_in(truth["item"], value_set=nodes)).as_py())
    if cold:
        run.note(f"{cold} held-out links lead to nodes that were not learned from; they count as missed")
    asking = truth["query"].unique()
    strangers = len(asking) - int(pc.sum(pc.is_in(asking, value_set=nodes)).as_py())
    if strangers:
        run.note(
            f"{strangers} of {len(asking)} nodes were not learned from; they count, with what the model gives them"
        )
    questions = queries(asking, asked.k or len(nodes))
    found = [
        ranked_figures(sides.name, asked_of(model, questions), truth, asked.k, asked.gain) for model in sides.models
    ]
    beside = []
    for name in (name for name in BASELINES if name != sides.name.rpartition("/")[2]):
        _, trainer, _ = kept.trainer(f"graph/{name}", "")
        plain = asked_of(trainer.train(learned, seed=asked.seed), questions)
        beside.append(ranked_figures(name, plain, truth, asked.k, asked.gain)[0])
    table = compared([figures for figures, _ in found], beside, asked.how(), asked.metrics)
    return Measured(table, {"per_query": found[0][1]})


def _pairs(rows: pa.Table) -> pa.Table:
    """Return the links of ROWS (NODES) as query and item, both ways."""
    names, lists = one(rows["node"].cast(pa.string())), one(rows["neighbours"])
    if names.null_count:
        raise BadInput(f"{names.null_count} rows have no node", where="node", todo="Give each node its name")
    ends = np.asarray(pc.fill_null(lists.flatten(), -1), np.int64)
    wrong = (ends < 0) | (ends >= len(names))
    if wrong.any():
        raise BadInput(f"{int(wrong.sum())} neighbours are no row of the {len(names)}", where="neighbours",
                       todo="Neighbours are row numbers of the same table, from 0")  # fmt: skip
    return pa.table({"query": names.take(pc.list_parent_indices(lists)), "item": names.take(pa.array(ends))})


def _coded(pairs: pa.Table, about: pa.Table) -> pa.Array:
    """Return each of PAIRS as one number; those that name a node that is not in ABOUT are null."""
    nodes = pa.concat_arrays([one(about["query"]), one(about["item"])]).unique()
    start, end = (pc.index_in(one(pairs[name]), value_set=nodes).cast(pa.int64()) for name in ("query", "item"))
    return pc.add(pc.multiply(start, len(nodes)), end)
