"""Made attacks and explanations with known truth, measured by the audit's probes one audit at a time."""

import math
from functools import lru_cache
from statistics import NormalDist

import numpy as np
import pyarrow as pa
from _made_audits import Held, Rng, named

from consentinel.assure.explain import _curves
from consentinel.assure.measure import Plan
from consentinel.assure.private import canaries
from consentinel.assure.private._planted import Planted
from consentinel.assure.private._roc import Attack, measures
from consentinel.core.stats import cluster_ratio_interval

__all__ = ["KINDS"]

PLAN = Plan(draws=300)
NORMAL = NormalDist()


@lru_cache
def _at(shift: float, rate: float) -> float:
    return 1 - NORMAL.cdf(NORMAL.inv_cdf(1 - rate) - shift)


def attacks(rng: Rng, at: int) -> Held:
    """Draw normal scores of members and others, of which people have one or several."""
    shift = 0.0 if at % 2 else 0.7
    inside, outside = int(rng.integers(600, 1500)), int(rng.integers(1000, 2000))
    score = np.concatenate([rng.normal(shift, 1, inside), rng.normal(0, 1, outside)])
    member = np.arange(len(score)) < inside
    found = named(measures("attack", Attack(score, member, np.arange(len(score))), PLAN))
    name = ", none" if at % 2 else ""
    yield f"attack_auc{name}", found["attack_auc"], NORMAL.cdf(shift / math.sqrt(2))
    yield f"attack_tpr_at_0.01_fpr{name}", found["attack_tpr_at_0.01_fpr"], _at(shift, 0.01)
    if at % 2:  # else the truth depends on the threshold that was chosen
        yield "attack_balanced_accuracy, none", found["attack_balanced_accuracy"], 0.5
    people = int(rng.integers(80, 160))
    whose = np.repeat(np.arange(people), 4)
    own = rng.random(4 * people) < 0.5
    said = rng.normal(size=4 * people) + 0.7 * own + np.repeat(rng.normal(0, 0.7, people), 4)
    found = named(measures("people", Attack(said, own, whose), PLAN))
    spread = math.sqrt(2 * (1 + 0.49))
    yield "attack_auc, several a person", found["people_auc"], NORMAL.cdf(0.7 / spread)


@lru_cache
def _exposed_bits(others: int) -> float:
    rng = np.random.default_rng(6)
    inside = rng.normal(1.0, 1.0, 40_000)
    chance = np.array([1 - NORMAL.cdf(x) for x in inside.tolist()])
    above = rng.binomial(others, chance)
    return float(-np.log2((above + 1) / (others + 1)).mean())


def planted(rng: Rng, at: int) -> Held:
    """Draw how much 25 planted canaries stand out among 75 others."""
    made = Planted(100, lambda _: pa.table({}), lambda _: np.zeros(0), "rows")
    found = canaries._exposure(rng.normal(1.0, 1.0, 25), rng.normal(size=75), 1, made, PLAN)
    yield "canary_exposure", found.estimate, _exposed_bits(75)


# Explanations


def explained(rng: Rng, at: int) -> Held:
    """Draw areas under curves, gains over chance, correlations and errors of 50 to 120 rows."""
    n = int(rng.integers(50, 120))
    who = np.arange(n)
    plan = Plan(draws=300, seed=at)
    area = rng.beta(1.5, 4, n)
    yield "deletion_auc, insertion_auc", _curves.mean_of("", area, who, plan, "lower").estimate, 1.5 / 5.5
    several = np.sort(rng.integers(0, n // 2, n))
    moved = rng.normal(0.05, 0.1, n) + rng.normal(0, 0.05, n)[several]
    yield "deletion_auc_difference", _curves.gain("", moved, several, plan, "").estimate, 0.05
    same = 1 - rng.beta(1.2, 6, n)
    yield "stability", _curves.mean_of("", same, who, plan, "higher").estimate, 1 - 1.2 / 7.2
    error = rng.gamma(2.0, 1e-3, n)
    yield "additivity_error", _curves.mean_of("", error, who, plan, "lower").estimate, 2e-3
    size = rng.uniform(0.5, 2, n)
    pairs = np.stack([size * rng.gamma(2.0, 0.01, n), size], axis=1)
    yield "completeness_gap", cluster_ratio_interval(pairs[:, 0], pairs[:, 1], who), 0.02
    steps = 1.0 + rng.binomial(3, 0.3, n)
    yield "counterfactual_size", _curves.mean_of("", steps, who, plan, "").estimate, 1.9


KINDS = (attacks, planted, explained)
