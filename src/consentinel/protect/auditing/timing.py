"""Finds a sampler whose time tells how large its noise is."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from consentinel.core.errors import ContractBroken, UsageError
from consentinel.core.extras import need
from consentinel.core.progress import each
from consentinel.core.rng import generator
from consentinel.protect.auditing._finding import Finding, Plan, settled

__all__ = ["CATCHES", "Draws", "audit"]

CATCHES = ("C3",)
WARM_UP = 100  # draws that fill caches first


@dataclass(frozen=True)
class Draws:
    """A sampler under a clock.

    Arguments: draw, one release's noise; clock, any rising reading (nanoseconds by default).
    """

    draw: Callable[[], float]
    clock: Callable[[], float] = time.perf_counter_ns


def audit(draws: Draws, plan: Plan) -> Finding:
    """Return whether the time of a draw and the size of its noise go together.

    Spearman's correlation over plan.n draws, with a permutation p-value (exchangeable as long as the noise of a draw
    does not depend on the clock). It says nothing of epsilon: with the noise known the true value is known.
    Raises UsageError for fewer than 100 draws; ContractBroken for noise that is not finite.
    Source: Jin et al. 2022 (timing attacks on discrete samplers); Phipson and Smyth 2010.
    """
    if plan.n < 100:
        raise UsageError(f"a timing test needs at least 100 draws, got {plan.n}")
    for _ in range(WARM_UP):
        draws.draw()
    times, sizes = np.empty(plan.n), np.empty(plan.n)
    for at in each(range(plan.n), "draws"):
        begun = draws.clock()
        noise = draws.draw()
        times[at] = draws.clock() - begun
        sizes[at] = abs(noise)
    if not (np.isfinite(times).all() and np.isfinite(sizes).all()):
        raise ContractBroken("a sampler should give finite numbers")
    rank = need("scipy.stats", extra="protect").rankdata
    one, two = (ranks - ranks.mean() for ranks in (rank(times), rank(sizes)))
    scale = float(np.sqrt((one**2).sum() * (two**2).sum()))
    if scale == 0:
        return settled(plan, broken="", sound="time or noise is the same in every draw", p=1.0, n=plan.n)
    seen = abs(float(one @ two))
    rng, tries = generator(plan.seed, "protect.auditing.timing"), max(999, math.ceil(2 / plan.alpha))
    extreme = sum(abs(float(one @ rng.permutation(two))) >= seen * (1 - 1e-12) for _ in each(range(tries), "orders"))
    rho = float(one @ two) / scale
    return settled(
        plan,
        broken=f"the time of a draw follows the size of its noise: rank correlation {rho:+.3f} over {plan.n:,} draws",
        sound=f"no link between time and noise: rank correlation {rho:+.3f} over {plan.n:,} draws",
        p=(1 + extreme) / (1 + tries),
        n=plan.n,
    )
