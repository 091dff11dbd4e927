"""What a mitigation came to: the new answers, what was done, and what gap and utility were and are, on tested rows."""

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from consentinel.assure.measure import Better, Measure
from consentinel.core.stats import Interval

__all__ = ["Change", "Mitigated"]


@dataclass(frozen=True)
class Change:
    """One number before and after, and the difference (after less before) of the same people, with its p-value."""

    metric: str
    before: Interval
    after: Interval
    change: Interval
    p: float
    better: Better

    def measures(self, place: str, told: str) -> Iterator[Measure]:
        """Yield the three as measures of the slice PLACE."""
        yield Measure(f"{self.metric}_before", self.before, place, better=self.better)
        yield Measure(f"{self.metric}_after", self.after, place, better=self.better, why=told)
        better = self.better
        if better == "zero":  # the sign is that of the gap before; past zero and farther away is worse
            better = "lower" if abs(self.after.value) <= abs(self.before.value) else "higher"
        yield Measure(f"{self.metric}_change", self.change, place, "before", 0.0, self.p, better=better)


@dataclass(frozen=True)
class Mitigated:
    """Arguments: answers, to all tested rows, each by a rule that was chosen on the other half of the people; told,
    what was done; gap and utility; more, what else changed."""

    answers: pa.Table
    told: str
    gap: Change
    utility: Change
    more: tuple[Change, ...] = ()
