"""When a judge says that it does not know: calibration by isotonic regression, and a threshold that bounds the risk."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["NEVER", "calibrated", "risk_threshold", "steps"]

Floats = NDArray[np.float64]
NEVER = 2.0  # a threshold above every confidence: nothing is decided


def steps(scores: ArrayLike, truth: ArrayLike) -> tuple[Floats, Floats]:
    """Return the knots (score, probability) of the isotonic regression of TRUTH (0 or 1) on SCORES.

    Equal scores are one step. Each step is drawn towards one half by one made-up case of either kind, so that no
    probability is exactly 0 or 1. Source: Ayer et al. 1955 (pool adjacent violators); Laplace's rule of succession.
    """
    score, yes = np.asarray(scores, np.float64), np.asarray(truth, np.float64)
    knots, where = np.unique(score, return_inverse=True)
    total = np.bincount(where, minlength=len(knots)).astype(np.float64)
    good = np.bincount(where, yes, len(knots))
    blocks: list[list[float]] = []  # good, total, first knot, last knot
    for at in range(len(knots)):
        blocks.append([good[at], total[at], at, at])
        while len(blocks) > 1 and blocks[-2][0] * blocks[-1][1] >= blocks[-1][0] * blocks[-2][1]:
            last = blocks.pop()
            blocks[-1] = [blocks[-1][0] + last[0], blocks[-1][1] + last[1], blocks[-1][2], last[3]]
    x = [knots[int(end)] for block in blocks for end in dict.fromkeys(block[2:])]
    p = [(block[0] + 1) / (block[1] + 2) for block in blocks for _ in dict.fromkeys(block[2:])]
    return np.array(x), np.maximum.accumulate(np.array(p))


def calibrated(scores: ArrayLike, knots: tuple[Floats, Floats]) -> Floats:
    """Return the probability of each of SCORES; between two knots of `steps` it is interpolated."""
    return np.interp(np.asarray(scores, np.float64), *knots)


def risk_threshold(confidence: ArrayLike, wrong: ArrayLike, groups: ArrayLike, target: float) -> float:
    """Return the lowest confidence at which a judge may decide so that a share of at most TARGET of it is wrong.

    Arguments: confidence (n,), what the judge has in each row; wrong (n,), true where deciding would be an error;
    groups (n,), what rows were drawn together with (code families); target in (0, 1), errors among decided rows.

    The loss of a group is the share of its rows that are decided and wrong; it can only fall as the threshold rises.
    The least threshold is taken whose mean loss over g groups, with one group more that is all wrong, stays below
    TARGET times the share decided: (sum + 1) / (g + 1). NEVER where no threshold does, as with too few groups.
    Source: Angelopoulos, Bates, Fisch, Lei and Schuster, "Conformal Risk Control", 2022, theorem 1; for a new group
    that is exchangeable with these.
    """
    sure, bad = np.asarray(confidence, np.float64), np.asarray(wrong, bool)
    names, group = np.unique(np.asarray(groups), return_inverse=True)
    if not len(sure):
        return NEVER
    weight = 1.0 / np.bincount(group, minlength=len(names))[group]
    order = np.argsort(-sure, kind="stable")
    risk = (np.cumsum((weight * bad)[order]) + 1.0) / (len(names) + 1)
    share = np.cumsum(weight[order]) / len(names)
    last = np.flatnonzero(np.append(sure[order][1:] < sure[order][:-1], True))  # rows of equal confidence go together
    fits = last[risk[last] <= target * share[last]]
    return float(sure[order][fits[-1]]) if len(fits) else NEVER
