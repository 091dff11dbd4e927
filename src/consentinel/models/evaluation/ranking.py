"""Full-ranking metrics, one row per query: nDCG, recall, precision, average precision, hit and reciprocal rank.

A query counts when its truth has at least one label above 0; one that the ranking leaves out counts 0. An item that
the truth does not name is not relevant, so there is nothing to sample: metrics over sampled candidates do not keep the
order of models (Krichene and Rendle 2020) and are in `sampled.py`, under names of their own.
"""

from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from consentinel.core.columns import one
from consentinel.core.errors import BadInput, UsageError

__all__ = ["METRICS", "PER_QUERY", "Gain", "of_hits", "per_query", "values"]

Gain = Literal["exponential", "linear"]
Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

METRICS = ("ndcg", "recall", "precision", "ap", "hit", "rr")
PER_QUERY = pa.schema([("query", pa.dictionary(pa.int32(), pa.string())), *((name, pa.float64()) for name in METRICS)])


def per_query(ranked: pa.Table, truth: pa.Table, k: int = 0, *, gain: Gain = "exponential") -> pa.Table:
    """Return the metrics of each query that has truth, as PER_QUERY, queries in the order in which TRUTH names them.

    Arguments: ranked (query, item), best first within a query, queries in any order; truth (query, item[, label]),
    label 0, 1, 2, ... (1 where there is none; of a repeated pair the highest counts); k, the cut-off, 0 for none;
    gain of nDCG, 2^label - 1 or the label itself (equal for labels 0 and 1).

    With rel(i) in {0, 1} for rank i, R relevant items and every sum over ranks 1 to k:
    ndcg = DCG / DCG of the best order, DCG = sum gain(label) / log2(i + 1); recall = sum rel / R;
    precision = sum rel / k (over the rows returned where k is 0); ap = sum rel(i) * precision at i / R, so that an
    item that is not returned counts 0; hit = 1 where sum rel > 0; rr = 1 / rank of the first relevant item, else 0.

    Raises UsageError for missing columns or a negative k, BadInput for an item ranked twice, missing ids, bad labels.
    Source: Jarvelin and Kekalainen 2002 (DCG), Burges et al. 2005 (exponential gain), Manning, Raghavan and Schutze
    2008, sections 8.3 and 8.4; trec_eval has the same ap and, with linear gain, the same ndcg.
    """
    if k < 0:
        raise UsageError(f"k is the cut-off rank, at least 1, or 0 for the whole ranking; got {k}")
    if gain not in ("exponential", "linear"):
        raise UsageError(f"no gain '{gain}'; there is: exponential, linear")
    wanted, names, found = _coded(ranked, truth)
    labels = _labels(truth)
    pairs, labels = _highest(wanted, labels)
    queries = len(names)
    query = pairs // found.items
    gains = np.exp2(labels) - 1 if gain == "exponential" else labels
    relevant = np.bincount(query, weights=labels > 0, minlength=queries)

    order = np.lexsort((-labels, query))
    places = _ranks(query[order], queries)
    ideal = _summed(query[order], gains[order] / np.log2(places + 1), places, k, queries)

    rank = _ranks(found.query, queries)
    at = np.minimum(np.searchsorted(pairs, found.pair), len(pairs) - 1) if len(pairs) else np.zeros(0, np.int64)
    known = pairs[at] == found.pair if len(pairs) else np.zeros(len(found.pair), bool)
    label = np.where(known, labels[at], 0.0) if len(pairs) else np.zeros(len(found.pair))
    got = np.where(known, gains[at], 0.0) if len(pairs) else label
    hits = label > 0
    through = np.cumsum(hits)
    first = np.flatnonzero(rank == 1)
    before = np.repeat((through - hits)[first], np.diff(np.append(first, len(rank)))) if len(first) else through
    dcg = _summed(found.query, got / np.log2(rank + 1), rank, k, queries)
    count = _summed(found.query, hits, rank, k, queries)
    precise = _summed(found.query, hits * (through - before) / rank, rank, k, queries)
    nearest = np.full(queries, np.inf)
    np.minimum.at(nearest, found.query[hits], rank[hits])
    returned = np.bincount(found.query, minlength=queries)
    keep = relevant > 0
    with np.errstate(invalid="ignore", divide="ignore"):
        columns = {
            "ndcg": dcg / ideal,
            "recall": count / relevant,
            "precision": count / (k or np.maximum(returned, 1)),
            "ap": precise / relevant,
            "hit": (count > 0).astype(np.float64),
            "rr": np.where(nearest <= (k or np.inf), 1 / nearest, 0.0),
        }
    told = names.filter(pa.array(keep)).dictionary_encode()
    return pa.table([told, *(columns[name][keep] for name in METRICS)], schema=PER_QUERY)


def of_hits(queries: pa.Array, hits: NDArray[np.bool_], relevant: Floats) -> pa.Table:
    """Return PER_QUERY of QUERIES (q,) from which of the first k answers are right, HITS (q, k), and how many there
    are to find, RELEVANT (q,), at least 1: as `per_query`, where the pairs of truth are too many to be listed."""
    k = hits.shape[1]
    ranks = np.arange(1, k + 1)
    gains = hits / np.log2(ranks + 1)
    best = np.append(0, np.cumsum(1 / np.log2(ranks + 1)))[np.minimum(relevant, k).astype(np.int64)]
    precise = np.cumsum(hits, axis=1) / ranks
    count = hits.sum(axis=1)
    columns = {
        "ndcg": gains.sum(axis=1) / best,
        "recall": count / relevant,
        "precision": count / k,
        "ap": (precise * hits).sum(axis=1) / relevant,
        "hit": (count > 0).astype(np.float64),
        "rr": np.where(count > 0, 1 / (np.argmax(hits, axis=1) + 1), 0.0),
    }
    return pa.table([queries.dictionary_encode(), *(columns[name] for name in METRICS)], schema=PER_QUERY)


def values(found: pa.Table, metric: str) -> Floats:
    """Return the column METRIC of PER_QUERY rows, shape (queries,), for `intervals`; raises UsageError."""
    if metric not in METRICS:
        raise UsageError(f"no metric '{metric[:40]}'; there is: {', '.join(METRICS)}")
    return np.asarray(found[metric], dtype=np.float64)


class _Found:
    """The ranked rows whose query has truth, sorted by query, in their order within it."""

    def __init__(self, query: Codes, item: Codes, items: int) -> None:
        order = np.argsort(query, kind="stable")
        self.query, self.items = query[order], max(items, 1)
        self.pair = self.query * self.items + item[order]


def _coded(ranked: pa.Table, truth: pa.Table) -> tuple[Codes, pa.Array, _Found]:
    """Return the pair codes of TRUTH, the names of its queries, and the rows of RANKED that belong to them."""
    asked, said = _texts(truth, "query", "truth"), _texts(ranked, "query", "ranked")
    names = asked.unique()
    query = np.asarray(pc.index_in(asked, value_set=names), np.int64)
    at = pc.index_in(said, value_set=names)
    mine = np.asarray(pc.is_valid(at))
    right, shown = _texts(truth, "item", "truth"), _texts(ranked, "item", "ranked")
    both = pa.concat_arrays([right, shown]).dictionary_encode()
    codes, items = np.asarray(both.indices, np.int64), len(both.dictionary)
    found = _Found(np.asarray(at.filter(pa.array(mine)), np.int64), codes[len(right) :][mine], items)
    ordered = np.sort(found.pair)
    if (ordered[1:] == ordered[:-1]).any():
        raise BadInput("an item stands twice in one query's ranking", where="ranked", todo="Rank each item once")
    return query * found.items + codes[: len(right)], names, found


def _texts(table: pa.Table, name: str, where: str) -> pa.Array:
    if name not in table.column_names:
        raise UsageError(f"{where} needs the columns query and item; there is: {', '.join(table.column_names)}")
    array = one(table[name].cast(pa.string()))
    if array.null_count:
        raise BadInput(f"column '{name}' has {array.null_count} empty cells", where=where, todo="Every row names both")
    return array


def _labels(truth: pa.Table) -> Floats:
    if "label" not in truth.column_names:
        return np.ones(truth.num_rows)
    labels = np.asarray(truth["label"].cast(pa.float64()), np.float64)
    if not (np.isfinite(labels) & (labels >= 0)).all():
        raise BadInput("a label is missing, not finite or below 0", where="truth", todo="Labels are 0, 1, 2, ...")
    return labels


def _highest(pairs: Codes, labels: Floats) -> tuple[Codes, Floats]:
    """Return PAIRS once each, sorted, with the highest of their LABELS."""
    order = np.lexsort((-labels, pairs))
    once, first = np.unique(pairs[order], return_index=True)
    return once, labels[order][first]


def _ranks(query: Codes, queries: int) -> Codes:
    """Return 1, 2, ... within each query of rows sorted by QUERY."""
    count = np.bincount(query, minlength=queries)
    return np.arange(len(query)) - np.repeat(np.cumsum(count) - count, count) + 1


def _summed(query: Codes, weights: NDArray[Any], rank: Codes, k: int, queries: int) -> Floats:
    return np.bincount(query, weights=np.where(rank <= (k or np.inf), weights, 0.0), minlength=queries).astype(
        np.float64
    )
