"""What a probability is worth in a decision about ads: profit of a cut-off, and clicks won by ranking bids."""

import numpy as np
from numpy.typing import NDArray

from consentinel.core.errors import UsageError
from consentinel.core.rng import generator

__all__ = ["bid_clicks", "cut_off_profit"]

Floats = NDArray[np.float64]
COSTS, SLATE = (0.5, 0.75, 1.0, 1.25, 1.5), 10


def cut_off_profit(label: Floats, score: Floats) -> float:
    """Return the profit of showing exactly the ads whose score is above their cost, in parts of a perfect foresight.

    A label 1 is worth 1; an ad costs 0.5 to 1.5 times the base rate, five costs alike. Never showing one gives 0,
    showing exactly those with label 1 gives 1. Arguments of shape (n,). Raises UsageError for constant labels.
    """
    base = _base(label)
    gained = [float(np.where(score > base * cost, label - base * cost, 0.0).mean()) for cost in COSTS]
    perfect = [float((label * max(0.0, 1 - base * cost)).mean()) for cost in COSTS]
    return sum(gained) / sum(perfect)


def bid_clicks(label: Floats, score: Floats, *, seed: int) -> float:
    """Return how many more clicks an auction gets than a draw: rows in random slates of ten, the best score is shown.

    1 is the base rate: clicks of the shown over the mean of all. Equal scores are drawn at random. Shapes (n,).
    """
    base, rng = _base(label), generator(seed, "models.frontier", "slates")
    many = len(label) // SLATE
    if not many:
        raise UsageError(f"bids are ranked in slates of {SLATE} rows; give at least that many")
    order = rng.permutation(len(label))[: many * SLATE].reshape(many, SLATE)
    best = np.lexsort((rng.random(order.shape), score[order]), axis=1)[:, -1]
    return float(label[order[np.arange(many), best]].mean() / base)


def _base(label: Floats) -> float:
    share = float(np.mean(label)) if len(label) else 0.0
    if not 0 < share < 1:
        raise UsageError("all rows have the same label; a frontier needs both")
    return share
