"""Certifies how many poisoned rows or people cannot change what an ensemble of models of separate parts answers."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from consentinel.assure.answering import labels
from consentinel.assure.measure import Measure, Plan
from consentinel.assure.robust._elections import Labelled, Listed, labelled, listed
from consentinel.assure.robust._genuine import genuine
from consentinel.assure.robust._per_person import people_mean
from consentinel.assure.robust._poisoning import attacked_labels, attacked_lists
from consentinel.assure.subject import Subject
from consentinel.core.columns import one
from consentinel.core.rng import generator
from consentinel.core.stats import korn_graubard

__all__ = ["BUDGETS", "KINDS", "NEEDS", "election_of", "probe"]

KINDS = ("tabular", "text", "vision", "recsys")
NEEDS = ("train", "learned", "labels")
PARTS, LEAST = 25, 50  # parts at most, and rows of a part at least
PARTS_OF_PEOPLE, LEAST_PEOPLE = 20, 20
BUDGETS = (0, 1, 2, 5, 10)
ATTACKED = (1, 5)
TRIES = 3
TRIED = f"what {TRIES} poisonings that were tried leave right; no certificate broke"
UNSTEADY = "the trainer is not deterministic (equal rows and seed give another model), so that nothing can be certified"


def probe(subject: Subject, plan: Plan) -> Iterator[Measure]:
    """Yield the certified accuracy (recommenders: recall and hit rate at k) of an ensemble, by poisoned rows (people).

    The learned rows are parted by a fingerprint of their inputs, those of a recommender by person; a model is trained
    on each part as the audited one is, and the parts vote. Theorem (Levine and Feizi 2021, theorem 1): let f_i be the
    deterministic model of part i, n_c the number of parts that answer label c, and w the label of most votes, the first
    of equal ones. If R rows at most are inserted, deleted or get another label, w stays the answer where R <=
    floor((n_w - max over c of (n_c + [c before w])) / 2): each such row is of one part alone. A row whose inputs are
    changed counts twice, as one deleted and one inserted. Recommenders: each part votes for its first k items, the k
    items of most votes are shown, and a person with all their rows is of one part; item j stays where R <= floor((n_j -
    s - 1) / 2), s the k-th largest count of the other items (in the manner of Jia et al. 2023, with a simpler bound).
    The number of parts is set beforehand; what is certified is the ensemble, not the one model, and a test row or
    the history that is shown is not poisoned. Beside it stands what poisonings of that size that were tried leave
    right, never less. Graphs are left out: a node's neighbours are of other parts, so one node changes many of them.
    """
    if subject.kind == "recsys":
        yield from _lists(subject, plan)
        return
    yield from _labels(subject, plan)


def election_of(subject: Subject, plan: Plan) -> Labelled | Listed | None:
    """Return the ensemble of SUBJECT and its votes on at most plan.rows rows, or people; None: too little was learned.

    Raises UsageError.
    """
    assert subject.learned is not None
    if subject.kind == "recsys":
        people = genuine(subject, plan.seed, plan.rows)
        count = min(PARTS_OF_PEOPLE, len(people.users) // LEAST_PEOPLE)
        return listed(people, count, plan.seed) if count >= 3 else None
    count = min(PARTS, subject.learned.num_rows // LEAST)
    if count < 3:
        return None
    return labelled(subject, subject.rows.take(pa.array(_places(subject, plan))), count, plan.seed)


def _labels(subject: Subject, plan: Plan) -> Iterator[Measure]:
    election = election_of(subject, plan)
    if not isinstance(election, Labelled):
        yield _too_few("certified_accuracy", LEAST, "rows")
        return
    places = _places(subject, plan)
    unit = subject.unit[places]
    at = pa.array(places)
    own = pc.equal(labels(subject.answers["label"]).take(at), labels(subject.rows["label"]).take(at))
    right, safe = election.right()
    many = election.parts.count
    silent = sum(said is None for said in election.said)
    told = f"{many} parts of about {election.parts.rows.num_rows // many:,} rows" + (
        f"; {silent} of them train no model and do not vote" if silent else ""
    )
    for name, hit in (("as given", np.asarray(pc.fill_null(own, False))), (f"ensemble of {many} parts", right)):
        yield Measure("accuracy", korn_graubard(hit.astype(np.float64), unit, plan.level), f"model={name}",
                      better="higher", why=told)  # fmt: skip
    attacks = {budget: attacked_labels(election, budget, TRIES, plan.seed) for budget in ATTACKED}
    if not election.steady() or any(found.broken for found in attacks.values()):
        yield Measure("certified_accuracy", None, why=UNSTEADY)
        return
    for budget in BUDGETS:
        hit = (right & (safe >= budget)).astype(np.float64)
        yield Measure("certified_accuracy", korn_graubard(hit, unit, plan.level), f"poisoned rows={budget}",
                      better="higher", why=f"of the ensemble of {told}")  # fmt: skip
    for budget, found in attacks.items():
        yield Measure("poisoned_accuracy", korn_graubard(found.right.astype(np.float64), unit, plan.level),
                      f"poisoned rows={budget}", better="higher", why=TRIED)  # fmt: skip


def _lists(subject: Subject, plan: Plan) -> Iterator[Measure]:
    election = election_of(subject, plan)
    k = subject.k
    if not isinstance(election, Listed):
        yield _too_few(f"certified_recall@{k}", LEAST_PEOPLE, "people")
        return
    who, _, safe = election.right()
    count = election.people.subject.groups.num_rows
    relevant = np.bincount(who, minlength=count)
    known = relevant > 0
    if not known.any():
        yield Measure(f"certified_recall@{k}", None, why="nobody has an item with a label above 0: nothing is right")
        return
    many = election.parts.count
    told = f"{many} parts of about {len(election.people.users) // many:,} people"

    def recall(hit: np.ndarray) -> np.ndarray:
        return (np.bincount(who, hit, count)[known] / relevant[known]).astype(np.float64)

    yield Measure(f"recall@{k}", people_mean(_own_recall(election, relevant)[known], plan), "model=as given",
                  better="higher", why="of the same people")  # fmt: skip
    attacks = {budget: attacked_lists(election, budget, TRIES, plan.seed) for budget in ATTACKED}
    if not election.steady() or any(found.broken for found in attacks.values()):
        yield Measure(f"certified_recall@{k}", None, why=UNSTEADY)
        return
    for budget in BUDGETS:
        hit = safe >= budget
        slice = f"poisoned people={budget}"
        why = f"of the ensemble of {told}"
        yield Measure(f"certified_recall@{k}", people_mean(recall(hit), plan), slice, better="higher", why=why)
        hits = (recall(hit) > 0).astype(np.float64)
        yield Measure(f"certified_hit_rate@{k}", people_mean(hits, plan), slice, better="higher", why=why)
    for budget, found in attacks.items():
        yield Measure(f"poisoned_recall@{k}", people_mean(recall(found.right), plan), f"poisoned people={budget}",
                      better="higher", why=TRIED)  # fmt: skip


def _own_recall(election: Listed, relevant: np.ndarray) -> np.ndarray:
    """Return the recall of the audited model's own lists for each person asked; (people,)."""
    people = election.people
    subject = people.subject
    assert subject.queries is not None
    asked, k = one(subject.queries["query"]).cast(pa.string()), subject.k
    given = subject.answers
    who = np.asarray(pc.fill_null(pc.index_in(one(given["query"]).cast(pa.string()), asked), -1), np.int64)
    at = np.flatnonzero(who >= 0)[np.argsort(who[who >= 0], kind="stable")]
    at = at[np.arange(len(at)) - np.searchsorted(who[at], who[at]) < k]
    right = subject.rows
    if "label" in right.column_names:
        liked = np.asarray(pc.fill_null(one(right["label"]).cast(pa.float64()), 0.0)) > 0
    else:
        liked = np.ones(right.num_rows, bool)
    item, truth = one(given["item"]).cast(pa.string()).take(pa.array(at)), one(right["item"]).cast(pa.string())
    names = pc.unique(pa.concat_arrays([item, truth]))
    shown = who[at] * len(names) + np.asarray(pc.index_in(item, names), np.int64)
    wanted = (subject.unit * len(names) + np.asarray(pc.index_in(truth, names), np.int64))[liked]
    hit = np.isin(wanted, shown)
    return np.asarray(np.bincount(subject.unit[liked], hit, len(relevant)) / np.maximum(relevant, 1))


def _places(subject: Subject, plan: Plan) -> np.ndarray:
    known = np.flatnonzero(np.asarray(pc.is_valid(one(subject.rows["label"]))))
    return np.asarray(np.sort(generator(plan.seed, "assure.robust.certified").permutation(known)[: plan.rows]))


def _too_few(metric: str, least: int, what: str) -> Measure:
    why = f"needs at least {3 * least} learned {what}, so that there are three parts of {least}; give more (--learned)"
    return Measure(metric, None, why=why)
