"""The epsilon of a plan that is declared whole in advance, computed twice by separate means; the larger one is stated.

First by dp-accounting (privacy loss distributions, with its Renyi accountant as a ceiling), then by our own bounds
(`loss_grid`), which share no code with it. When the two are further apart than 1e-3, when dp-accounting lies below our
lower bound, or when zCDP, which always errs upwards, would give less, no figure is stated at all. The classical
formula sqrt(2 ln(1.25 / delta)) is used nowhere: it is wrong from epsilon 1 on.

What is composed adaptively goes through the zCDP filter of the ledger (`accounting`), never through here.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, get_args

from consentinel.core import accounting
from consentinel.core.errors import ConsentinelError, NotSupported, UsageError
from consentinel.core.extras import need
from consentinel.core.loss_grid import Shift, between

__all__ = ["Agreed", "Kind", "Step", "agreed", "check", "epsilon_of"]

Kind = Literal["gaussian", "laplace", "discrete_gaussian", "discrete_laplace", "pure"]

LEAST_DELTA = Fraction(1, 10**12)  # accountants lose their footing below (prv_accountant 17 and 36)
APART = 1e-3
LARGEST_SIGMA = 1e6  # of discrete Gaussian noise, in lattice steps
NOTHING = 1e-9  # an epsilon below is none: delta alone covers the loss
SLACK = 1e-6  # relative, for the rounding of the ceilings


@dataclass(frozen=True)
class Step:
    """COUNT applications of noise of KIND and SCALE to an answer that one unit changes by at most SENSITIVITY.

    Arguments: kind; sensitivity, L2 for Gaussian noise, L1 for Laplace noise, whole lattice steps for discrete noise
    (write a vector as one step per coordinate); scale, sigma or b, in the same unit; for `pure` any mechanism with
    epsilon = sensitivity / scale. Count at least 1. Raises UsageError.
    """

    kind: Kind
    sensitivity: Fraction
    scale: Fraction
    count: int = 1

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise UsageError(f"no mechanism '{self.kind:.60}' can be composed; there is: {', '.join(get_args(Kind))}")
        for what in ("sensitivity", "scale"):
            value = getattr(self, what)
            if not isinstance(value, Fraction):
                raise UsageError(f"{what} is an exact fraction (accounting.exact makes one), got {value!r:.60}")
            accounting.exact(value, what)
        if not isinstance(self.count, int) or isinstance(self.count, bool) or not 1 <= self.count <= 1_000_000:
            raise UsageError(f"a step is applied 1 to 1,000,000 times, got {self.count!r:.60}")
        if self.kind.startswith("discrete") and self.sensitivity.denominator != 1:
            raise UsageError(f"sensitivity of {self.kind} is in whole lattice steps, got {self.sensitivity}")
        if not Fraction(1, 10**6) <= self.sensitivity / self.scale <= 100:
            raise UsageError("sensitivity / scale is in [1e-6, 100]: less is no loss worth a figure, more no privacy")

    @property
    def rho(self) -> Fraction:
        """The exact zCDP price of the step."""
        gaussian = self.kind.endswith("gaussian")
        price = accounting.gaussian_rho if gaussian else accounting.laplace_rho
        return self.count * price(self.sensitivity, self.scale)


@dataclass(frozen=True)
class Agreed:
    """Both computations of one epsilon: the one to state, dp-accounting's, our lower and upper bound of the truth."""

    epsilon: float
    pld: float
    low: float
    high: float
    ceiling: float  # the least of what zCDP and Renyi accounting give


def epsilon_of(plan: Sequence[Step], delta: Fraction) -> float:
    """Return what PLAN, declared whole in advance, costs at DELTA: the more pessimistic of the two epsilons.

    Raises UsageError for an empty plan or a delta outside [1e-12, 1); NotSupported for a plan that is too large;
    MissingExtra without dp-accounting; ConsentinelError when the computations do not agree.
    """
    return agreed(plan, delta).epsilon


def agreed(plan: Sequence[Step], delta: Fraction) -> Agreed:
    """Return both computations of the epsilon of PLAN at DELTA; raises as `epsilon_of`."""
    steps = tuple(plan)
    if not steps or not all(isinstance(step, Step) for step in steps):
        raise UsageError("a plan is at least one Step")
    if not isinstance(delta, Fraction) or not LEAST_DELTA <= delta < 1:
        raise UsageError(f"delta is an exact fraction in [1e-12, 1), got {delta!r:.60}")
    shifts = [Shift(s.kind, float(s.sensitivity), float(s.scale), s.count) for s in _joined(steps)]
    chance = float(delta)
    low, high, width = between(shifts, chance)
    pld = _by_pld(shifts, chance, width)
    found = Agreed(max(pld, high), pld, low, high, _ceiling(steps, shifts, delta))
    check(found)
    return found


def check(found: Agreed) -> None:
    """Raise ConsentinelError unless the computations in FOUND agree."""
    if not all(map(math.isfinite, (found.pld, found.low, found.high))):
        why = "one of them gives no finite figure"
    elif max(found.pld, found.high) < NOTHING:
        return
    elif abs(found.pld - found.high) > APART * max(found.pld, found.high):
        why = "they are more than 0.1 % apart"
    elif found.pld < found.low * (1 - 1e-7) or found.high < found.low:
        why = "one lies below a proven lower bound"
    elif found.low > found.ceiling * (1 + SLACK):
        why = f"zCDP or Renyi accounting gives less ({found.ceiling:.6g})"
    else:
        return
    raise ConsentinelError(
        f"no epsilon is stated: dp-accounting gives {found.pld:.6g}, our own computation {found.low:.6g} to "
        f"{found.high:.6g}; {why}. Use the zCDP price of the plan, or split it, and report this plan"
    )


def _joined(steps: tuple[Step, ...]) -> list[Step]:
    """Return the plan with equal steps counted together."""
    counts: dict[tuple[Kind, Fraction, Fraction], int] = {}
    for step in steps:
        key = (step.kind, step.sensitivity, step.scale)
        counts[key] = counts.get(key, 0) + step.count
    return [Step(*key, count) for key, count in sorted(counts.items())]


def _by_pld(shifts: Sequence[Shift], delta: float, width: float) -> float:
    """Return dp-accounting's pessimistic epsilon from privacy loss distributions with cells of WIDTH."""
    pld: Any = need("dp_accounting.pld.privacy_loss_distribution", extra="protect")
    options = {"value_discretization_interval": width, "use_connect_dots": True}

    def once(shift: Shift) -> Any:
        if shift.kind == "gaussian":
            return pld.from_gaussian_mechanism(shift.scale, shift.sensitivity, **options)
        if shift.kind == "laplace":
            return pld.from_laplace_mechanism(shift.scale, shift.sensitivity, **options)
        if shift.kind == "discrete_laplace":
            return pld.from_discrete_laplace_mechanism(1 / shift.scale, int(shift.sensitivity), **options)
        if shift.kind == "discrete_gaussian":
            if shift.scale > LARGEST_SIGMA:
                raise NotSupported(f"sigma is {shift.scale:g} lattice steps; for an epsilon coarsen the lattice")
            return pld.from_discrete_gaussian_mechanism(shift.scale, int(shift.sensitivity), **options)
        # the worst mechanism of an epsilon has two losses, as discrete Laplace noise has on sensitivity 1
        return pld.from_discrete_laplace_mechanism(shift.ratio, 1, **options)

    whole = None
    for shift in shifts:
        power = once(shift).self_compose(shift.count) if shift.count > 1 else once(shift)
        whole = power if whole is None else whole.compose(power)
    assert whole is not None
    found = float(whole.get_epsilon_for_delta(delta))
    bounded = not any(shift.gaussian for shift in shifts)
    return min(found, sum(shift.count * shift.ratio for shift in shifts)) if bounded else found


def _ceiling(steps: Sequence[Step], shifts: Sequence[Shift], delta: Fraction) -> float:
    """Return the least epsilon that zCDP (ours) and, for continuous noise, Renyi accounting (dp-accounting) prove."""
    least = accounting.epsilon(accounting.micro_rho(sum((step.rho for step in steps), Fraction(0))), delta)
    if all(shift.kind in ("gaussian", "laplace", "discrete_gaussian") for shift in shifts):
        dp: Any = need("dp_accounting", extra="protect")
        accountant = need("dp_accounting.rdp", extra="protect").RdpAccountant()
        for shift in shifts:  # discrete Gaussian noise has no more Renyi loss than continuous (Canonne et al. 2020)
            event = dp.GaussianDpEvent if shift.gaussian else dp.LaplaceDpEvent
            accountant.compose(event(shift.scale / shift.sensitivity), shift.count)
        least = min(least, float(accountant.get_epsilon(float(delta))))
    return least
