"""Utility against epsilon: each trainer at each epsilon and seed on the same split, beside what no privacy and no
model at all would give."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from consentinel.core.errors import UsageError
from consentinel.core.model_contracts import Trainer
from consentinel.core.progress import each
from consentinel.core.stats import mean_interval
from consentinel.models.frontiers.measured import MEASURED, sides
from consentinel.models.private.paid import PrivateTrainer
from consentinel.models.private.rehearsal import rehearsal

__all__ = ["ASSUMES", "POINTS", "Way", "curve"]

# One row is one measure of one trainer at one epsilon: mean and interval over seeds; loss is what of the way from the
# floor (no model) to the ceiling (no privacy) is missing. Epsilon is null for ceiling and floor.
POINTS = pa.schema(
    [("trainer", pa.string()), ("role", pa.string()), ("epsilon", pa.float64()), ("measure", pa.string()),
     ("value", pa.float64()), ("low", pa.float64()), ("high", pa.float64()), ("seeds", pa.int64()),
     ("loss", pa.float64())]
)  # fmt: skip
ASSUMES = ("the frontier itself is not private: its rows are public, past or simulated",)


@dataclass(frozen=True)
class Way:
    """A trainer on the frontier: its name, its trainer at an epsilon, and its role (private or ceiling)."""

    name: str
    made: Callable[[str], Trainer]
    role: str = "private"


def curve(
    rows: pa.Table,
    ways: Sequence[Way],
    epsilons: Sequence[str],
    *,
    shelf: str = "ads",
    seeds: int = 5,
    share: float = 0.25,
    k: int = 10,
    seed: int = 0,
    delta: str = "1e-6",
) -> pa.Table:
    """Return POINTS of WAYS of SHELF at EPSILONS, trained and tested on SEEDS random splits of ROWS.

    SHARE of the rows (of each person's, where people are recommended to) is tested on; rankings are cut off at rank K.
    Each training is paid from a ledger that is thrown away, so this is for rows that are public, past or simulated
    only. The floor is `measured.MEASURED[shelf].trivial`. Raises UsageError where no ceiling is among WAYS, or a
    private way is not private.
    """
    if not any(way.role == "ceiling" for way in ways) or seeds < 2 or not 0 < share < 1 or not epsilons:
        raise UsageError("a frontier has a trainer without privacy as ceiling, two seeds or more, and some epsilon")
    if k < 1:
        raise UsageError(f"k, the cut-off rank, is at least 1; got {k}")
    how = MEASURED[shelf]
    seen: dict[tuple[str, str, str, str], list[float]] = {}
    with rehearsal() as pays:
        for at in each(range(seeds), "splits"):
            both = sides(shelf, rows, share, k, seed, at)
            for name, value in how.trivial(both).items():
                seen.setdefault((how.floor, "floor", "", name), []).append(value)
            for way in ways:
                for epsilon in epsilons if way.role == "private" else ("",):
                    trainer = way.made(epsilon or "1")
                    if isinstance(trainer, PrivateTrainer) != (way.role == "private"):
                        raise UsageError(f"'{way.name}' stands as {way.role} and is not; ceilings are plain trainers")
                    model = pays.trained(trainer, both.train, seed=seed + at, delta=delta)
                    for name, value in how.of(model, both).items():
                        seen.setdefault((way.name, way.role, epsilon, name), []).append(value)
    return _table(seen)


def _table(seen: Mapping[tuple[str, str, str, str], list[float]]) -> pa.Table:
    mean = {key: float(np.mean(values)) for key, values in seen.items()}
    made = []
    for (name, role, epsilon, measure), values in seen.items():
        best = max(mean[key] for key in mean if key[1] == "ceiling" and key[3] == measure)
        worst = next(mean[key] for key in mean if key[1] == "floor" and key[3] == measure)
        over = mean_interval(values)
        loss = (best - over.value) / (best - worst) if best > worst else None
        made.append((name, role, float(_number(epsilon)) if epsilon else None, measure, over.value, over.low, over.high,
                     len(values), loss))  # fmt: skip
    return pa.Table.from_pylist([dict(zip(POINTS.names, row, strict=True)) for row in made], POINTS)


def _number(text: str) -> float:
    top, _, bottom = text.partition("/")
    return float(top) / float(bottom or 1)
