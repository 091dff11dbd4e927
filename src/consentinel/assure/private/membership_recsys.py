"""Membership inference for recommenders: was this person, or this interaction, in the history that it learned from."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel.assure.measure import Measure, Plan
from consentinel.assure.private._asked import Said
from consentinel.assure.private._attacks import Shadows, lira, rmia
from consentinel.assure.private._people import Asked, asked
from consentinel.assure.private._roc import LEAST, Attack, measures
from consentinel.assure.private._shadowing import shadowed, why_none
from consentinel.assure.subject import MISSING, Subject
from consentinel.core.stats import Floats

__all__ = ["KINDS", "NEEDS", "probe"]

KINDS = ("recsys",)
NEEDS = ("ask", "learned")
TARGETS = 16  # shadow models that are attacked where the model under audit knows everybody
_ATTACKS = ("lira", "lira_offline", "rmia")  # RMIA offline reckons with a p near 1, which no item of many has


def probe(subject: Subject, plan: Plan) -> Iterator[Measure]:
    """Yield how well the scores that strangers get tell interactions, and people, that the model learned from.

    A stranger shows a part of a history, and the scores of the rest are the signal. Shadow models learn everything but
    what is asked for, of which each learns a random half. A person's evidence is the sum over the items asked for.
    Where there is nobody whom the model never learned of, people are asked of shadow models instead, each of them
    attacked by the others; `why` says so.
    """
    found = asked(subject, plan.rows, plan.seed)
    target = found.cells.said(subject.model)
    if np.ptp(target.score) == 0:
        yield Measure("interaction_score_attack_auc", None, why="the model answers every stranger alike")
        return
    none = why_none(subject, plan)
    inside, signals = np.zeros((0, len(found.row)), bool), np.zeros((0, 3, len(found.row)))
    if not none:
        rows = found.inside(plan.shadows // 2 * 2, plan.seed)
        signals = shadowed(
            subject, plan, lambda at: found.log.filter(pa.array(rows[at])),
            lambda model: _stacked(found.cells.said(model)),
        )  # fmt: skip
        inside = rows[:, found.row]
    yield from _interactions(subject, plan, found, target, signals, inside)
    yield from _persons(subject, plan, found, target, signals, inside)
    if none:
        yield from (Measure(f"{what}_{name}_auc", None, why=none) for what in ("interaction", "person")
                    for name in _ATTACKS)  # fmt: skip


def _interactions(
    subject: Subject, plan: Plan, found: Asked, target: Said, signals: Floats, inside: NDArray[np.bool_]
) -> Iterator[Measure]:
    which = found.alone
    few = min(int((found.member & which).sum()), int((~found.member & which).sum()))
    if few < LEAST:
        yield Measure("interaction_score_attack_auc", None, why="too few people have items of the data that the model "
                      "did not learn: give rows of people whom it knows")  # fmt: skip
        return
    whose, member = found.unit[which], found.member[which]
    why = "" if found.cells.whole else "items beyond the depth of an answer count as its last"
    yield from _told(subject, plan, "interaction_score_attack", Attack(target.score[which], member, whose), why)
    if len(signals):
        why = "; ".join(filter(None, (f"{len(signals)} shadow models", why)))
        for name, scores in _attacked(_stacked(target), signals, inside):
            yield from _told(subject, plan, f"interaction_{name}", Attack(scores[which], member, whose), why)


def _persons(
    subject: Subject, plan: Plan, found: Asked, target: Said, signals: Floats, inside: NDArray[np.bool_]
) -> Iterator[Measure]:
    which = ~found.alone
    people, first, person = np.unique(found.unit[which], return_index=True, return_inverse=True)
    member = found.member[which][first]
    size = np.bincount(person, minlength=len(people))

    def summed(scores: Floats) -> Floats:
        return np.asarray(np.bincount(person, scores[which], len(people)), np.float64)

    if min(int(member.sum()), int((~member).sum())) >= LEAST:
        attack = Attack(summed(target.score) / size, member, people)
        yield from _told(subject, plan, "person_score_attack", attack, "")
        for name, scores in _attacked(_stacked(target), signals, inside):
            yield from _told(subject, plan, f"person_{name}", Attack(summed(scores), member, people),
                             f"{len(signals)} shadow models")  # fmt: skip
        return
    if not len(signals):
        yield Measure("person_score_attack_auc", None, why=f"the data have fewer than {LEAST} people whom the model "
                      "never learned of, and there are no shadow models to ask instead")  # fmt: skip
        return
    of = np.unique(np.linspace(0, len(signals) - 1, min(TARGETS, len(signals))).astype(int))
    made: dict[str, list[Floats]] = {}
    for at in of:
        scored = {"score_attack": summed(signals[at, 0]) / size}
        others = np.arange(len(signals)) != at
        for name, scores in _attacked(signals[at], signals[others], inside[others]):
            scored[name] = summed(scores)
        for name, scores in scored.items():
            made.setdefault(name, []).append(scores)
    member = np.concatenate([inside[at][which][first] for at in of])
    why = f"asked of {len(of)} shadow models, each attacked by the others: the model itself knows everybody"
    for name, each in made.items():
        attack = Attack(np.concatenate(each), member, np.tile(people, len(of)))
        yield from _told(subject, plan, f"person_{name}", attack, why)


def _attacked(target: Floats, signals: Floats, inside: NDArray[np.bool_]) -> Iterator[tuple[str, Floats]]:
    """Yield the attacks on TARGET (3, n): scores of cells, by SIGNALS (shadows, 3, n)."""
    if not len(signals):
        return
    for name in _ATTACKS:
        at = 2 if name.startswith("lira") else 1
        attack = lira if name.startswith("lira") else rmia
        yield name, attack(target[at], Shadows(signals[:, at], inside), online=not name.endswith("offline"))


def _told(subject: Subject, plan: Plan, name: str, attack: Attack, why: str) -> Iterator[Measure]:
    yield from measures(name, attack, plan, why=why)
    for attribute in subject.attributes():
        groups = subject.attribute(attribute)[attack.cluster]
        for group in sorted(set(groups.tolist()) - {MISSING}) + [MISSING] * bool((groups == MISSING).any()):
            yield from measures(name, attack.only(groups == group), plan, f"{attribute}={group}")


def _stacked(said: Said) -> Floats:
    return np.stack([said.score, said.log_p, said.logit])
