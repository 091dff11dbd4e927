"""Shows how far invented people push an item into the lists of genuine ones, by kind of attack and budget."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from consentinel.assure.measure import Measure, Plan
from consentinel.assure.robust._genuine import Bits, Floats, Genuine, Ints, genuine
from consentinel.assure.robust._per_person import first_shown, people_mean, shift
from consentinel.assure.robust._profiles import ATTACKS, Profiles, weights
from consentinel.assure.subject import Subject
from consentinel.core.columns import one
from consentinel.core.errors import UsageError
from consentinel.core.rng import generator

__all__ = ["BUDGETS", "KINDS", "NEEDS", "TARGETS", "probe"]

KINDS = ("recsys",)
NEEDS = ("train", "learned", "labels")
BUDGETS = (0.001, 0.005, 0.01, 0.03)  # invented people for one target, as a share of the genuine ones
TARGETS = 3
LONGEST = 100  # items of a profile at most
DEEP = 10  # times k: lists in which a target is seen to come near


def probe(subject: Subject, plan: Plan) -> Iterator[Measure]:
    """Yield how much oftener target items stand in the first k places, and what that costs genuine people in nDCG.

    Targets are drawn among the less popular half of the items. Each gets invented people of its own, as many as the
    budget says and one at least, with as many items as a genuine person (the median) or, optimised, fewer; all targets
    are attacked in one training. Per genuine person: the share of targets, which they do not have, within the first k
    and the first ten times k, after less before.
    Each attack is trained once with the same seed; the interval is over people.
    Source: Lam and Riedl 2004; Mobasher et al. 2007 (attacks and hit ratio); Tang et al. 2020 (retrained victims).
    """
    people = genuine(subject, plan.seed)
    targets = _targets(people, plan.seed)
    k = people.subject.k
    free = ~people.had(targets)
    asked = free.any(axis=1)
    if not asked.any():
        raise UsageError(f"everybody has all of the {len(targets)} target items; nobody can be shown one")
    depths = (k, min(DEEP * k, len(people.items)))
    asking = people.deeper(depths[1])
    clean = people.answers(people.train(people.log, plan.seed), asking)
    before = {deep: _hits(people.shown(clean, targets, deep), free) for deep in depths}
    good = people.ndcg(clean)
    for deep in depths:
        yield Measure(f"target_hit_ratio@{deep}", people_mean(before[deep][asked], plan), "attack=none", better="lower",
                      why=f"{len(targets)} target items of the less popular half")  # fmt: skip
    total = len(people.users)
    counts = list(dict.fromkeys(max(1, round(budget * total)) for budget in BUDGETS))
    size = int(np.clip(np.median(np.bincount(people.user)), 5, min(LONGEST, len(people.items) - TARGETS - 1)))
    for attack in ATTACKS:
        profiles = ATTACKS[attack](people, targets, max(counts), size, plan.seed)
        moved: dict[int, list[Floats]] = {deep: [] for deep in depths}
        for many in counts:
            log = pa.concat_tables([people.log, _invented(people, targets, profiles, many, plan.seed)])
            answers = people.answers(people.train(log, plan.seed), asking)
            for deep in depths:
                after = _hits(people.shown(answers, targets, deep), free)
                moved[deep].append((after - before[deep])[asked])
            lost = people.ndcg(answers) - good
            if np.isfinite(lost).any():
                yield shift(f"ndcg@{k}_shift", lost[np.isfinite(lost)], _slice(attack, many, total), plan,
                            better="higher", why=f"of genuine people; {_why(many, total, len(targets))}")  # fmt: skip
        for deep in depths:
            yield from _curve(attack, deep, counts, moved[deep], total, plan)


def _curve(attack: str, k: int, counts: list[int], moved: list[Floats], total: int, plan: Plan) -> Iterator[Measure]:
    """Yield the shift at each budget, the area below them, and the smallest budget that is shown to shift."""
    shifts = [
        shift(f"hit_ratio_shift@{k}", one, _slice(attack, many, total), plan, better="lower",
              why=_why(many, total, TARGETS))
        for many, one in zip(counts, moved, strict=True)
    ]  # fmt: skip
    yield from shifts
    sizes = [many / total for many in counts]
    heights, ends = [np.zeros(len(moved[0])), *moved], [0.0, *sizes]
    area = sum((b - a) * (x + y) / 2 for (a, b), (x, y) in zip(pairwise(ends), pairwise(heights), strict=True))
    yield shift(f"hit_ratio_shift_area@{k}", np.asarray(area / ends[-1]), f"attack={attack}", plan, better="lower",
                why=f"mean shift over budgets from 0 to {ends[-1]:.2%}, straight between them")  # fmt: skip
    yield first_shown(f"smallest_budget_shown@{k}", sizes, shifts, f"attack={attack}", 1, plan,
                      "share of people who must be invented for each target")  # fmt: skip


def _slice(attack: str, many: int, total: int) -> str:
    return f"attack={attack}, budget={many / total:.2%}"


def _why(many: int, total: int, targets: int) -> str:
    return f"{many} invented people among {total:,} for each of {targets} target items; trained once"


def _targets(people: Genuine, seed: int) -> Ints:
    order = np.argsort(people.popularity(), kind="stable")
    rare = order[: len(order) // 2]
    return np.sort(generator(seed, "assure.robust.targets").choice(rare, TARGETS, replace=False))


def _hits(shown: Bits, free: Bits) -> Floats:
    """Return for each person the share of targets SHOWN of those FREE to them; 0 where none is; (people,)."""
    return np.asarray((shown & free).sum(axis=1) / np.maximum(free.sum(axis=1), 1), np.float64)


def _invented(people: Genuine, targets: Ints, profiles: Profiles, many: int, seed: int) -> pa.Table:
    """Return the rows of the first MANY people of PROFILES for each of TARGETS, the target last of their time."""
    fillers, mass = (part[:, :many].reshape(len(targets) * many, -1) for part in profiles)
    item = np.concatenate([fillers, np.repeat(targets, many)[:, None]], axis=1, dtype=np.int64)
    name = people.free_name("invented")
    names = pa.array([f"{name} {at}" for at in range(len(item))])
    more: dict[str, pa.Array] = {}
    if "weight" in people.log.column_names:
        largest = np.full((len(item), 1), weights(people).max())
        kind = people.log.schema.field("weight").type
        more["weight"] = pa.array(np.hstack([mass, largest]).ravel()).cast(kind)
    times = pc.drop_null(one(people.log["time"])) if "time" in people.log.column_names else pa.array([])
    if len(times):
        at = generator(seed, "assure.robust.times").integers(0, len(times), item.shape)
        drawn = np.sort(np.asarray(times.cast(pa.int64()))[at], axis=1)
        more["time"] = pa.array(drawn.ravel()).cast(times.type)
    who = np.repeat(np.arange(len(item)), item.shape[1])
    return people.new_rows(names.take(pa.array(who)), item.ravel(), more)
