"""Topics that hold: a consensus of many k-means, each topic with how surely it comes back when texts are drawn anew.

Records are clustered many times from different starts; how often two fall together (co-association) is clustered once
more by average linkage. A topic's stability is the mean Jaccard similarity with its likest cluster in subsamples that
go through the same: 0.75 and more is stable, under 0.6 is not to be read into. Every record has a topic; how firmly is
its strength. Source: Fred and Jain 2005; Hennig 2007, section 2; names by class-based TF-IDF, Grootendorst 2022.
"""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel.core.extras import need
from consentinel.core.rng import generator
from consentinel.understand.grouping.vectors import Vectors

__all__ = ["STABLE", "WEAK", "Topics", "held", "verdict"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
STABLE, WEAK = 0.75, 0.6
SAMPLED = 2500  # records that the consensus is made of; the others follow
STARTS, AGAIN, AGAIN_STARTS = 20, 12, 5
SHARE = 0.7  # of the records in a subsample
TRIED = (3, 4, 6, 8, 10, 12, 16, 20)
LEAST = 8  # records a topic, on average
QUICK, QUICK_AGAIN = 1000, 6  # records and subsamples while the number of topics is looked for


@dataclass(frozen=True)
class Topics:
    """Topics by falling size: the topic of each record, how firmly it holds it in [0, 1], stability of each topic."""

    of: Ints
    strength: Floats
    stability: Floats
    tried: dict[int, float]  # numbers of topics -> mean stability, weighed by size


def verdict(stability: float) -> str:
    """Return what STABILITY says of a topic: stable, weak or unstable."""
    return "stable" if stability >= STABLE else "weak" if stability >= WEAK else "unstable"


def held(rows: Vectors, number: int | None, seed: int) -> Topics:
    """Return NUMBER topics of ROWS (n, dimensions); of None as many as hold, the most whose mean stability is STABLE.

    Where no number is that stable, the one that is most. Equal rows and seed give equal topics.
    """
    with need("threadpoolctl", extra="learn").threadpool_limits(1):  # sums in one order
        tried: dict[int, float] = {}
        if number is None:
            some = _drawn(len(rows), QUICK, seed, "quick")
            quick = rows[some]
            for many in [k for k in TRIED if k * LEAST <= len(rows)] or [1]:
                of, _ = _consensus(quick, many, AGAIN_STARTS, seed)
                sizes = np.bincount(of, minlength=many)
                tried[many] = float(np.average(_stability(quick, of, many, QUICK_AGAIN, seed), weights=sizes))
            good = [k for k, mean in tried.items() if mean >= STABLE]
            number = max(good) if good else max(tried, key=lambda k: tried[k])
        number = min(number, len(rows))
        sample = _drawn(len(rows), SAMPLED, seed, "sample")
        of, strength = _consensus(rows[sample], number, STARTS, seed, rows)
        stability = _stability(rows[sample], of[sample], number, AGAIN, seed)
        sizes = np.bincount(of, minlength=number)
        order = np.lexsort((np.arange(number), -sizes))
        back = np.argsort(order)
        return Topics(back[of], strength, stability[order][: np.count_nonzero(sizes)], tried)


def _consensus(rows: Vectors, number: int, starts: int, seed: int, all_rows: Vectors | None = None
               ) -> tuple[Ints, Floats]:  # fmt: skip
    """Return the topic and its strength of each of ALL_ROWS (None: of ROWS), agreed on by STARTS runs over ROWS."""
    everyone = rows if all_rows is None else all_rows
    if number < 2 or len(rows) <= number:
        return np.arange(len(everyone)) % number, np.ones(len(everyone))
    models = [_means(rows, number, seed + 1000 * at) for at in range(starts)]
    labels = np.stack([model.labels_ for model in models])
    together = np.zeros((len(rows), len(rows)), np.float32)
    for line in labels:
        together += line[:, None] == line
    together /= starts
    hierarchy = need("scipy.cluster.hierarchy", extra="learn")
    distance = need("scipy.spatial.distance", extra="learn")
    np.fill_diagonal(together, 1.0)
    tree = hierarchy.average(distance.squareform(1.0 - together, checks=False))
    agreed = hierarchy.cut_tree(tree, number).ravel().astype(np.int64)
    sizes = np.bincount(agreed, minlength=number)
    firm = np.zeros((len(everyone), number))
    for model, line in zip(models, labels, strict=True):
        share = np.zeros((number, number))
        np.add.at(share, (line, agreed), 1.0)
        firm += (share / sizes)[model.predict(everyone)]
    firm /= starts
    return firm.argmax(axis=1), firm.max(axis=1)


def _stability(rows: Vectors, of: Ints, number: int, again: int, seed: int) -> Floats:
    """Return for each topic the mean Jaccard similarity with its likest cluster in AGAIN subsamples."""
    found = np.zeros((again, number))
    for at in range(again):
        some = generator(seed, "understand.topics", f"again {at}").permutation(len(rows))[: int(SHARE * len(rows))]
        fresh, _ = _consensus(rows[np.sort(some)], number, AGAIN_STARTS, seed + 77 * (at + 1))
        both = np.zeros((number, number))
        np.add.at(both, (of[np.sort(some)], fresh), 1.0)
        union = both.sum(axis=1)[:, None] + both.sum(axis=0) - both
        found[at] = (both / np.maximum(union, 1)).max(axis=1)
    return np.asarray(found.mean(axis=0))


def _means(rows: Vectors, number: int, seed: int) -> Any:
    cluster = need("sklearn.cluster", extra="learn")
    with warnings.catch_warnings():  # fewer distinct rows than clusters: some stay empty, and make no topic
        warnings.simplefilter("ignore", need("sklearn.exceptions", extra="learn").ConvergenceWarning)
        return cluster.KMeans(number, n_init=1, max_iter=50, random_state=seed % (1 << 31)).fit(rows)


def _drawn(n: int, most: int, seed: int, name: str) -> Ints:
    if n <= most:
        return np.arange(n)
    return np.sort(generator(seed, "understand.topics", name).permutation(n)[:most]).astype(np.int64)
