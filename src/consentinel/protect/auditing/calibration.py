"""Finds Gaussian noise whose formula gives less privacy than it says."""

import math
from collections.abc import Callable
from itertools import product

from consentinel.core.errors import ConsentinelError
from consentinel.core.progress import each
from consentinel.protect.auditing._finding import Finding, Plan, settled
from consentinel.protect.auditing._gaussian import gaussian_epsilon

__all__ = ["CATCHES", "Calibration", "audit"]

CATCHES = ("C6",)
EPSILONS = (0.001, 0.01, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
DELTAS = (1e-2, 1e-3, 1e-5, 1e-7, 1e-9, 1e-12)
SENSITIVITIES = (1.0, 3.0, 1e-6, 1e6)
ROUNDING = 1e-9  # relative

Calibration = Callable[[float, float, float], float]  # sensitivity, epsilon, delta -> standard deviation of the noise


def audit(calibration: Calibration, plan: Plan) -> Finding:
    """Return whether CALIBRATION gives noise that keeps its epsilon, wherever it gives any; no chance is involved.

    The exact epsilon of its noise is computed for 240 triples of sensitivity, epsilon and delta. A triple that it
    refuses (an error of this package or ValueError) is no claim. Plan.n and plan.pairs are not used.
    Source: Balle and Wang 2018, Theorem 8.
    """
    worst, shown, where, tried = 0.0, 0.0, "", 0
    for sensitivity, epsilon, delta in each(list(product(SENSITIVITIES, EPSILONS, DELTAS)), "calibrations"):
        try:
            sigma = calibration(sensitivity, epsilon, delta)
        except (ConsentinelError, ValueError):
            continue
        tried += 1
        case = f"epsilon {epsilon:g}, delta {delta:g}, sensitivity {sensitivity:g}"
        if not (math.isfinite(sigma) and sigma > 0):
            return settled(plan, broken=f"{case}: the noise is {sigma}", sound="", p=0.0, n=tried, exact=True)
        true = gaussian_epsilon(sensitivity / sigma, delta)
        if true / epsilon > worst:
            worst, shown, where = true / epsilon, true, case
    if not tried:
        return settled(plan, broken="", sound="every triple is refused: nothing is claimed", p=1.0, n=0, exact=True)
    words = f"{where}: the noise gives epsilon {shown:.4g}, {worst:.4g} times what is said"
    refuted = worst > 1 + ROUNDING
    return settled(
        plan, broken=words, sound=f"largest of {tried}: {words}", p=float(not refuted), n=tried, exact=True,
        epsilon=shown if refuted else 0.0,
    )  # fmt: skip
