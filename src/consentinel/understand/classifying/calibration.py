"""Probabilities from margins, how far they are off, and the threshold from which a label is given.

One class of several: softmax of scaled margins with an offset for each class; any number of labels: a logistic curve
for each. Both are fitted to margins of texts that were held out. Source: Platt 1999 with the targets of Lin et al.
2007; Guo et al. 2017 (scaling); Gupta and Ramdas 2022 (the likeliest label by itself); Kumar et al. 2019 (the error).

Where the times of texts are known, a newer one weighs more: what classes are called, and how often each occurs, drifts.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from consentinel.core.extras import need
from consentinel.core.stats import sigmoid

__all__ = ["Curve", "best_threshold", "error", "excess", "fitted", "plain_error", "recency", "weighed_odds"]

Floats = NDArray[np.float64]
BINS = 15
HALF_LIFE = 365.25  # days; the least log loss on the HHS breaches of 2018 and of 2019, each predicted from before
PULL = 1e-3  # of offsets and slopes, against the mean loss: a class of three texts must not be certain


@dataclass(frozen=True)
class Curve:
    """How margins become probabilities: slope and offset of each class, and the slope of its strongest rival's margin
    (of any number of labels: they compete, although each may hold), and slope and offset of the log-odds of the
    likeliest label, which as the largest of many is too sure; `single`: exactly one class holds."""

    slope: Floats
    offset: Floats
    single: bool
    rival: Floats
    top: Floats  # (2,)

    def of(self, margins: Floats) -> Floats:
        """Return the probabilities of MARGINS, shape (n, classes)."""
        scaled = margins * self.slope + self.offset
        if not self.single:
            scaled = scaled + _rivals(margins) * self.rival
            return self._topped(sigmoid(scaled))
        raised = np.exp(scaled - scaled.max(axis=1, keepdims=True))
        return np.asarray(raised / raised.sum(axis=1, keepdims=True), np.float64)

    def _topped(self, p: Floats) -> Floats:
        """Return P with the chance of the likeliest label of each text put right; it stays the likeliest."""
        if not len(p):
            return p
        rows, first = np.arange(len(p)), p.argmax(axis=1)
        right = sigmoid(self.top[0] * _odds(p[rows, first]) + self.top[1])
        others = p.copy()
        others[rows, first] = 0
        made = p.copy()
        made[rows, first] = np.maximum(right, others.max(axis=1))
        return made


def fitted(margins: Floats, targets: NDArray[np.bool_], single: bool, weights: Floats | None = None) -> Curve:
    """Return the curve that gives TARGETS (n, classes), of held-out MARGINS, the highest likelihood by WEIGHTS (n,)."""
    share = np.full(len(margins), 1 / len(margins)) if weights is None else weights / weights.sum()
    return _softmax(margins, targets, share) if single else _logistic(margins, targets, share)


def recency(days: Floats) -> Floats:
    """Return the weight of a text of each of DAYS (n,): 1 for the newest, half as much for each year before it."""
    return np.asarray(0.5 ** ((days.max(initial=0) - days) / HALF_LIFE), np.float64)


def error(p: Floats, targets: NDArray[np.bool_]) -> float:
    """Return the calibration error of the likeliest label of each text: P and TARGETS have shape (n, classes).

    Root of the weighted mean square gap between confidence and share right in 15 bins of equal mass, less what chance
    alone adds (Kumar et al. 2019, section 4); 0 where chance explains all.
    """
    return float(np.sqrt(max(0.0, excess(p, targets))))


def excess(p: Floats, targets: NDArray[np.bool_]) -> float:
    """Return the square of `error`, below 0 where the gaps are smaller than chance makes them."""
    total, n = 0.0, len(p)
    for sure, right in _bins(p, targets):
        share, many = float(right.mean()), len(right)
        luck = share * (1 - share) / (many - 1) if many > 1 else 0.0
        total += many / n * ((share - float(sure.mean())) ** 2 - luck)
    return total


def plain_error(p: Floats, targets: NDArray[np.bool_]) -> float:
    """Return the mean absolute gap in the same bins, in which chance alone is an error too (Naeini et al. 2015)."""
    return sum(len(right) / len(p) * abs(float(right.mean() - sure.mean())) for sure, right in _bins(p, targets))


def _bins(p: Floats, targets: NDArray[np.bool_]) -> Iterator[tuple[Floats, Floats]]:
    """Yield the confidence in the likeliest label and whether it is right, of each bin."""
    n, top = len(p), p.argmax(axis=1)
    sure, right = p[np.arange(n), top], targets[np.arange(n), top].astype(np.float64)
    for rows in np.array_split(np.argsort(sure, kind="stable"), min(BINS, max(1, n // 2))):
        yield sure[rows], right[rows]


def best_threshold(p: Floats, targets: NDArray[np.bool_]) -> float:
    """Return the probability from which giving a label makes the pooled F1 of TARGETS highest."""
    flat, right = p.ravel(), targets.ravel()
    order = np.argsort(-flat, kind="stable")
    hits = np.cumsum(right[order])
    score = 2 * hits / (np.arange(1, len(flat) + 1) + max(1, int(right.sum())))
    at = int(score.argmax())
    below = flat[order[at + 1]] if at + 1 < len(flat) else 0.0
    return float((flat[order[at]] + below) / 2)


def _softmax(margins: Floats, targets: NDArray[np.bool_], share: Floats) -> Curve:
    optimize = need("scipy.optimize", extra="learn")
    k = margins.shape[1]
    truth = targets.astype(np.float64)

    def loss(at: Floats) -> tuple[float, Floats]:
        scaled = margins * np.exp(at[0]) + at[1:]
        scaled = scaled - scaled.max(axis=1, keepdims=True)
        raised = np.exp(scaled)
        p = raised / raised.sum(axis=1, keepdims=True)
        value = -float(share @ (truth * (scaled - np.log(raised.sum(axis=1, keepdims=True)))).sum(axis=1))
        off = (p - truth) * share[:, None]
        slope = float((off * margins).sum()) * np.exp(at[0])
        pulled = value + PULL * float(at[1:] @ at[1:]) / 2
        return pulled, np.concatenate([[slope], off.sum(axis=0) + PULL * at[1:]])

    found = optimize.minimize(loss, np.zeros(k + 1), jac=True, method="L-BFGS-B", bounds=[(-3, 5)] + [(-20, 20)] * k).x
    return Curve(
        np.full(k, np.exp(found[0])), np.asarray(found[1:], np.float64), True, np.zeros(k), np.array([1.0, 0.0])
    )


def _rivals(margins: Floats) -> Floats:
    """Return for each text and class the largest margin of the other classes, shape (n, classes); 0 where none is."""
    n, k = margins.shape
    if k < 2:
        return np.zeros((n, k))
    order = np.argsort(margins, axis=1)
    best, second = order[:, -1], order[:, -2]
    made = np.repeat(margins[np.arange(n), best][:, None], k, axis=1)
    made[np.arange(n), best] = margins[np.arange(n), second]
    return made


def _logistic(margins: Floats, targets: NDArray[np.bool_], share: Floats) -> Curve:
    optimize = need("scipy.optimize", extra="learn")
    n, k = margins.shape
    found, rivals = np.zeros((k, 3)), _rivals(margins)
    for at in range(k):
        have = int(targets[:, at].sum())
        truth = np.where(targets[:, at], (have + 1) / (have + 2), 1 / (n - have + 2))
        x = np.stack([margins[:, at], np.ones(n), rivals[:, at]], axis=1)

        def loss(said: Floats, x: Floats = x, truth: Floats = truth) -> tuple[float, Floats]:
            scaled = x @ said
            value = float(share @ (np.logaddexp(0, scaled) - truth * scaled))
            return value, ((sigmoid(scaled) - truth) * share) @ x

        found[at] = optimize.minimize(loss, np.array([1.0, 0.0, 0.0]), jac=True, method="L-BFGS-B",
                                      bounds=[(1e-3, 100), (-50, 50), (-50, 50)]).x  # fmt: skip
    curve = Curve(found[:, 0], found[:, 1], False, found[:, 2], np.array([1.0, 0.0]))
    p = curve.of(margins)
    rows, first = np.arange(n), p.argmax(axis=1)
    top = _line(_odds(p[rows, first])[:, None], targets[rows, first].astype(np.float64), share)
    return replace(curve, top=top)


def _line(x: Floats, truth: Floats, share: Floats) -> Floats:
    """Return slope of X (n, 1) and offset of the logistic curve of TRUTH (n,), each text weighing its SHARE."""
    optimize = need("scipy.optimize", extra="learn")

    def loss(said: Floats) -> tuple[float, Floats]:
        scaled = said[0] * x[:, 0] + said[1]
        off = (sigmoid(scaled) - truth) * share
        value = float(share @ (np.logaddexp(0, scaled) - truth * scaled))
        return value, np.array([off @ x[:, 0], off.sum()])

    return np.asarray(optimize.minimize(loss, np.array([1.0, 0.0]), jac=True, method="L-BFGS-B",
                                        bounds=[(0.05, 20), (-20, 20)]).x)  # fmt: skip


def weighed_odds(x: Floats, right: NDArray[np.bool_]) -> Floats:
    """Return the weights of the columns of X (n, k) in the log-odds that a row is RIGHT (n,): logistic regression.

    All but the last column, which is 1, are pulled to 0 a little.
    """
    optimize = need("scipy.optimize", extra="learn")
    pull = np.append(np.ones(x.shape[1] - 1), 0.0)

    def loss(at: Floats) -> tuple[float, Floats]:
        scaled = x @ at
        value = float((np.logaddexp(0, scaled) - right * scaled).sum() + pull @ at**2 / 2)
        return value, (sigmoid(scaled) - right) @ x + pull * at

    return np.asarray(optimize.minimize(loss, np.zeros(x.shape[1]), jac=True, method="L-BFGS-B").x, np.float64)


def _odds(p: Floats) -> Floats:
    safe = np.clip(p, 1e-9, 1 - 1e-9)
    return np.asarray(np.log(safe / (1 - safe)), np.float64)
