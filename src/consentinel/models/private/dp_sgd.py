"""The accountant of noisy gradient steps: it draws the noise itself, and only for the sampling that was paid for.

A plan says how many steps are taken, with which probability each person takes part in one (`poisson`), and the noise
in units of the clip. `Accountant.noisy` is the one door to the noise, so that a step that is not accounted for cannot
be taken: it refuses batches of another sampling (shuffled ones, plain arrays), another rate or another loader, a batch
a second time, and one step more than the plan has. Sums arrive in whole steps of a lattice and the noise is exact
discrete Gaussian, so that no rounding leaks; at thousands of steps of the lattice its loss is that of Gaussian noise.

Neighbours: one person more or less. Sources: Abadi et al. 2016, algorithm 1; Mironov, Talwar and Zhang 2019 (Renyi);
Koskela, Jalko and Honkela 2020, Doroshenko et al. 2022 (privacy loss distributions).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel.core import accounting, losses
from consentinel.core.errors import BudgetRefused, ConsentinelError, UsageError
from consentinel.core.extras import need
from consentinel.core.ledger import Charge
from consentinel.models.private.exact import discrete_gaussian
from consentinel.models.private.poisson import Batch, Loader

__all__ = ["LEAST_SCALE", "Accountant", "Plan", "noise_for", "plan_loss"]

MOST_STEPS, LEAST_NOISE, MOST_NOISE = 1_000_000, Fraction(1, 5), 10_000
LEAST_SCALE = 64  # lattice steps in one sigma, from which discrete and continuous Gaussian noise lose alike
ORDERS = [*range(2, 65), 96, 128, 256, 512, 1024]  # whole ones, whose sums need no limit
SLACK = 1e-3  # by how much privacy loss distributions, rounded up, may exceed Renyi accounting


@dataclass(frozen=True)
class Plan:
    """STEPS sums over people who take part with probability RATE, each with Gaussian noise of NOISE clips.

    BEFORE is the rho of other Gaussian draws about everybody (a mean, a covariance). Raises UsageError.
    """

    noise: Fraction
    rate: Fraction
    steps: int
    before: Fraction = Fraction(0)

    def __post_init__(self) -> None:
        if not isinstance(self.noise, Fraction) or not LEAST_NOISE <= self.noise <= MOST_NOISE:
            raise UsageError(
                f"noise is an exact fraction in [1/5, 10000], in units of the clip; got {self.noise!r:.40}"
            )
        if not isinstance(self.rate, Fraction) or not 0 < self.rate <= 1:
            raise UsageError(f"a sampling rate is an exact fraction in (0, 1], got {self.rate!r:.40}")
        if not 1 <= self.steps <= MOST_STEPS or self.before < 0:
            raise UsageError(f"a plan has 1 to {MOST_STEPS} steps, got {self.steps}, and a rho of at least 0 before")

    @property
    def rho(self) -> Fraction:
        """The zCDP price of the plan. Sampling lowers no zCDP price, so with a rate below 1 pay by `plan_loss`."""
        return self.before + self.steps * accounting.gaussian_rho(Fraction(1), self.noise)

    def epsilon(self, delta: Fraction) -> float:
        """Return the epsilon of the whole plan at DELTA, never below the truth.

        With everybody in each step by `core/losses`; else by dp-accounting's privacy loss distributions, checked
        against its Renyi accountant. Raises ConsentinelError when they disagree; MissingExtra without dp-accounting.
        """
        sigma = accounting.exact(Fraction(math.isqrt(int(10**24 / (2 * self.before))), 10**12)) if self.before else None
        if self.rate == 1:
            plan = [losses.Step("gaussian", Fraction(1), self.noise, self.steps)]
            if sigma is not None:
                plan.append(losses.Step("gaussian", Fraction(1), sigma))
            return losses.epsilon_of(plan, delta)
        dp: Any = need("dp_accounting", extra="protect")
        step = dp.PoissonSampledDpEvent(float(self.rate), dp.GaussianDpEvent(float(self.noise)))
        by_loss = need("dp_accounting.pld", extra="protect").PLDAccountant(value_discretization_interval=1e-3)
        by_order = need("dp_accounting.rdp", extra="protect").RdpAccountant(ORDERS)
        for accountant in (by_loss, by_order):
            accountant.compose(step, self.steps)
            if sigma is not None:
                accountant.compose(dp.GaussianDpEvent(float(sigma)))
        found, ceiling = (float(a.get_epsilon(float(delta))) for a in (by_loss, by_order))
        if not math.isfinite(found) or found > ceiling * (1 + SLACK) + SLACK:
            raise ConsentinelError(
                f"no epsilon is stated: privacy loss distributions give {found:.6g}, Renyi accounting {ceiling:.6g}; "
                "use its zCDP price, or more noise, and report this plan"
            )
        return found


def noise_for(epsilon: float, delta: Fraction, rate: Fraction, steps: int, *, before: Fraction = Fraction(0)) -> Plan:
    """Return the plan with the least noise, to 1e-4 of epsilon, that costs at most EPSILON at DELTA; arguments as Plan.

    Raises UsageError where no noise in range suffices.
    """
    if not math.isfinite(epsilon) or epsilon <= 0:
        raise UsageError(f"epsilon is above 0, got {epsilon}")
    aim, near = math.log(epsilon) - 5e-5, 5e-5
    least, most = math.log(float(LEAST_NOISE)), math.log(MOST_NOISE)
    ends: dict[bool, tuple[float, float]] = {}  # too dear, cheap enough: logarithms of noise and of cost over the aim
    here = 0.0
    for turn in range(60):
        plan = _at(math.exp(here), rate, steps, before)
        off = math.log(plan.epsilon(delta)) - aim
        if abs(off) <= near or (off < 0 and here == least):
            return plan
        ends[off > 0] = (here, off)
        if len(ends) == 1:  # epsilon falls at least about as fast as noise rises
            if here == (most if off > 0 else least):
                break
            here = min(max(here + off, least), most)
            continue
        (low, over), (high, under) = ends[True], ends[False]
        here = low + (high - low) * (over / (over - under) if turn % 3 else 0.5)
    raise UsageError(f"no noise makes {steps} steps cost epsilon {epsilon:g} at delta {delta}; take fewer steps")


def _at(noise: float, rate: Fraction, steps: int, before: Fraction) -> Plan:
    return Plan(min(Fraction(math.ceil(noise * 10**6), 10**6), Fraction(MOST_NOISE)), rate, steps, before)


def plan_loss(charges: Sequence[Charge], delta: Fraction) -> float:
    """Return the epsilon at DELTA of CHARGES for DP-SGD, which says as Ledger.spend_all(loss=) wants what they cost.

    A charge is read from its parameters: sensitivity, sigma, rate, steps and, where there is one, before. Several
    charges are each accounted for and added up. Raises UsageError for a charge of something else.
    """
    whole = 0.0
    for charge in charges:
        told = dict(charge.params)
        if not {"sensitivity", "sigma", "rate", "steps"} <= set(told) or told["steps"].denominator != 1:
            raise UsageError(f"a charge of '{charge.mechanism}' is no plan of noisy steps; pay it by its zCDP price")
        plan = Plan(
            told["sigma"] / told["sensitivity"], told["rate"], int(told["steps"]), told.get("before", Fraction(0))
        )
        whole += plan.epsilon(delta / len(charges))
    return whole


class Accountant:
    """Counts the steps of a plan and draws their noise; made for one training."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.done = plan, 0
        self._loader: Loader | None = None
        self._last = 0

    def noisy(self, batch: Batch, total: NDArray[np.int64], clip: int) -> NDArray[np.int64]:
        """Return TOTAL, the sum over the people in BATCH, with the noise of one step; both in whole lattice steps.

        Arguments: the batch that a Poisson loader drew; TOTAL, any shape, to which a person contributes a vector of
        Euclidean norm at most CLIP lattice steps. Raises BudgetRefused for a step that the plan has not; UsageError
        for a lattice too coarse for the noise.
        """
        scale = self.plan.noise * clip
        if scale < LEAST_SCALE:
            raise UsageError(
                f"sigma is {float(scale):.3g} lattice steps, fewer than {LEAST_SCALE}; make the steps finer"
            )
        self._count(batch)
        drawn = discrete_gaussian(scale, int(np.prod(total.shape)))
        return np.asarray(total + drawn.reshape(total.shape))

    def epsilon(self, delta: Fraction) -> float:
        """Return what the steps taken so far cost, with the other draws of the plan; never more than the plan."""
        if self.done:
            return replace(self.plan, steps=self.done).epsilon(delta)
        before = self.plan.before
        return accounting.epsilon(accounting.micro_rho(before), delta) if before else 0.0

    def _count(self, batch: Any) -> None:
        why = ""
        if not isinstance(batch, Batch) or not isinstance(batch.loader, Loader):
            why = "its rows were not drawn by a Poisson loader, and the loss of any other sampling is larger"
        elif batch.loader.rate != self.plan.rate:
            why = f"people were drawn with probability {batch.loader.rate}, and {self.plan.rate} was accounted for"
        elif self._loader not in (None, batch.loader):
            why = "it comes from another loader than the steps before"
        elif batch.number <= self._last:
            why = "this batch, or a later one, was used already"
        elif self.done >= self.plan.steps:
            why = f"all {self.plan.steps} steps that were accounted for are taken"
        if why:
            raise BudgetRefused(f"the step is refused: {why}. Draw batches by Loader(rows, rate).batches(steps)")
        self._loader, self._last, self.done = batch.loader, batch.number, self.done + 1
