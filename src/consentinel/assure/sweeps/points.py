"""Points of a sweep: a setting trained and audited with one seed, and what all of its seeds say together."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from statistics import NormalDist

import numpy as np

from consentinel.assure.coming_in import trainer_named
from consentinel.assure.given import Given, Wish
from consentinel.assure.intake._opened import Opened
from consentinel.assure.measure import Measure, Plan
from consentinel.assure.mitigating import applied
from consentinel.assure.reading import made
from consentinel.assure.subject import RANKED_KINDS, Subject
from consentinel.assure.sweeps.axes import Axis
from consentinel.assure.sweeps.knobs import Setting
from consentinel.assure.sweeps.trained import Prepared
from consentinel.core.errors import ConsentinelError, UsageError
from consentinel.core.extras import need
from consentinel.core.model_contracts import Trainer
from consentinel.core.stats import Interval, tail

__all__ = ["Point", "measured", "together"]


@dataclass(frozen=True)
class Point:
    """A setting and what each axis came to over its seeds, in the order of the axes."""

    setting: Setting
    found: tuple[Measure, ...]
    seeds: int

    @property
    def whole(self) -> bool:
        """Whether every axis was measured."""
        return all(one.estimate is not None for one in self.found)


def opened(setting: Setting, kind: str, trainer: Trainer | None, attribute: str, positive: str) -> Trainer:
    """Return what trains SETTING: TRAINER, or where None the code that it names, with rows prepared by its knobs."""
    inner = trainer or trainer_named(setting.named, kind).trainer
    assert inner is not None
    power = 0.0 if kind in RANKED_KINDS else setting.fairness
    if power and not (attribute and positive):
        raise UsageError("the knob fairness needs --attribute and a positive label (--positive)")
    return Prepared(inner, kind, attribute, positive, power, setting.noise)


def measured(
    given: Given, wish: Wish, setting: Setting, trainer: Trainer | None, axes: Sequence[Axis], attribute: str,
    plan: Plan,
) -> list[Measure]:  # fmt: skip
    """Return what AXES find of SETTING, trained on the learned rows of GIVEN with the seed of PLAN.

    What cannot be trained or measured is told in measures without a value; the rest goes on.
    """
    try:
        ready = opened(setting, wish.kind, trainer, attribute, wish.positive)
        subject = made(
            replace(given, notes=[]), replace(wish, seed=plan.seed), setting.named, Opened(trainer=ready), ready
        )
        subject = _of(subject, attribute)
    except ConsentinelError as why:
        return [Measure(axis.metric, None, why=f"could not be trained: {why}") for axis in axes]
    except Exception as why:  # of code that is not ours: its message may quote data
        return [
            Measure(axis.metric, None, why=f"could not be trained: it raised {type(why).__name__}") for axis in axes
        ]

    @cache  # one of them is asked for twice, and lists are dear to reorder
    def lists() -> Subject:
        return _reordered(subject, attribute, setting.fairness, plan.seed)

    def finish(given: Subject) -> Subject:
        if not setting.fairness or wish.kind not in RANKED_KINDS:
            return given
        return lists() if given is subject else _reordered(given, attribute, setting.fairness, plan.seed)

    return [_one(axis, subject, plan, finish) for axis in axes]


def _one(axis: Axis, subject: Subject, plan: Plan, finish: Callable[[Subject], Subject]) -> Measure:
    try:
        return axis.measured(subject, plan, finish)
    except ConsentinelError as why:
        return Measure(axis.metric, None, why=f"could not be measured: {why}")
    except Exception as why:  # of the model under audit: its message may quote data
        return Measure(axis.metric, None, why=f"could not be measured: the model raised {type(why).__name__}")


def _of(subject: Subject, attribute: str) -> Subject:
    """Return SUBJECT with ATTRIBUTE alone, so that probes measure no other groups."""
    return replace(subject, groups=subject.groups.select([n for n in ("unit", attribute) if n]))


def _reordered(subject: Subject, attribute: str, strength: float, seed: int) -> Subject:
    if not attribute:
        raise UsageError("the knob fairness needs --attribute")
    return subject.answered(applied(subject, "rerank", attribute, seed=seed, kept=1 - strength).answers)


def together(setting: Setting, runs: Sequence[Sequence[Measure]], level: float) -> Point:
    """Return what RUNS of SETTING, one a seed, say together."""
    return Point(setting, tuple(_mean([one[at] for one in runs], level) for at in range(len(runs[0]))), len(runs))


def _mean(each: Sequence[Measure], level: float) -> Measure:
    """Return the mean of EACH seed's measure; its arms add what units and what trainings vary by.

    All seeds are measured on the same units, so their part is not divided by how many there are; that of trainings is,
    with Student's t for so few (degrees of freedom: Satterthwaite 1946). Arms: Zou and Donner 2008.
    """
    known = [one for one in each if one.estimate is not None]
    if not known:
        return each[0]
    found = [one.estimate for one in known if one.estimate is not None]
    values = np.array([one.value for one in found])
    z = NormalDist().inv_cdf(1 - tail(level))
    arms = [np.array([one.value - one.low for one in found]), np.array([one.high - one.value for one in found])]
    units = [float(np.mean(side)) / z for side in arms]
    value = float(values.mean())
    if len(values) < 2:
        between, t = 0.0, z
    else:
        between = float(values.var(ddof=1)) / len(values)
        whole = (sum(units) / 2) ** 2 + between
        degrees = math.inf if between == 0 else (len(values) - 1) * (whole / between) ** 2
        t = z if math.isinf(degrees) else float(need("scipy.special", extra="learn").stdtrit(degrees, 1 - tail(level)))
    low, high = (t * math.sqrt(unit**2 + between) for unit in units)
    method = f"units and {len(values)} seeds" if len(values) > 1 else "units, one seed"
    ends = (value - low, value + high)
    if all(one.low >= 0 and one.high <= 1 for one in found):
        ends = (max(0.0, ends[0]), min(1.0, ends[1]))
    estimate = Interval(value, *ends, min(one.n for one in found), level, method)
    why = known[0].why
    if len(known) < len(each):
        why = "; ".join(filter(None, [why, f"{len(each) - len(known)} of {len(each)} seeds could not be measured"]))
    return replace(known[0], estimate=estimate, why=why)
