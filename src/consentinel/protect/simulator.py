"""A made-up ad campaign whose true lift is known: publisher and partner tables, exposures, late conversions.

People differ in how active they are. Activity brings opportunities to show an ad, and purchases: so in the treated arm
those who saw the ad would have bought more anyway, and only the arms, assigned at random, compare like with like. In
the control arm the same opportunities are logged and nothing is shown. Made of seeded random numbers, for
demonstration and tests; no data of anyone.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel.core.errors import UsageError
from consentinel.core.rng import generator
from consentinel.protect.lift.counting import CAP, EPOCH

__all__ = ["Campaign", "Study", "simulate"]

DAY = 86_400
START = EPOCH + 365 * DAY


@dataclass(frozen=True)
class Campaign:
    """What is simulated. base and added: purchases of an average person in the window without the ad, and what seeing
    it adds; opportunities: of an average person; frequency_cap: most impressions of a person; clicks: chance of an
    impression; treated: share; window and mean delay in days, purchases after the window are too late to count."""

    people: int = 20_000
    base: float = 0.05
    added: float = 0.02
    opportunities: float = 2.0
    frequency_cap: int = 5
    clicks: float = 0.05
    treated: float = 0.5
    ads: int = 6
    cohorts: int = 3
    window: int = 14
    delay: float = 5.0
    activity: float = 1.0  # shape of the gamma distribution of activity; the smaller, the more people differ

    def __post_init__(self) -> None:
        if not 1 <= self.people <= 10**7 or not 1 <= self.ads <= 1000 or not 1 <= self.cohorts <= 100:
            raise UsageError("a campaign has 1 to 10^7 people, 1 to 1000 ads and 1 to 100 cohorts")
        if not (0 < self.treated < 1 and 0 <= self.clicks <= 1 and min(self.base, self.added) >= 0):
            raise UsageError("treated is in (0, 1), clicks in [0, 1], and base and added are at least 0")
        if min(self.opportunities, self.delay, self.activity) <= 0 or min(self.frequency_cap, self.window) < 1:
            raise UsageError("opportunities, delay and activity are above 0, frequency_cap and window at least 1")


@dataclass(frozen=True)
class Study:
    """The tables of one campaign and what nobody can see in them: the truth.

    lift_publisher and lift_partner, touches and conversions (one row per event) have the columns of exchange.py;
    true_difference is the mean over all counted people of conversions if treated less conversions if not;
    naive_difference is what comparing exposed with unexposed treated people gives.
    """

    lift_publisher: pa.Table
    lift_partner: pa.Table
    touches: pa.Table
    conversions: pa.Table
    true_difference: float
    true_relative: float
    naive_difference: float


def simulate(campaign: Campaign, seed: int) -> Study:
    """Return the study of CAMPAIGN that belongs to SEED."""
    rng = generator(seed, "protect.simulator")
    n = campaign.people
    activity = rng.gamma(campaign.activity, 1 / campaign.activity, n)
    test = rng.random(n) < campaign.treated
    chances = rng.poisson(campaign.opportunities * activity)
    first = START + rng.integers(0, 3 * DAY, n)
    would_see = np.minimum(chances, campaign.frequency_cap)
    impressions = np.where(test, would_see, 0)

    plain, plain_at, plain_value = _purchases(rng, campaign.base * activity, campaign, first)
    extra_rate = campaign.added * np.where(would_see > 0, 1 - 0.5**would_see, 0.0)  # saturates with impressions
    extra, extra_at, extra_value = _purchases(rng, extra_rate, campaign, first)

    counted = chances > 0
    untreated = np.minimum(np.bincount(plain, minlength=n), CAP)
    treated = np.minimum(np.bincount(plain, minlength=n) + np.bincount(extra, minlength=n), CAP)
    seen = test[extra]  # what the ad adds happens in the treated arm only
    who = np.concatenate([plain, extra[seen]])
    when = np.concatenate([plain_at, extra_at[seen]])
    value = np.concatenate([plain_value, extra_value[seen]])
    observed = np.minimum(np.bincount(who, minlength=n), CAP)
    exposed = test & (impressions > 0)

    names = np.char.add("p", np.arange(n).astype("U8"))
    publisher = pa.table(
        {
            "id": names,
            "opportunity": counted.astype(np.int64),
            "test_flag": test.astype(np.int64),
            "opportunity_timestamp": np.where(counted, first, 0),
            "num_impressions": impressions,
            "breakdown_id": rng.integers(0, 2, n),
        }
    )
    cohort = rng.integers(0, campaign.cohorts, n)
    touches = _touches(rng, campaign, impressions, first)
    order = np.lexsort((when, who))
    conversions = pa.table(
        {
            "id": names[who[order]],
            "conversion_timestamp": when[order],
            "conversion_value": value[order],
        }
    )
    return Study(
        publisher,
        _partner(names, cohort, who[order], when[order], value[order]),
        touches.append_column("id", pa.array(names[touches["person"].to_numpy()])).drop_columns(["person"]),
        conversions,
        float((treated - untreated)[counted].mean()),
        float(treated[counted].mean() / max(untreated[counted].mean(), 1e-12) - 1),
        float(observed[exposed].mean() - observed[test & ~exposed].mean()),
    )


def _purchases(
    rng: np.random.Generator, rate: NDArray[np.float64], campaign: Campaign, first: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Person, time and value in cents of purchases; those after the window are too late and are dropped."""
    who = np.repeat(np.arange(len(rate)), rng.poisson(rate))
    delay = 60 + np.rint(rng.exponential(campaign.delay * DAY, len(who))).astype(np.int64)
    value = np.rint(rng.lognormal(8.0, 0.8, len(who))).astype(np.int64)
    in_time = delay <= campaign.window * DAY
    return who[in_time], (first[who] + delay)[in_time], value[in_time]


def _touches(
    rng: np.random.Generator, campaign: Campaign, impressions: NDArray[np.int64], first: NDArray[np.int64]
) -> pa.Table:
    person = np.repeat(np.arange(len(impressions)), impressions)
    return pa.table(
        {
            "person": person,
            "ad_id": 1 + rng.integers(0, campaign.ads, len(person)),
            "timestamp": first[person] + rng.integers(0, 4 * DAY, len(person)),
            "is_click": (rng.random(len(person)) < campaign.clicks).astype(np.int64),
        }
    )


def _partner(
    names: NDArray[np.str_],
    cohort: NDArray[np.int64],
    who: NDArray[np.int64],
    when: NDArray[np.int64],
    value: NDArray[np.int64],
) -> pa.Table:
    """One row per person; events are sorted by person and time."""
    offsets = np.concatenate([[0], np.cumsum(np.bincount(who, minlength=len(names)))]).astype(np.int32)
    return pa.table(
        {
            "id": names,
            "cohort_id": cohort,
            "event_timestamps": pa.ListArray.from_arrays(offsets, when),
            "values": pa.ListArray.from_arrays(offsets, value),
        }
    )
