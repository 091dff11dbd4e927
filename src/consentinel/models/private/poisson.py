"""Poisson sampling of people: each is in each batch with the same probability, independently of everybody else.

This is the sampling that privacy amplification is proven for. Shuffled batches of a fixed size are another sampling
with a larger loss, so they are told apart here: a batch knows the loader that drew it, its rate and its number, and the
accountant (`dp_sgd`) takes no other. Batches may be empty, and nothing that is handed out depends on how many people
there are. Membership is decided by the system's secure source in whole numbers, so the rate is never exceeded.

Sources: Abadi et al. 2016, section 3; Chua et al. 2024 (how far shuffling falls short).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from consentinel.core.errors import UsageError
from consentinel.core.rng import secure_words

__all__ = ["Batch", "Loader"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Batch:
    """The rows of the people who were drawn, with the weight of each; both (rows,). The weights of a person sum to at
    most 1, so a sum of weighted contributions of norm at most one clip changes by at most one clip with a person."""

    rows: Ints
    weights: Floats
    number: int  # from 1
    loader: "Loader" = field(repr=False)


class Loader:
    """Draws batches of people with probability RATE.

    Arguments: rows, how many there are; rate in (0, 1]; people, shape (rows,), whose row each is (None: each row is a
    person); most, how many rows of a person are used, chosen at random once and each with weight 1 / most ("bounded").
    0: all of them, each with 1 / how many the person has ("grouped": the mean of a person's clipped contributions).
    Raises UsageError.
    """

    def __init__(self, rows: int, rate: Fraction, *, people: NDArray[np.integer] | None = None, most: int = 0) -> None:
        if not isinstance(rate, Fraction) or not 0 < rate <= 1:
            raise UsageError(f"a sampling rate is an exact fraction in (0, 1], got {rate!r:.40}")
        if most < 0 or (people is not None and len(people) != rows):
            raise UsageError("people has one entry for each row, and most is at least 0")
        self.rate, self._drawn = rate, 0
        if people is None:
            self._rows, self._starts = np.arange(rows), np.arange(rows + 1)
            self._weights: Floats = np.full(rows, 1.0 / max(1, most))
            return
        order = np.lexsort((secure_words(rows), people))  # a person's rows in random order
        _, starts, counts = np.unique(people[order], return_index=True, return_counts=True)
        place = np.arange(rows) - np.repeat(starts, counts)
        kept = place < most if most else np.ones(rows, bool)
        self._rows = order[kept].astype(np.int64)
        have = np.minimum(counts, most) if most else counts
        self._starts = np.concatenate([[0], np.cumsum(have)]).astype(np.int64)
        self._weights = 1.0 / np.repeat(np.full(len(have), most) if most else have, have)

    def batches(self, steps: int) -> Iterator[Batch]:
        """Yield the next STEPS batches; some may be empty."""
        people = len(self._starts) - 1
        bar = np.uint64(min(int(self.rate * 2**64), 2**64 - 1))
        for _ in range(steps):
            self._drawn += 1
            if self.rate == 1:
                yield Batch(self._rows, self._weights, self._drawn, self)
                continue
            drawn = np.flatnonzero(secure_words(people) < bar)
            have = self._starts[drawn + 1] - self._starts[drawn]
            ends = np.cumsum(have)
            at = np.arange(ends[-1] if len(ends) else 0) + np.repeat(self._starts[drawn] - (ends - have), have)
            yield Batch(self._rows[at], self._weights[at], self._drawn, self)
