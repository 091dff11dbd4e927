"""Metrics over sampled candidates, only for papers that print nothing else: they do not keep the order of models."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from consentinel.core.columns import one
from consentinel.core.errors import UsageError
from consentinel.core.rng import generator

__all__ = ["PREFIX", "candidates"]

PREFIX = "sampled_"  # before the name of every metric that was measured so


def candidates(ranked: pa.Table, truth: pa.Table, items: pa.Array, n: int, *, seed: int) -> pa.Table:
    """Return RANKED cut down to the true items of each query and N other items drawn evenly from ITEMS.

    RANKED (query, item) has to rank whole catalogues, best first; TRUTH (query, item); ITEMS, the distinct ids to draw
    from. The draw depends on the seed and the order of the queries of TRUTH only, so models meet the same candidates.
    Raises UsageError where fewer than N items are left to draw from. Source: Krichene and Rendle 2020, section 3.
    """
    asked = one(truth["query"].cast(pa.string()))
    names = asked.unique()
    query = np.asarray(pc.index_in(asked, value_set=names), np.int64)
    item = np.asarray(pc.fill_null(pc.index_in(one(truth["item"].cast(pa.string())), value_set=items), -1), np.int64)
    most = int(np.bincount(query, minlength=1).max()) if len(query) else 0
    if n < 1 or n > len(items) - most:
        raise UsageError(f"{n} candidates cannot be drawn from {len(items)} items, up to {most} of them true")
    stream = generator(seed, "models.evaluation.sampled")
    wide = len(items) + 1
    right = np.unique(query * wide + item)
    kept = [right]
    for at in range(len(names)):
        mine = item[query == at]
        drawn = stream.choice(len(items), n + len(mine), replace=False)
        kept.append(at * wide + drawn[~np.isin(drawn, mine)][:n])
    wanted = np.unique(np.concatenate(kept))
    of_query = pc.fill_null(pc.index_in(one(ranked["query"].cast(pa.string())), value_set=names), -1)
    of_item = pc.fill_null(pc.index_in(one(ranked["item"].cast(pa.string())), value_set=items), -2)
    pair = np.asarray(of_query, np.int64) * wide + np.asarray(of_item, np.int64)
    return ranked.filter(pa.array(np.isin(pair, wanted) & (np.asarray(of_query) >= 0) & (np.asarray(of_item) >= 0)))
