"""The axes of a sweep: what each is measured by, and how far a value is from the ideal, from 0 to 1."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np

from consentinel.assure.auditing import PILLARS, found
from consentinel.assure.measure import Better, Measure, Plan
from consentinel.assure.subject import RANKED_KINDS, Subject
from consentinel.assure.sweeps.shaken import shaken
from consentinel.assure.sweeps.utility import utility
from consentinel.core.errors import UsageError
from consentinel.core.stats import Floats

__all__ = ["NAMES", "Axis", "axes", "cost"]

NAMES = ("utility", "gap", "privacy", "robustness")
_ASKED = re.compile(r"(\w+)=(\w+/\w+):([^:]+)(?::(.+))?")
_HELP = "axes are name=pillar/probe:metric or name=pillar/probe:metric:slice, for example robustness=robust/pgd:*:Linf*"


@dataclass(frozen=True)
class Axis:
    """An axis: its name, and the first measure of a probe that fits patterns of metric and slice; a probe without
    pillar is one of the sweep's own."""

    name: str
    probe: str
    metric: str = "*"
    slice: str = "*"

    def measured(self, subject: Subject, plan: Plan, finish: Callable[[Subject], Subject]) -> Measure:
        """Return what the axis finds of SUBJECT, whose answers FINISH improves upon; without a value it says why.

        Probes of robustness and privacy look at the model itself, as it is before that.
        """
        if self.probe == "utility":
            return utility(finish(subject), plan.level)
        if self.probe == "shaken":
            return shaken(subject, plan, finish)
        if self.name in ("utility", "gap"):
            subject = finish(subject)
        if self.name == "gap" and not subject.attributes():
            return Measure(self.metric, None, why="no attribute of people was named (--groups)")
        pillar, _, name = self.probe.partition("/")
        part = PILLARS[pillar].take(name)
        if subject.kind not in part.KINDS:
            return Measure(self.metric, None, why=f"{self.probe} does not measure {subject.kind} models")
        return self._first(one.measure for one in found(subject, plan, pillar, name))

    def _first(self, measures: Iterable[Measure]) -> Measure:
        last: Measure | None = None
        for one in measures:
            if fnmatchcase(one.metric, self.metric) and fnmatchcase(one.slice, self.slice):
                return one
            last = one if one.estimate is None else last
        why = f"{self.probe} measured no {self.metric} of {self.slice}"
        return Measure(self.metric, None, why=f"{why}: {last.why}" if last else why)


def axes(kind: str, asked: str, *, attribute: str, positive: bool, shadows: int) -> list[Axis]:
    """Return the four axes for models of KIND; ASKED, separated by spaces, replaces some. Raises UsageError."""
    ranked = kind in RANKED_KINDS
    gap = "ndcg@*_difference" if ranked else "equalized_odds_difference" if positive else "accuracy_difference"
    attack = "lira_auc" if shadows >= 4 else "score_attack_auc" if ranked else "confidence_attack_auc"
    private = "private/membership_recsys" if ranked else "private/membership"
    made = {
        "utility": Axis("utility", "utility"),
        "gap": Axis("gap", "fair/consumer" if ranked else "fair/group", gap, attribute),
        "privacy": Axis("privacy", private, f"interaction_{attack}" if ranked else attack, ""),
        "robustness": Axis("robustness", "shaken"),
    }
    for word in asked.split():
        said = _ASKED.fullmatch(word)
        if said is None or said[1] not in NAMES:
            raise UsageError(f"no axis in '{word[:60]}'; {_HELP}; names are {', '.join(NAMES)}")
        pillar, _, name = said[2].partition("/")
        if pillar not in PILLARS or name not in PILLARS[pillar].names():
            raise UsageError(f"there is no probe '{said[2][:60]}'; {_HELP}")
        made[said[1]] = Axis(said[1], said[2], said[3], said[4] or "*")
    return [made[name] for name in NAMES]


def cost(values: Floats, better: Better, null: float | None) -> Floats:
    """Return how far VALUES are from the ideal, 0, on the way to the worst, 1.

    Where higher is better the ideal is 1. Else it is the value without effect (0 where there is none), on either side
    of a gap; an AUC is at its worst at 1, and below one half as little known as at one half.
    """
    if better == "higher":
        return np.asarray(np.clip(1 - values, 0, 1))
    middle = null or 0.0
    away = values - middle if better == "lower" and middle else np.abs(values - middle)
    return np.asarray(np.clip(away / max(1 - middle, 1e-12), 0, 1))
