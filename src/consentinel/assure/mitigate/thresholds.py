"""Decides each group by a threshold of its own, so that rates that should be alike are (after training)."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel.assure.fair._rates import LEAST
from consentinel.assure.mitigate._compared import OBJECTIVES, classified, groups_of, halves
from consentinel.assure.mitigate._result import Mitigated
from consentinel.assure.subject import Subject
from consentinel.core.columns import one
from consentinel.core.errors import UsageError
from consentinel.core.rng import generator

KINDS = ("tabular", "text", "vision", "graph")
WHEN = "after"

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
TARGETS = np.linspace(0, 1, 201)


@dataclass(frozen=True)
class Rule:
    """Yes with probability `mix` by the first threshold, else by the second, unless (with probability `flat`) yes is
    drawn with probability `level`; at a threshold itself yes has the chance `ties`."""

    thresholds: tuple[float, float]
    ties: tuple[float, float]
    mix: float = 1.0
    flat: float = 0.0
    level: float = 0.0

    def chance(self, score: Floats) -> Floats:
        """Return the chance of yes for each SCORE."""
        cuts = [
            np.where(score > t, 1.0, np.where(score == t, tie, 0.0))
            for t, tie in zip(self.thresholds, self.ties, strict=True)
        ]
        return self.flat * self.level + (1 - self.flat) * (self.mix * cuts[0] + (1 - self.mix) * cuts[1])


def mitigate(
    subject: Subject, attribute: str, /, *, seed: int, criterion: str = "equalized_odds", objective: str = "accuracy"
) -> Mitigated:
    """Return SUBJECT with thresholds for each group of ATTRIBUTE, chosen on one half of the units for the other.

    CRITERION: demographic_parity, equal_opportunity or equalized_odds. OBJECTIVE: accuracy or balanced_accuracy, what
    the rules are chosen to keep; where most rows are yes, to say yes to all is accurate and alike. Equalized odds needs
    answers that are partly drawn (by SEED); the score is then the chance of yes. Whose group is not known, or too
    small, keeps the answer.
    Raises UsageError. Source: Hardt, Price and Srebro 2016; demographic parity: Kamiran, Karim and Zhang 2012.
    """
    if objective not in OBJECTIVES:
        raise UsageError(f"no objective '{objective[:40]}'; there is: {', '.join(OBJECTIVES)}")
    groups = groups_of(subject, attribute, criterion)
    score = np.asarray(one(subject.answers["score"]).cast(pa.float64()), np.float64)
    label = np.array([str(text) for text in subject.rows["label"].to_pylist()], dtype=object)
    known = ~np.asarray(one(subject.rows["label"]).is_null())
    yes, said = label == subject.positive, subject.answers["label"].to_pylist()
    other = _other(said, label[known], subject.positive)
    code, first = groups.code[subject.unit], halves(groups, seed)[subject.unit]
    chance = np.array([float(text == subject.positive) for text in said])
    kept = 0
    for tested in (first, ~first):
        learn = ~tested & known
        rules = chosen(score[learn], yes[learn], code[learn], len(groups.names), criterion, objective)
        for at, rule in enumerate(rules):
            mine = tested & (code == at)
            if rule is None:
                kept += int(mine.sum())
            else:
                chance[mine] = rule.chance(score[mine])
    drawn = generator(seed, "assure.mitigate.thresholds").random(len(chance)) < chance
    answers = pa.table(
        {"score": chance, "label": pa.array(np.where(drawn, subject.positive, other).tolist(), pa.string())}
    )
    gap, utility, other_utility = classified(subject, answers, groups, criterion, objective)
    told = f"a threshold for each of {len(groups.names)} groups of {attribute}, for {criterion.replace('_', ' ')}"
    told += f"; {kept:,} rows of groups too small to choose one keep their answers" if kept else ""
    return Mitigated(answers, told, gap, utility, (other_utility,))


def _other(said: list[str], labels: NDArray[np.object_], positive: str) -> str:
    """Return the label for no; raises UsageError where there are several."""
    others = sorted({str(label) for label in [*said, *labels]} - {positive})
    if len(others) != 1:
        raise UsageError(f"thresholds need two labels, '{positive}' and one other; there are {len(others)} others")
    return others[0]


def chosen(
    score: Floats, yes: Bools, code: NDArray[np.intp], count: int, criterion: str, objective: str = "accuracy"
) -> list[Rule | None]:
    """Return for each of COUNT groups the rule that makes CRITERION hold with the best OBJECTIVE, None for a group with
    too few rows."""
    sides = [(score[code == at], yes[code == at]) for at in range(count)]
    enough = [at for at, (_, true) in enumerate(sides) if min(true.sum(), (~true).sum()) >= LEAST]
    if len(enough) < 2:
        return [None] * count
    used = [sides[at] for at in enough]
    worth = _worth(used, objective)
    if criterion == "equalized_odds":
        rules = _odds(used, worth)
    else:
        counted = [s[true] if criterion == "equal_opportunity" else s for s, true in used]
        tables = [[_reaching(base, float(target)) for target in TARGETS] for base in counted]
        right = [
            [float(np.where(true, worth[0] * rule.chance(s), worth[1] * (1 - rule.chance(s))).sum()) for rule in row]
            for (s, true), row in zip(used, tables, strict=True)
        ]
        best = int(np.sum(right, axis=0).argmax())
        rules = [row[best] for row in tables]
    found: list[Rule | None] = [None] * count
    for at, rule in zip(enough, rules, strict=True):
        found[at] = rule
    return found


def _worth(sides: list[tuple[Floats, Bools]], objective: str) -> tuple[float, float]:
    """Return what a right yes and a right no are worth."""
    positives, negatives = (sum(int((true == side).sum()) for _, true in sides) for side in (True, False))
    return (1.0, 1.0) if objective == "accuracy" else (1 / positives, 1 / negatives)


def _reaching(score: Floats, target: float) -> Rule:
    """Return the rule that says yes to the share TARGET of SCORE, drawn at the threshold itself."""
    ordered = np.sort(score)[::-1]
    want = target * len(ordered)
    at = min(int(np.ceil(want)), len(ordered)) - 1
    if at < 0:
        return Rule((np.inf, np.inf), (0.0, 0.0))
    threshold = float(ordered[at])
    above, equal = int((score > threshold).sum()), int((score == threshold).sum())
    tie = min(1.0, max(0.0, (want - above) / equal))
    return Rule((threshold, threshold), (tie, tie))


def _odds(sides: list[tuple[Floats, Bools]], worth: tuple[float, float]) -> list[Rule]:
    """Return rules that bring every group to the same point below all their ROC hulls, the one of most WORTH."""
    hulls = [_hull(score, true) for score, true in sides]
    heights = np.array([np.interp(TARGETS, hull[0], hull[1]) for hull in hulls])
    lowest = heights.min(axis=0)
    positives, negatives = (sum(int((true == side).sum()) for _, true in sides) for side in (True, False))
    right = worth[0] * positives * lowest + worth[1] * negatives * (1 - TARGETS)
    best = int(right.argmax())
    x, y = float(TARGETS[best]), float(lowest[best])
    rules = []
    for (fpr, tpr, cut), height in zip(hulls, heights[:, best], strict=True):
        at = int(np.clip(np.searchsorted(fpr, x, side="right") - 1, 0, len(fpr) - 2))
        width = float(fpr[at + 1] - fpr[at])
        mix = float((fpr[at + 1] - x) / width) if width > 0 else float(tpr[at] > tpr[at + 1])
        flat = float((height - y) / (height - x)) if height > x else 0.0  # drawn towards the diagonal, where both are x
        rules.append(Rule((float(cut[at]), float(cut[at + 1])), (1.0, 1.0), mix, min(max(flat, 0.0), 1.0), x))
    return rules


def _hull(score: Floats, true: Bools) -> tuple[Floats, Floats, Floats]:
    """Return false and true positive rates and thresholds (yes from there) of the upper hull of the ROC curve."""
    order = np.argsort(-score, kind="stable")
    s, t = score[order], true[order]
    last = np.append(s[1:] != s[:-1], True)
    tpr = np.append(0.0, np.cumsum(t)[last] / t.sum())
    fpr = np.append(0.0, np.cumsum(~t)[last] / (~t).sum())
    cut = np.append(np.inf, s[last])
    kept: list[int] = []
    for at in range(len(cut)):
        while len(kept) > 1:
            a, b = kept[-2], kept[-1]
            if (fpr[b] - fpr[a]) * (tpr[at] - tpr[a]) >= (tpr[b] - tpr[a]) * (fpr[at] - fpr[a]):
                kept.pop()
            else:
                break
        kept.append(at)
    return fpr[kept], tpr[kept], cut[kept]
