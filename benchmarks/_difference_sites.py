"""Simulated sites with randomised profiles: fields as real recipients get them, and one planted leak or none."""

from dataclasses import dataclass, replace

import numpy as np

from consentinel.core.rng import generator
from consentinel.detect._difference_site import STAGE, Examined, Site, examine

__all__ = ["KINDS", "Planted", "clean", "found", "leaking", "looks", "visited"]

PROPERTIES, LEVELS = 18, 4
# How a leak is written, as levels -> what arrives: plain and hashed keep all four levels apart.
KINDS = {
    "plain": (0, 1, 2, 3),
    "hashed": (0, 1, 2, 3),
    "three buckets": (0, 0, 1, 2),
    "two buckets": (0, 0, 1, 1),
}
FIELDS = {
    "constant": 0.46, "random id": 0.16, "clock": 0.08, "by scenario": 0.08, "flag": 0.04, "category": 0.04,
    "counter": 0.05, "timing": 0.05, "minute": 0.02, "order": 0.02,
}  # fmt: skip


@dataclass(frozen=True)
class Planted:
    """Where a leak was planted: the field, the property, how it was written and the scenarios that have it."""

    field: int
    of: int
    kind: str
    scenarios: tuple[int, ...]


def clean(seed: int, repeats: int, n_scenarios: int) -> Site:
    """Return a site with 3 to 30 recipients of 5 to 40 fields each, none of which depends on a property.

    Visits are made repeat by repeat, each in all scenarios.
    """
    rng = generator(seed, "simulated site")
    n_visits = repeats * n_scenarios
    scenario = np.tile(np.arange(n_scenarios), repeats)
    sizes = [int(rng.integers(5, 41)) for _ in range(int(rng.integers(3, 31)))]
    return Site(
        scenario=scenario,
        draw=np.arange(n_visits),
        levels=rng.integers(0, LEVELS, (PROPERTIES, n_visits)),
        pools=np.full(PROPERTIES, LEVELS),
        support=np.zeros(PROPERTIES),
        values=np.array([_field(rng, scenario) for _ in range(sum(sizes))]),
    )


def _field(rng: np.random.Generator, scenario: np.ndarray) -> np.ndarray:
    """What one field holds in each visit, -1 where it is absent."""
    n, kind = len(scenario), str(rng.choice(list(FIELDS), p=list(FIELDS.values())))
    if kind == "constant":
        held = np.zeros(n, np.int64)
    elif kind in ("random id", "clock"):
        held = np.arange(n)
    elif kind == "by scenario":  # a consent string
        held = scenario.astype(np.int64)
    elif kind == "flag":  # an experiment that the recipient draws for a visit
        held = (rng.random(n) < rng.uniform(0.1, 0.9)).astype(np.int64)
    elif kind == "category":  # the shard that answered, a variant, a creative
        held = rng.choice(int(rng.integers(3, 9)), size=n)
    elif kind == "counter":  # how many requests there were so far
        held = rng.poisson(rng.uniform(0.2, 6), n)
    elif kind == "timing":  # milliseconds
        held = rng.normal(0, rng.uniform(2, 200), n).astype(np.int64) + 10_000
    elif kind == "minute":  # visits are made one after the other
        held = np.arange(n) // int(rng.integers(2, 9))
    else:  # handed out by a server in turn
        held = np.arange(n) % int(rng.integers(2, 7))
    missing = (rng.random(n) < rng.uniform(0.02, 0.5)) & (rng.random() < 0.25)
    if rng.random() < 0.3:  # only where the recipient was contacted
        missing |= ~np.isin(scenario, np.flatnonzero(rng.random(scenario.max() + 1) < 0.6))
    return np.where(missing, -1, held)


def leaking(seed: int, repeats: int, n_scenarios: int, kind: str) -> tuple[Site, Planted]:
    """Return a site with one field that carries one property, written as KIND, in one to all of its scenarios."""
    site = clean(seed, repeats, n_scenarios)
    rng = generator(seed, "planted leak")
    of = int(rng.integers(PROPERTIES))
    chosen = np.sort(rng.permutation(n_scenarios)[: int(rng.integers(1, n_scenarios + 1))])
    there = np.isin(site.scenario, chosen)
    written = np.array(KINDS[kind])[rng.permutation(LEVELS)][site.levels[of]]
    elsewhere = 99 if rng.random() < 0.3 else -1  # a fixed word, or nothing
    values = np.vstack([site.values, np.where(there, written, elsewhere)])
    return replace(site, values=values), Planted(len(values) - 1, of, kind, tuple(chosen.tolist()))


def visited(site: Site, repeats: int) -> Site:
    """Return SITE after the first REPEATS of its repeats."""
    n = repeats * (int(site.scenario.max()) + 1)
    return replace(
        site, scenario=site.scenario[:n], draw=site.draw[:n], levels=site.levels[:, :n], values=site.values[:, :n]
    )


def looks(site: Site, repeats: int) -> list[Examined]:
    """Return what is seen at every look up to REPEATS: after each stage, until nothing is open any more."""
    seen: list[Examined] = []
    for so_far in range(STAGE, repeats + 1, STAGE):
        seen.append(examine(visited(site, so_far)))
        if not seen[-1].open:
            break
    return seen


def found(seen: Examined, planted: Planted) -> tuple[int, int]:
    """Return in how many of the scenarios of PLANTED it was claimed, and how many other claims there are."""
    claims = seen.claims
    right = (claims.field == planted.field) & (claims.of == planted.of) & np.isin(claims.scenario, planted.scenarios)
    return int(right.sum()), int((~right).sum())
