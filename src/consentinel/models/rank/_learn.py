"""How evidence is weighed by judgments: a listwise linear model, and weights that make average precision highest."""

from itertools import product

import numpy as np
from numpy.typing import NDArray

from consentinel.core.errors import UsageError
from consentinel.core.extras import need

__all__ = ["average_precision", "listwise", "mixed", "ranks"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def listwise(query: Ints, features: Floats, label: Floats, ridge: float) -> Floats:
    """Return the weights (f,) of the linear score whose softmax over the rows of a query is nearest to the labels.

    Arguments: query (n,), sorted; features (n, f), standardised; label (n,), 0 for not relevant, of which a query's
    shares are taken; ridge, the penalty on squared weights. A query without a label above 0 changes nothing; where
    there is none with one, raises UsageError. Convex, so there is one answer. Source: ListNet, Cao et al. 2007.
    """
    optimize = need("scipy.optimize", extra="models")
    total = np.bincount(query, weights=label)
    kept = total[query] > 0 if len(query) else np.zeros(0, bool)
    if not kept.any():
        raise UsageError("no judged document above 0 is among the candidates, so there is nothing to learn")
    query, features = query[kept], features[kept]
    share = label[kept] / total[query]
    starts = np.flatnonzero(np.append(True, query[1:] != query[:-1]))
    many = np.diff(np.append(starts, len(query)))

    def loss(weights: Floats) -> tuple[float, Floats]:
        score = features @ weights
        score = score - np.repeat(np.maximum.reduceat(score, starts), many)
        raised = np.exp(score)
        sums = np.add.reduceat(raised, starts)
        value = np.log(sums).sum() - share @ score
        slope = features.T @ (raised / np.repeat(sums, many) - share)
        return value / len(starts) + ridge * (weights @ weights) / 2, slope / len(starts) + ridge * weights

    found = optimize.minimize(loss, np.zeros(features.shape[1]), jac=True, method="L-BFGS-B")
    return np.asarray(found.x, np.float64)


def mixed(query: Ints, features: Floats, relevant: NDArray[np.bool_], steps: int) -> Floats:
    """Return the weights (f,), multiples of 1 / STEPS that sum to 1, of highest mean average precision.

    Arguments: query (n,), sorted; features (n, f); relevant (n,). Of equally good weights those nearest to equal
    ones are taken. Raises UsageError where no row is relevant.
    """
    if not relevant.any():
        raise UsageError("no judged document above 0 is among the candidates, so there is nothing to learn")
    grid = [cut for cut in product(range(steps + 1), repeat=features.shape[1]) if sum(cut) == steps]
    weights = [np.array(cut, np.float64) / steps for cut in grid]
    found = [round(float(average_precision(query, features @ one, relevant).mean()), 12) for one in weights]
    return weights[min(range(len(grid)), key=lambda at: (-found[at], float((weights[at] ** 2).sum())))]


def average_precision(query: Ints, score: Floats, relevant: NDArray[np.bool_]) -> Floats:
    """Return the average precision of each query with a relevant row, over the rows given; ties in row order."""
    rank = ranks(query, score)
    order = np.lexsort((rank, query))
    hit, of = relevant[order], query[order]
    through = np.cumsum(hit)
    first = np.flatnonzero(np.append(True, of[1:] != of[:-1]))
    before: Ints = np.repeat((through - hit)[first], np.diff(np.append(first, len(of))))
    gained = np.bincount(of, weights=hit * (through - before) / rank[order])
    many = np.bincount(of, weights=hit)
    return np.asarray(gained[many > 0] / many[many > 0])


def ranks(query: Ints, score: Floats) -> Ints:
    """Return the rank (1, 2, ...) of each row within its QUERY (n,), sorted, by SCORE; equal scores in row order."""
    order = np.lexsort((-score, query))
    first = np.flatnonzero(np.append(True, query[1:] != query[:-1])) if len(query) else np.zeros(0, np.int64)
    place = np.arange(len(query)) - np.repeat(first, np.diff(np.append(first, len(query)))) + 1
    found = np.empty(len(query), np.int64)
    found[order] = place
    return found
