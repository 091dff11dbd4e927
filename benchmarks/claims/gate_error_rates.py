"""How often the gate is wrong: 1,000 fair models that it fails, and 1,000 with a planted gap that it fails to fail.

A model answers made-up people of two groups and two ages. A fair one errs alike for everybody. An unfair one gives the
smaller group fewer of the yeses that it deserves: twice the smallest gap that the audit of the same fair model says it
can detect. The policy allows no gap at all in selection, opportunity or odds, for either attribute, so every true gap
is a failure and every failure of a fair model a false alarm.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from _claim import write_interval
from consentinel.assure import gating
from consentinel.assure.fair import group
from consentinel.assure.measure import Found, Plan, table
from consentinel.assure.policy_file import Policy, Rule
from consentinel.assure.results import Facts, Result
from consentinel.assure.subject import Subject
from consentinel.core.stats import clopper_pearson

NAMES = ("gate_false_alarms", "gate_planted_found")
INPUTS = ("src/consentinel/assure/gating.py", "src/consentinel/assure/fair", "src/consentinel/core/gaps.py")
WATCHED = ("demographic_parity_difference", "equal_opportunity_difference", "equalized_odds_difference")
POLICY = Policy("no gap", tuple(Rule(m, m, "at_most", 0.0, against="between groups") for m in WATCHED))
SEED = 2026_11_23


@dataclass(frozen=True)
class World:
    """How many people there are, the share of the smaller group, of true yeses, and how often the model is right."""

    people: int
    small: float
    yes: float
    right: float


def world(rng: np.random.Generator) -> World:
    """Return a world drawn by RNG."""
    return World(
        int(rng.integers(400, 3000)), *(float(rng.uniform(*ends)) for ends in ((0.2, 0.5), (0.3, 0.6), (0.7, 0.9)))
    )


def subject(rng: np.random.Generator, there: World, gap: float) -> Subject:
    """Return a model in the world THERE whose true positive rate is lower by GAP for the smaller group."""
    n = there.people
    small, old, yes = rng.random(n) < there.small, rng.random(n) < 0.5, rng.random(n) < there.yes
    right = rng.random(n) < np.where(yes & small, there.right - gap, there.right)
    said = np.where(right, yes, ~yes)
    score = np.clip(np.where(said, 0.7, 0.3) + rng.normal(0, 0.05, n), 0, 1)
    text = [pa.array(one.astype(int)).cast(pa.string()) for one in (yes, said)]
    groups = pa.table({
        "unit": [str(at) for at in range(n)], "group": np.where(small, "b", "a").tolist(),
        "age": np.where(old, "old", "young").tolist(),
    })  # fmt: skip
    return Subject("tabular", "made", pa.table({"label": text[0]}), pa.table({"score": score, "label": text[1]}),
                   np.arange(n), groups, positive="1")  # fmt: skip


def audited(made: Subject, seed: int, draws: int) -> Result:
    """Return the audit of MADE by the probe of groups."""
    found = [Found("fair", "group", one) for one in group.probe(made, Plan(draws=draws, seed=seed))]
    return Result.of(table(found, 0.95), facts=Facts("made", "tabular"))


def detectable(result: Result) -> float:
    """Return the smallest gap in opportunity between the two groups that the audit RESULT says it can detect."""
    mine = ("equal_opportunity_difference", "group", "between groups")
    return next(
        float(row["detectable"]) for row in result.rows if (row["metric"], row["slice"], row["against"]) == mine
    )


def main(arguments: Sequence[str] | None = None, keep: Callable[..., Any] = write_interval) -> None:
    """Measure and write the numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=1000)
    parser.add_argument("--draws", type=int, default=500)
    asked = parser.parse_args(arguments)
    alarms = found = planted = 0
    for at in range(asked.models):
        rng = np.random.default_rng([SEED, at])
        there = world(rng)
        fair = audited(subject(rng, there, 0.0), at, asked.draws)
        alarms += gating.exit_code(gating.judged(fair, POLICY)) == 1
        gap = 2 * detectable(fair)
        if gap < there.right:  # a rate cannot fall below 0
            planted += 1
            unfair = audited(subject(rng, there, gap), at, asked.draws)
            found += gating.exit_code(gating.judged(unfair, POLICY)) == 1
        if at % 100 == 99:
            print(
                f"{at + 1}: {alarms} false alarms, {found} of {planted} planted gaps failed",
                file=sys.stderr,
                flush=True,
            )
    about = (
        "models on 400 to 3,000 made people, groups of 20% to 50%, right in 70% to 90%; policy: no "
        f"{', no '.join(WATCHED)}, two attributes, adjust = holm; Clopper-Pearson"
    )
    keep("gate_false_alarms", clopper_pearson(alarms, asked.models), f"{asked.models:,} fair {about}")
    told = "whose true positive rate is lower in one group by twice the smallest detectable gap"
    keep("gate_planted_found", clopper_pearson(found, planted), f"{planted:,} {told}; {about}")


if __name__ == "__main__":
    main()
