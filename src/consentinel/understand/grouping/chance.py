"""The chance that two records are one case: logistic in the pieces of evidence, and it learns from what people decide.

The weights that come with the program were fitted to labelled pairs; they are kept with their precision matrix, so
that merges and splits move them as far as Bayes' rule says (Laplace's approximation): a few verdicts a little, many as
far as they agree. Source: Spiegelhalter and Lauritzen 1990; Bishop 2006, section 4.5.
"""

import json
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from consentinel.core.errors import ContractBroken
from consentinel.core.stats import sigmoid
from consentinel.understand.grouping.evidence import PIECES

__all__ = ["Weights", "explained", "fitted", "shipped"]

Floats = NDArray[np.float64]
STEPS = 60
_FILE = "link_weights.json"


@dataclass(frozen=True)
class Weights:
    """Weights of the pieces of evidence, the first for all pairs alike, and how sure they are (inverse covariance)."""

    mean: Floats  # (1 + pieces,)
    precision: Floats  # (1 + pieces, 1 + pieces)

    def chance(self, evidence: Floats) -> Floats:
        """Return the probability that each pair is one case, from EVIDENCE (pairs, pieces)."""
        return sigmoid(_with_one(evidence) @ self.mean)


def shipped() -> Weights:
    """Return the weights that come with the program."""
    kept = json.loads((files("consentinel.understand") / "data" / _FILE).read_text("utf-8"))
    if tuple(kept["pieces"]) != PIECES:
        raise ContractBroken(f"{_FILE}: its pieces of evidence are not those of this program")
    return Weights(np.array(kept["mean"]), np.array(kept["precision"]))


def fitted(prior: Weights, evidence: Floats, same: NDArray[np.bool_]) -> Weights:
    """Return PRIOR moved by pairs of known verdict: EVIDENCE (pairs, pieces), SAME (pairs,). Newton's method."""
    if not len(same):
        return prior
    rows, mean = _with_one(evidence), prior.mean.copy()
    loss = _loss(prior, rows, same, mean)
    for _ in range(STEPS):
        chance = sigmoid(rows @ mean)
        slope = rows.T @ (chance - same) + prior.precision @ (mean - prior.mean)
        curve = (rows * (chance * (1 - chance))[:, None]).T @ rows + prior.precision
        step = np.linalg.solve(curve, slope)
        size = 1.0
        while (found := _loss(prior, rows, same, mean - size * step)) > loss and size > 1e-6:
            size /= 2
        mean, gained, loss = mean - size * step, loss - found, found
        if gained < 1e-10:
            break
    chance = sigmoid(rows @ mean)
    return Weights(mean, (rows * (chance * (1 - chance))[:, None]).T @ rows + prior.precision)


def explained(weights: Weights, evidence: Floats, most: int = 3) -> list[list[str]]:
    """Return for each pair the pieces that speak most for it, and what speaks most against it after "not"."""
    parts = evidence * weights.mean[1:]
    lines = []
    for row in parts:
        order = np.argsort(-row, kind="stable")
        line = [PIECES[at] for at in order[:most] if row[at] > 0.05]
        if row[order[-1]] < -0.05:
            line.append(f"against: {PIECES[order[-1]]}")
        lines.append(line)
    return lines


def _with_one(evidence: Floats) -> Floats:
    return np.hstack([np.ones((len(evidence), 1)), evidence])


def _loss(prior: Weights, rows: Floats, same: NDArray[np.bool_], mean: Floats) -> float:
    score, off = rows @ mean, mean - prior.mean
    return float(np.logaddexp(0.0, score).sum() - score[same].sum() + 0.5 * off @ prior.precision @ off)
