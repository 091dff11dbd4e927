"""What an audit is told (Claim, Plan) and what it answers (Finding)."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

from numpy.typing import NDArray

from consentinel.core import accounting
from consentinel.core.errors import ContractBroken, UsageError
from consentinel.protect.auditing._gaussian import gaussian_epsilon

__all__ = ["Claim", "Finding", "Measure", "Pair", "Plan", "Release", "Verdict", "rows", "settled"]

Measure = Literal["epsilon", "rho", "mu"]
Verdict = Literal["refuted", "consistent", "insufficient"]
Pair = tuple[NDArray[Any], NDArray[Any]]
Release = Callable[[NDArray[Any], int], NDArray[Any]]  # (data, n) -> n independent outputs on it, shape (n,) or (n, k)


@dataclass(frozen=True)
class Claim:
    """What a mechanism promises for any two neighbouring inputs.

    Arguments: amount of the measure: epsilon at delta, rho (zCDP), or mu (Gaussian differential privacy: Gaussian noise
    of standard deviation sensitivity / mu); delta, for rho and mu the one at which an epsilon is shown.
    Raises UsageError for amounts that are not positive and a delta outside [0, 1).
    """

    amount: float
    measure: Measure = "epsilon"
    delta: float = 0.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.amount) and self.amount > 0):
            raise UsageError(f"a claim is a positive number, got {self.amount}")
        if self.measure not in ("epsilon", "rho", "mu"):
            raise UsageError(f"no measure '{self.measure}'; there is: epsilon, mu, rho")
        if not 0 <= self.delta < 1:
            raise UsageError(f"delta is in [0, 1), got {self.delta}")
        if self.measure != "epsilon" and self.delta == 0:
            raise UsageError(f"a claim in {self.measure} needs a delta above 0, at which its epsilon is shown")

    @property
    def epsilon(self) -> float:
        """The epsilon at delta that the claim implies."""
        if self.measure == "mu":
            return gaussian_epsilon(self.amount, self.delta)
        if self.measure == "rho":
            micro = accounting.micro_rho(Fraction(self.amount))
            return accounting.epsilon(micro, Fraction(self.delta))
        return self.amount


@dataclass(frozen=True)
class Plan:
    """How hard an audit tries.

    Arguments: the claim under test; n outputs on each input; pairs of neighbouring inputs (parts that make their own
    take none); level, the chance with which a true claim is not refuted (the false-alarm rate is at most 1 - level);
    seed of the auditor's own draws (permutations, reference samples), never of the mechanism. Raises UsageError.
    """

    claim: Claim
    n: int = 100_000
    pairs: tuple[Pair, ...] = ()
    level: float = 0.99
    seed: int = 0

    def __post_init__(self) -> None:
        if self.n < 8:
            raise UsageError(f"an audit needs at least 8 outputs on each input, got {self.n}")
        if not 0 < self.level < 1:
            raise UsageError(f"a level is in (0, 1), for example 0.99; got {self.level}")

    @property
    def alpha(self) -> float:
        """The false-alarm rate that the audit may have."""
        return 1 - self.level


@dataclass(frozen=True)
class Finding:
    """What an audit found.

    Arguments: lower_bound_epsilon at the claim's delta, which the true epsilon reaches with the plan's level (0 where
    the test says nothing of epsilon); interval of the epsilon of the event that was tested, each end at that level; p,
    the chance of such evidence under a true claim; verdict; why, in words; claimed_epsilon; lower_bound and claimed in
    the measure of the claim; n, the outputs or cases behind it; error_rate, the largest false-alarm rate of the test.
    """

    lower_bound_epsilon: float
    interval: tuple[float, float]
    p: float
    verdict: Verdict
    why: str
    claimed_epsilon: float
    lower_bound: float
    claimed: float
    measure: Measure
    n: int
    error_rate: float


def settled(
    plan: Plan, *, broken: str, sound: str, p: float, n: int, exact: bool = False, epsilon: float = 0.0
) -> Finding:
    """Return the finding of a test that is not about one event: refuted when P is at most the plan's alpha.

    Arguments: broken and sound, the words for either verdict; exact where a counterexample proves the claim false and a
    true claim is never refuted; epsilon, a lower bound where there is one.
    """
    refuted = p <= plan.alpha
    return Finding(
        epsilon, (epsilon, math.inf), p, "refuted" if refuted else "consistent", broken if refuted else sound,
        plan.claim.epsilon, epsilon if plan.claim.measure == "epsilon" else 0.0, plan.claim.amount, plan.claim.measure,
        n, 0.0 if exact else plan.alpha,
    )  # fmt: skip


def rows(outputs: NDArray[Any], n: int) -> NDArray[Any]:
    """Return OUTPUTS of a release; raises ContractBroken unless they are numbers of shape (n,) or (n, k)."""
    if outputs.ndim not in (1, 2) or len(outputs) != n or outputs.dtype.kind not in "biuf":
        raise ContractBroken(f"a release should give {n} outputs as numbers of shape ({n},) or ({n}, k)")
    return outputs
