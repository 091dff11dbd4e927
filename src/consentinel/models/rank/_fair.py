"""Orders that give groups their place: FA*IR for one protected group, DetConstSort for several."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from consentinel.core.extras import need

__all__ = ["det_const_sort", "fa_ir", "least_protected"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_HALVINGS = 30


@lru_cache(maxsize=64)
def least_protected(places: int, share: float, alpha: float, adjusted: bool) -> Ints:
    """Return how many of the first 1, 2, ... PLACES are protected at least, in a ranking that passes as fair.

    A ranking fails a place where so few protected would come up by chance with probability at most ALPHA, were each
    place given to the group with probability SHARE. ADJUSTED makes alpha so much smaller that a ranking drawn like
    that fails anywhere with probability at most ALPHA; without it each place is tested by itself.
    Source: Zehlike et al. 2017 (FA*IR), sections 3 and 4.
    """
    binom = need("scipy.stats", extra="models").binom
    trials = np.arange(1, places + 1)

    def table(level: float) -> Ints:
        return np.asarray(np.maximum(binom.ppf(level, trials, share), 0), np.int64)

    if not adjusted or _fails(table(alpha), share) <= alpha:
        return table(alpha)
    low, high = 0.0, alpha
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _fails(table(middle), share) <= alpha else (low, middle)
    return table(low) if low else np.zeros(places, np.int64)


def _fails(least: Ints, share: float) -> float:
    """Return the probability that places given at random break the table LEAST somewhere."""
    alive = np.ones(1)  # probability of each number of protected so far, in rankings that broke nothing yet
    for wanted in least.tolist():
        alive = np.append(alive, 0.0) * (1 - share) + np.append(0.0, alive) * share
        alive[:wanted] = 0.0
    return 1.0 - float(alive.sum())


def fa_ir(score: Floats, protected: NDArray[np.bool_], least: Ints) -> Ints:
    """Return the order of rows, best SCORE first, but with at least LEAST[i] PROTECTED rows among the first i + 1.

    Arguments: score (n,); protected (n,); least (places,), after which nothing is asked for. Within a group the order
    is by score; equal scores across groups go to the protected row, within one stay in row order.
    Source: Zehlike et al. 2017, algorithm 2.
    """
    order = np.argsort(-score, kind="stable")
    inside, outside = order[protected[order]].tolist(), order[~protected[order]].tolist()
    limits = least[: len(order)].tolist() + [0] * (len(order) - len(least))
    found: list[int] = []
    p = q = 0
    for limit in limits:
        if p < len(inside) and (q == len(outside) or p < limit or score[inside[p]] >= score[outside[q]]):
            found.append(inside[p])
            p += 1
        else:
            found.append(outside[q])
            q += 1
    return np.array(found, np.int64)


def det_const_sort(score: Floats, group: Ints, shares: Floats) -> Ints:
    """Return an order in which each group has at least floor(k * its share) of the first k rows, for every k, as long
    as it has rows, and in which scores are otherwise as sorted as those limits allow.

    Arguments: score (n,); group (n,), numbers of groups; shares (groups,), summing to at most 1.
    Source: Geyik, Ambler and Kenthapadi 2019, algorithm 3 (DetConstSort). Here a row may fall to place i only while i
    is not after the place that its group was first owed, which their listing lets pass by one.
    """
    order = np.argsort(-score, kind="stable")
    queues = [order[group[order] == at].tolist() for at in range(len(shares))]
    taken = [0] * len(shares)
    found: list[int] = []
    owed: list[int] = []  # the place, from 1, by which each row of `found` was due
    for k in range(1, len(order) + 1):
        due = [at for at, queue in enumerate(queues) if taken[at] < min(int(k * shares[at] + 1e-9), len(queue))]
        for at in sorted(due, key=lambda at: -score[queues[at][taken[at]]]):
            while taken[at] < min(int(k * shares[at] + 1e-9), len(queues[at])):
                place = len(found)
                found.append(queues[at][taken[at]])
                owed.append(k)
                taken[at] += 1
                while place and owed[place - 1] > place and score[found[place - 1]] < score[found[place]]:
                    found[place - 1], found[place] = found[place], found[place - 1]
                    owed[place - 1], owed[place] = owed[place], owed[place - 1]
                    place -= 1
    rest = np.setdiff1d(order, np.array(found, np.int64))
    return np.concatenate([np.array(found, np.int64), rest[np.lexsort((rest, -score[rest]))]])
