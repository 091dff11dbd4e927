"""Refutes a claim by many independent canaries in one run of a training-like mechanism."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel.core.errors import ContractBroken, UsageError
from consentinel.core.extras import need
from consentinel.core.rng import secure_words
from consentinel.protect.auditing._finding import Claim, Finding, Plan
from consentinel.protect.auditing._gaussian import smallest_epsilon

__all__ = ["CATCHES", "Canaries", "audit", "guess_p"]

CATCHES = ("C9",)
SHARES = (1.0, 0.5, 0.25, 0.1, 0.05, 0.02, 0.01)  # of the canaries that are guessed; fixed before any score is seen

Bits = NDArray[np.bool_]


@dataclass(frozen=True)
class Canaries:
    """A run with canaries.

    Arguments: run, which trains with the canaries marked True in it (shape (count,)) and returns a score for each,
    higher where it looks trained on; count; included, which were in, for a run that is already over (drawn with fair
    independent coins, or the audit means nothing).
    """

    run: Callable[[Bits], NDArray[Any]]
    count: int
    included: Bits | None = None


def audit(canaries: Canaries, plan: Plan) -> Finding:
    """Return whether one run keeps the plan's claim about adding or removing one canary.

    Each canary is in by a fair coin. The highest scores are guessed to be in, the lowest out, the rest is left open; of
    r guesses no (epsilon, delta)-private run gets v right more often than a binomial bound says. Several r are tried
    and share the error rate; plan.n and plan.pairs are not used.
    Raises UsageError; ContractBroken for scores that are not finite numbers, one a canary.
    Source: Steinke, Nasr and Jagielski 2023, Theorem 5.2 with abstentions.
    """
    if canaries.count < 10:
        raise UsageError(f"one run needs at least 10 canaries, and hundreds to show much; got {canaries.count}")
    included = _coins(canaries.count) if canaries.included is None else np.asarray(canaries.included, dtype=bool)
    scores = np.asarray(canaries.run(included), dtype=np.float64)
    if scores.shape != included.shape or included.shape != (canaries.count,) or not np.isfinite(scores).all():
        raise ContractBroken(f"a run should give one finite score for each of its {canaries.count} canaries")
    order = np.argsort(scores, kind="stable")
    alpha = plan.alpha / (2 * len(SHARES))
    claim = Claim(plan.claim.epsilon, delta=plan.claim.delta)
    tries = []
    for share in SHARES:
        each = max(1, round(canaries.count * share / 2))
        low, high = order[:each], order[len(order) - each :]
        for guesses, right in ((2 * each, (~included[low]).sum() + included[high].sum()), (each, included[high].sum())):
            v, r = int(right), min(guesses, canaries.count)
            tries.append((guess_p(claim.amount, claim.delta, canaries.count, r, v), -v / r, r, v))
    p, _, r, v = min(tries)
    bounds = [_lower(claim.delta, canaries.count, r_, v_, alpha) for *_, r_, v_ in tries]
    bound, p = max(bounds), min(1.0, p * len(tries))
    most = _lower(claim.delta, canaries.count, canaries.count, canaries.count, alpha)
    why = f"{v:,} of {r:,} guesses are right, of {canaries.count:,} canaries"
    if p <= plan.alpha:
        verdict = "refuted"
    elif most <= claim.amount:
        verdict, why = "insufficient", f"so many canaries can show epsilon {most:.3g} at most, below the claim; {why}"
    else:
        verdict = "consistent"
    return Finding(
        bound, (bound, float("inf")), p, verdict, why, claim.amount, bound, claim.amount, "epsilon",
        canaries.count, plan.alpha,
    )  # fmt: skip


def guess_p(epsilon: float, delta: float, m: int, r: int, v: int) -> float:
    """Return a bound of the chance that V or more of R guesses on M canaries are right in an (EPSILON, DELTA) run."""
    binom = need("scipy.stats", extra="protect").binom
    right = 1 / (1 + np.exp(-epsilon))
    beta = float(binom.sf(v - 1, r, right))
    if delta == 0 or v == 0:
        return min(1.0, beta)
    steps = np.arange(1, v + 1)
    mass = np.cumsum(binom.pmf(v - steps, r, right))  # P[v > Binomial >= v - i]
    return min(1.0, beta + 2 * m * delta * max(0.0, float((mass / steps).max())))


def _lower(delta: float, m: int, r: int, v: int, alpha: float) -> float:
    return smallest_epsilon(lambda epsilon: -guess_p(epsilon, delta, m, r, v), -alpha)


def _coins(count: int) -> Bits:
    return np.unpackbits(secure_words(-(-count // 64)).view(np.uint8))[:count].astype(bool)
