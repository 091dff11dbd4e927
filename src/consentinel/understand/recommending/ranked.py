"""Mitigations for each case, the best first, each with what it rests on."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from consentinel.understand.recommending.cases import JUDGED, Case, day_of
from consentinel.understand.recommending.catalog import Answer, Catalog, Mitigation
from consentinel.understand.recommending.feedback import WEIGHT, Decision, tally
from consentinel.understand.recommending.learned import Known, Learned, learned

__all__ = ["Advice", "Advised", "Why", "advice", "known_of"]

PRIOR = 8.0  # decisions that a rule's share counts as before there are any
SIMILAR = 5  # past cases that are shown
CITED = 2  # past cases that one reason cites
LEAST_ALIKE = 0.05  # a past case less similar than this is like any other


@dataclass(frozen=True)
class Why:
    """One reason: its kind, what it cites (the id of a case, rule or catalogue entry, or words), and what it says."""

    kind: str  # case, words, share, rule, feedback, catalog
    cites: str
    says: str


@dataclass(frozen=True)
class Advised:
    """One mitigation for one case."""

    mitigation: Mitigation
    p: float
    rule: str
    owner: str
    owner_from: str
    decision: str
    why: tuple[Why, ...]


@dataclass(frozen=True)
class Advice:
    """What is recommended for a case, and the past cases like it with their similarity."""

    mitigations: tuple[Advised, ...]
    similar: tuple[tuple[Case, float], ...]


def known_of(
    past: Sequence[Case], everyone: Mapping[str, Case], names: Sequence[str], decisions: Sequence[Decision]
) -> Known:
    """Return the cases PAST as known ones, and of EVERYONE those decided about, known for the decided NAMES only."""
    at = {name: i for i, name in enumerate(names)}
    decided = [d for d in decisions if d.incident in everyone and d.mitigation in at]
    ids = list(dict.fromkeys([*(one.incident_id for one in past), *(d.incident for d in decided)]))
    chosen = [everyone[one] for one in ids]
    row = {one: i for i, one in enumerate(ids)}
    did, weight = np.zeros((len(ids), len(names))), np.zeros((len(ids), len(names)))
    for one in past:
        weight[row[one.incident_id]] = 1.0
        for name in one.done:
            did[row[one.incident_id], at[name]] = 1.0
    for d in decided:
        i, j = row[d.incident], at[d.mitigation]
        said = WEIGHT * (d.decision == "accept")
        did[i, j] = (weight[i, j] * did[i, j] + said) / (weight[i, j] + WEIGHT)
        weight[i, j] += WEIGHT
    newest = max((one.day for one in chosen if one.day is not None), default=0)
    days = np.array([newest if one.day is None else one.day for one in chosen], np.float64)
    return Known(ids, [one.text for one in chosen], [one.fields for one in chosen], days, np.round(did), weight)


def advice(
    open_: Sequence[Case], past: Sequence[Case], catalog: Catalog, decisions: Sequence[Decision], *, top: int
) -> tuple[list[Advice], Learned | None]:
    """Return the TOP mitigations for each of the cases OPEN_, and what was learned; None where PAST teaches nothing.

    Findings and audits get what their rule asks for, and others what past cases say.
    """
    names = [rule.name for rule in catalog.rules]
    everyone = {one.incident_id: one for one in (*open_, *past)}
    known = known_of(past, everyone, names, decisions)
    model = learned(known) if past else None
    counted, said_of = tally(decisions), {(d.incident, d.mitigation): d.decision for d in decisions}
    places = [i for i, one in enumerate(open_) if one.kind not in JUDGED]
    told = None
    if model is not None and places:
        told = model.says([open_[i].text for i in places], [open_[i].fields for i in places],
                          [open_[i].incident_id for i in places])  # fmt: skip
    row = {i: at for at, i in enumerate(places)}
    found = []
    for i, case in enumerate(open_):
        ruled = catalog.answer(case.kind, list(case.classes))
        if ruled is not None:
            found.append(Advice(_ruled(case, *ruled, catalog, counted, said_of, top), ()))
        elif told is not None and model is not None and i in row:
            at = row[i]
            near = [(everyone[known.ids[j]], float(s)) for j, s in zip(told.near[at], told.similar[at], strict=True)
                    if s >= LEAST_ALIKE]  # fmt: skip
            near = [pair for pair in near if pair[0].done]
            found.append(_learned(case, told.p[at], near, model, names, catalog, counted, said_of, top))
        else:
            found.append(Advice((), ()))
    return found, model


def _ruled(
    case: Case, rule: str, answer: Answer, catalog: Catalog, counted: Mapping[tuple[str, str], tuple[int, int]],
    said_of: Mapping[tuple[str, str], str], top: int,
) -> tuple[Advised, ...]:  # fmt: skip
    made = []
    for name, share in answer.mitigations.items():
        yes, no = counted.get((rule, name), (0, 0))
        one = catalog.mitigations[name]
        why = (Why("rule", rule, answer.because), *_feedback(rule, yes, no), _cited(one))
        made.append(Advised(one, (PRIOR * share + yes) / (PRIOR + yes + no), rule, one.owner, "catalogue",
                            said_of.get((case.incident_id, name), ""), why))  # fmt: skip
    return _ordered(made, top)


def _learned(
    case: Case, p: "np.ndarray[tuple[int], np.dtype[np.float64]]", near: Sequence[tuple[Case, float]], model: Learned,
    names: Sequence[str], catalog: Catalog, counted: Mapping[tuple[str, str], tuple[int, int]],
    said_of: Mapping[tuple[str, str], str], top: int,
) -> Advice:  # fmt: skip
    made = []
    first = sorted(range(len(names)), key=lambda at: (-p[at], names[at]))[: top + len(said_of)]
    for at in first:
        one = catalog.mitigations[names[at]]
        alike = [(past, s) for past, s in near if one.name in past.done]
        why = [Why("case", past.incident_id, _similar(past, s)) for past, s in alike[:CITED]]
        words = [word for word, _ in model.words(case.text, case.fields, at)]
        if words:
            why.append(Why("words", ", ".join(words), "speak for it most"))
        why.append(Why("share", f"{model.base[at]:.2f}", "of past cases, newer ones counting more"))
        yes, no = counted.get(("", one.name), (0, 0))
        owner, owner_from = one.owner, "catalogue"
        owners = Counter[str]()
        for past, s in alike:
            if past.owner:
                owners[past.owner] += round(1000 * s)
        if owners:
            owner, owner_from = owners.most_common(1)[0][0], "similar cases"
        made.append(Advised(one, float(p[at]), "", owner, owner_from, said_of.get((case.incident_id, one.name), ""),
                            (*why, *_feedback(one.name, yes, no), _cited(one))))  # fmt: skip
    return Advice(_ordered(made, top), tuple(near[:SIMILAR]))


def _similar(past: Case, similar: float) -> str:
    day = day_of(past)
    return f"was done{f', {day}' if day else ''}; similar by {similar:.2f}"


def _ordered(made: Sequence[Advised], top: int) -> tuple[Advised, ...]:
    """Return the TOP of MADE, likely ones first; what was rejected for this very case comes last."""
    return tuple(sorted(made, key=lambda one: (one.decision == "reject", -one.p, one.mitigation.name))[:top])


def _feedback(cites: str, yes: int, no: int) -> tuple[Why, ...]:
    return (Why("feedback", cites, f"{yes} accepted, {no} rejected"),) if yes or no else ()


def _cited(one: Mitigation) -> Why:
    return Why("catalog", one.name, ", ".join(one.references))
