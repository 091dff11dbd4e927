"""Measure a made-up ad campaign whose true lift is known: the arms find it, exposed against unexposed does not."""

from dataclasses import dataclass

import duckdb

from consentinel.protect.exchange import take
from consentinel.protect.lift.counting import count
from consentinel.protect.lift.effect import compare
from consentinel.protect.simulator import Campaign, simulate


@dataclass(frozen=True)
class Found:
    """Conversions per person that the ad brought: the truth, the estimate with its interval, the naive comparison."""

    truth: float
    estimate: float
    low: float
    high: float
    naive: float


def main(seed: int = 1, people: int = 40_000) -> Found:
    """Simulate a campaign and compare three answers to the question what the ad brought."""
    study = simulate(Campaign(people=people), seed)
    connection = duckdb.connect()
    take(connection, study.lift_publisher, "lift.publisher")
    take(connection, study.lift_partner, "lift.partner")
    row = compare(count(connection), "conversions")[0]
    estimate, low, high = (float(str(row[name])) for name in ("difference", "low", "high"))
    return Found(study.true_difference, estimate, low, high, study.naive_difference)


if __name__ == "__main__":
    found = main()
    print(f"true lift            {found.truth:.4f} conversions per person")
    print(f"randomised arms      {found.estimate:.4f}  95% interval {found.low:.4f} to {found.high:.4f}")
    print(f"exposed - unexposed  {found.naive:.4f}  (active people see more ads and buy more anyway)")
