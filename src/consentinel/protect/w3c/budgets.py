"""Privacy budgets of one browser in whole micro-epsilon: per site, for all sites, and a quota per impression site."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction

__all__ = ["MICRO", "Budgets"]

MICRO = 1_000_000
Key = tuple[int, str]  # epoch, site


@dataclass
class Budgets:
    """What is left of each budget; every one of them is per epoch and starts full.

    Arguments, in micro-epsilon: per_site, of each conversion site; everyone, of all conversion sites together;
    quota, of each impression site, so that one site cannot use up what belongs to everyone.
    """

    per_site: int
    everyone: int
    quota: int
    sites: dict[Key, int] = field(default_factory=dict)
    all_sites: dict[int, int] = field(default_factory=dict)
    quotas: dict[Key, int] = field(default_factory=dict)

    def deduct(
        self,
        epoch: int,
        site: str,
        impression_sites: Iterable[str],
        *,
        epsilon: Fraction,
        value: int,
        most_value: int,
        single_epoch_sum: int | None,
    ) -> bool:
        """Take what one conversion of SITE costs in EPOCH from every budget, or nothing; return whether it was taken.

        The noise that the aggregator adds has scale 2 MOST_VALUE / EPSILON. A conversion that could match in several
        epochs changes the histogram by up to 2 VALUE; one that can only match in this epoch by the sum of the
        histogram itself, SINGLE_EPOCH_SUM, which is all that its own site pays. The safety budgets always pay for
        2 VALUE, so that they do not depend on what was matched. Exact, rounded up.
        """
        scale = Fraction(2 * most_value) / epsilon
        safety = math.ceil(2 * value / scale * MICRO)
        own = safety if single_epoch_sum is None else math.ceil(single_epoch_sum / scale * MICRO)
        places = {(epoch, place) for place in impression_sites}
        left = self.sites.get((epoch, site), self.per_site)
        left_all = self.all_sites.get(epoch, self.everyone)
        if own > left or safety > left_all or any(safety > self.quotas.get(place, self.quota) for place in places):
            return False
        self.sites[epoch, site] = left - own
        self.all_sites[epoch] = left_all - safety
        for place in places:
            self.quotas[place] = self.quotas.get(place, self.quota) - safety
        return True

    def empty(self, epochs: Iterable[int], sites: Iterable[str]) -> None:
        """Leave SITES nothing in EPOCHS."""
        names = tuple(sites)
        self.sites |= {(epoch, site): 0 for epoch in epochs for site in names}

    def forget(self, sites: Iterable[str]) -> None:
        """Forget what was left of SITES; of all sites when there are none."""
        names = set(sites)
        self.sites = {key: left for key, left in self.sites.items() if names and key[1] not in names}
