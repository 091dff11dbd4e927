"""What a mechanism gives back, and what it may be told beforehand."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from consentinel.core.errors import UsageError
from consentinel.protect.shelves import MECHANISMS

__all__ = ["MECHANISMS", "Estimates", "Facts", "Floats", "Law"]

Floats = NDArray[np.float64]
Law = Literal["gaussian", "laplace"]


@dataclass(frozen=True)
class Estimates:
    """Values with their intervals [low, high], in the unit of the data.

    Arrays have shape (groups,), or (groups, m) with LABELS naming the m values of a group.
    """

    value: Floats
    low: Floats
    high: Floats
    labels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        shape = self.value.shape
        if self.low.shape != shape or self.high.shape != shape or len(shape) != (2 if self.labels else 1):
            raise UsageError("value, low and high have one shape: (groups,), or (groups, m) with m labels")


@dataclass(frozen=True)
class Facts:
    """What is public or guessed about one group before anything is read; no private data belongs here.

    Arguments: units, people in the group; mean and spread (standard deviation) of a value per unit, None: the worst
    that the bounds allow; share, of the units that a count counts; clipped, share of values beyond the bounds.
    Raises UsageError.
    """

    units: float
    mean: float | None = None
    spread: float | None = None
    share: float = 1.0
    clipped: float = 0.0
    extra: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 < self.units < 1e15:  # also false for NaN
            raise UsageError(f"a forecast needs the expected number of units per group, got {self.units}")
        if self.mean is not None and not np.isfinite(self.mean):
            raise UsageError(f"the expected mean is a number, got {self.mean}")
        if self.spread is not None and not 0 <= self.spread < np.inf:
            raise UsageError(f"the expected spread is a number of at least 0, got {self.spread}")
        if not (0 <= self.share <= 1 and 0 <= self.clipped <= 1):
            raise UsageError(f"shares are in [0, 1], got {self.share} and {self.clipped}")
