"""The simulated campaign: the arms find the true lift, the naive comparison does not, and it is the same twice."""

from typing import Any

import duckdb
import pyarrow.compute as pc
import pytest

from consentinel.core.errors import UsageError
from consentinel.protect.exchange import take
from consentinel.protect.lift.counting import CAP, count
from consentinel.protect.lift.effect import compare
from consentinel.protect.simulator import DAY, Campaign, simulate
from examples import measure_lift


def test_the_arms_cover_the_truth_and_the_naive_comparison_does_not() -> None:
    seeds, covered, fooled = 15, 0, 0
    for seed in range(seeds):
        found = measure_lift.main(seed, people=6000)
        covered += found.low <= found.truth <= found.high
        fooled += not found.low <= found.naive <= found.high
    assert covered >= 12, "nominal 95 %: fewer than 12 of 15 has a chance below 1 in 1,000"
    assert fooled == seeds


def test_without_an_effect_none_is_found_but_the_naive_one_is() -> None:
    study = simulate(Campaign(people=30_000, added=0.0), 3)
    connection = duckdb.connect()
    take(connection, study.lift_publisher, "lift.publisher")
    take(connection, study.lift_partner, "lift.partner")
    row = compare(count(connection), "conversions")[0]
    assert study.true_difference == 0
    assert float(str(row["p"])) > 0.01
    assert study.naive_difference > 0.02


def test_equal_seeds_give_equal_tables_and_the_rules_hold() -> None:
    campaign = Campaign(people=3000, frequency_cap=3, window=5)
    one, other = simulate(campaign, 9), simulate(campaign, 9)
    assert one.lift_publisher.equals(other.lift_publisher)
    assert one.conversions.equals(other.conversions)
    assert not one.conversions.equals(simulate(campaign, 10).conversions)
    assert pc.max(one.lift_publisher["num_impressions"]).as_py() == 3
    control = one.lift_publisher.filter(pc.equal(one.lift_publisher["test_flag"], 0))
    assert pc.max(control["num_impressions"]).as_py() == 0, "control is never shown the ad"
    first = dict(zip(*(one.lift_publisher[name].to_pylist() for name in ("id", "opportunity_timestamp")), strict=True))
    late = [
        row
        for row in one.conversions.to_pylist()
        if first[row["id"]] and row["conversion_timestamp"] - first[row["id"]] > 5 * DAY
    ]
    assert late == []
    assert max(map(len, one.lift_partner["event_timestamps"].to_pylist())) > 0
    assert CAP == 4


@pytest.mark.parametrize("bad", [{"people": 0}, {"treated": 1.0}, {"delay": 0.0}, {"added": -1.0}])
def test_campaigns_that_cannot_be_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=r"campaign has|treated is|opportunities"):
        Campaign(**bad)
