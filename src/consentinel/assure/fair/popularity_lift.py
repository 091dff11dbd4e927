"""How much more popular the items are that people get than those that they chose, for each group of people."""

import math
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from consentinel.assure.fair._between import absent
from consentinel.assure.fair._lists import Floats, lists
from consentinel.assure.fair._means import linear, log_ratio_parts
from consentinel.assure.fair._rates import LEAST, grouped
from consentinel.assure.measure import Measure, Plan
from consentinel.assure.subject import Subject
from consentinel.core.columns import one

KINDS = ("recsys",)
NEEDS = ("learned",)


def probe(subject: Subject, plan: Plan) -> Iterator[Measure]:
    """Yield average popularity of lists and histories, and the lift, of everybody and of each group, with gaps.

    The popularity of an item is the share of people in the learned rows who have it. Lift: mean popularity of what was
    recommended to a group over that of what its people did, less 1. Its interval and the gaps are those of logarithms,
    with popularity as it was in the learned rows. Source: Abdollahpouri et al. 2019 (group average popularity).
    """
    found = lists(subject)
    assert subject.learned is not None
    assert subject.queries is not None
    popular, person, item = _learned(subject.learned, subject.queries, found.items)
    top = found.top()
    shown, many = found.per_person(popular[found.item], top), found.per_person(np.ones(len(top)), top)
    did, deeds = (np.bincount(person, values, found.people) for values in (popular[item], np.ones(len(item))))
    known = (many > 0) & (deeds > 0)
    if not known.any():
        yield Measure("popularity_lift", None, why="nobody who was answered is among the learned rows")
        return
    with np.errstate(invalid="ignore", divide="ignore"):
        of_list, of_person = np.where(known, shown / many, 0.0), np.where(known, did / deeds, 0.0)
    yield from _values(of_list, of_person, known, "", plan)
    for name in subject.attributes():
        groups = grouped(name, subject.attribute(name))
        yield from absent(groups, known)
        members = [(groups.code == at) & known for at in range(len(groups.names))]
        large = [at for at, mine in enumerate(members) if mine.sum() >= LEAST]
        for at, mine in enumerate(members):
            if at in large:
                yield from _values(of_list, of_person, mine, groups.slice(at), plan)
            else:
                why = f"only {int(mine.sum())} people of {groups.slice(at)}, and {LEAST} are needed: collect more"
                yield Measure("popularity_lift", None, groups.slice(at), why=why)
        if len(large) < 2:
            yield Measure("popularity_lift_gap", None, name, why=f"a gap needs two groups of at least {LEAST} people")
            continue
        first = max(large, key=lambda at: int(members[at].sum()))
        base, base_parts = log_ratio_parts(of_list * members[first], of_person * members[first])
        for at in large:
            if at == first:
                continue
            log, parts = log_ratio_parts(of_list * members[at], of_person * members[at])
            yield linear(
                "popularity_lift_log_gap", log - base, parts - base_parts, plan.level, groups.slice(at),
                groups.slice(first), null=0.0, better="zero", why="difference of log(1 + lift)",
            )  # fmt: skip


def _values(of_list: Floats, of_person: Floats, mine: np.ndarray, place: str, plan: Plan) -> Iterator[Measure]:
    """Yield mean popularity of lists, of histories, and the lift, of the people MINE."""
    n = int(mine.sum())
    for metric, values in (("average_popularity", of_list), ("average_popularity_history", of_person)):
        mean = float(values[mine].mean())
        yield linear(metric, mean, np.where(mine, (values - mean) / n, 0.0), plan.level, place)
    log, parts = log_ratio_parts(of_list * mine, of_person * mine)
    made = linear("popularity_lift", log, parts, plan.level, place, "what they did", null=0.0, better="zero")
    if made.estimate is None:
        yield made
        return
    e = made.estimate
    low, value, high = (math.expm1(min(end, 700.0)) for end in (e.low, e.value, e.high))
    detectable = None if made.detectable is None else math.expm1(min(made.detectable, 700.0))
    lift = type(e)(value, low, high, e.n, e.level, "logarithm, linearised over people, t")
    yield Measure("popularity_lift", lift, place, "what they did", 0.0, made.p, detectable, "zero")


def _learned(learned: pa.Table, queries: pa.Table, items: pa.Array) -> tuple[Floats, np.ndarray, np.ndarray]:
    """Return the popularity of each of ITEMS, and who of QUERIES did which, both as places, (n,)."""
    users = one(learned["user"]).cast(pa.string()).dictionary_encode()
    user, many = np.asarray(users.indices, np.int64), len(users.dictionary)
    item = np.asarray(pc.index_in(one(learned["item"]).cast(pa.string()), items), np.int64)
    pairs = np.unique(user * len(items) + item)
    user, item = np.divmod(pairs, len(items))
    popular = np.bincount(item, minlength=len(items)) / max(1, many)
    place = pc.index_in(users.dictionary, one(queries["query"]).cast(pa.string()))
    asked = np.asarray(pc.fill_null(place, -1), np.int64)[user]
    return popular, asked[asked >= 0], item[asked >= 0]
