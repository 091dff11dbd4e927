"""The rows of an experiment, and what a reading of it says."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["Check", "Effect", "Floats", "Reading", "Trial"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Trial:
    """One row is one unit (or one visit of a unit in a cluster), in the order in which it came.

    Outcome (n,); treated (n,); where they were named: the same outcome before the experiment, the denominator of a
    ratio, the cluster, whether the row lies after the start (difference in differences), covariates (n, k).
    """

    outcome: Floats
    treated: NDArray[np.bool_]
    before: Floats | None = None
    denominator: Floats | None = None
    cluster: NDArray[np.int64] | None = None
    after: NDArray[np.bool_] | None = None
    adjust: Floats | None = None

    def arms(self) -> tuple[Floats, Floats]:
        """Return the outcomes of the control and of the treated."""
        return self.outcome[~self.treated], self.outcome[self.treated]


@dataclass(frozen=True)
class Effect:
    """An effect: treated against control, with its interval and two-sided p. NULL is its value without effect."""

    name: str
    value: float
    low: float
    high: float
    p: float
    method: str
    control: float = float("nan")
    treated: float = float("nan")
    null: float = 0.0

    def side(self, level: float) -> str:
        """Return above or below where both the interval and p say so at LEVEL, else undecided."""
        if self.p > 1 - level:
            return "undecided"
        return "above" if self.low > self.null else "below" if self.high < self.null else "undecided"


@dataclass(frozen=True)
class Check:
    """Something that the reading rests on: whether it holds (None: it is only told), and what was seen."""

    what: str
    holds: bool | None
    said: str


@dataclass(frozen=True)
class Reading:
    """Effects, the first of which is the answer, and checks."""

    effects: list[Effect]
    checks: list[Check] = field(default_factory=list)
