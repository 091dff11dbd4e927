"""Shows what a recommender loses when a share of each history is missing, or when there is noise in it."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from consentinel.assure.measure import Measure, Plan
from consentinel.assure.people import texts
from consentinel.assure.robust._genuine import Bits, Floats, Genuine, Ints, genuine
from consentinel.assure.robust._per_person import people_mean, shift
from consentinel.assure.subject import Subject
from consentinel.core.columns import one
from consentinel.core.rng import generator

__all__ = ["KINDS", "NEEDS", "probe"]

KINDS = ("recsys",)
NEEDS = ("train", "learned", "labels")
DROPPED = (0.1, 0.3, 0.5)
NOISE = (0.1, 0.3)


def probe(subject: Subject, plan: Plan) -> Iterator[Measure]:
    """Yield nDCG of a model trained anew on everything, and how it shifts with thinner or noisier histories.

    Of each history a share is dropped at random, one item at least stays; what was dropped is not counted as shown,
    since the whole model would not show it either. Noise is a share of items at random that the person neither did nor
    is known to like. Each share is trained once; the interval is over people, the same ones before and after.
    """
    people = genuine(subject, plan.seed)
    metric = f"ndcg@{people.subject.k}"
    whole = people.ndcg(people.answers(people.train(people.log, plan.seed)))
    known = np.isfinite(whole)
    if not known.any():
        yield Measure(f"{metric}_shift", None, why="nobody has an item with a label above 0: nothing is right")
        return
    yield Measure(metric, people_mean(whole[known], plan), "histories=whole", better="higher")
    for share in DROPPED:
        moved = _thinned(people, share, plan.seed) - whole
        yield shift(f"{metric}_shift", moved[known], f"dropped={share:.0%}", plan, better="higher")
    for share in NOISE:
        log = pa.concat_tables([people.log, _noise(people, share, plan.seed)])
        moved = people.ndcg(people.answers(people.train(log, plan.seed))) - whole
        yield shift(f"{metric}_shift", moved[known], f"noise={share:.0%}", plan, better="higher")


def _thinned(people: Genuine, share: float, seed: int) -> Floats:
    """Return nDCG of each person when SHARE of every history is missing."""
    random = generator(seed, "assure.robust.thinned", f"{share}")
    keep = ~_drawn(people.user, share, random)
    model = people.train(people.log.filter(pa.array(keep)), seed)
    lost = np.bincount(people.user[~keep], minlength=len(people.users))
    deep = people.subject.k + int(lost[people.person >= 0].max(initial=0))
    queries = people.deeper(deep)
    if "history" in queries.column_names and queries["history"].null_count < queries.num_rows:
        lists = one(queries["history"])
        who = np.asarray(pc.list_parent_indices(lists), np.int64)
        stay = ~_drawn(who, share, random)
        ends = np.searchsorted(who[stay], np.arange(queries.num_rows + 1)).astype(np.int32)
        thin = pa.ListArray.from_arrays(pa.array(ends), pc.list_flatten(lists).filter(pa.array(stay)))
        queries = queries.set_column(queries.column_names.index("history"), "history", thin)
    answers = people.answers(model, queries)
    who = np.asarray(pc.index_in(one(answers["query"]), texts(queries["query"])), np.int64)
    what = people.places(one(answers["item"]))
    count = len(people.items)
    own_who, own_what = people.own()
    before = np.isin(who * count + what, (own_who * count + own_what)[own_what >= 0]) & (what >= 0)
    return people.ndcg(answers.filter(pa.array(~before)))


def _drawn(who: Ints, share: float, random: np.random.Generator) -> Bits:
    """Return which rows of WHO (n,) are drawn: SHARE of each one's, never all."""
    order = np.lexsort((random.random(len(who)), who))
    place = np.empty(len(who), np.int64)
    place[order] = np.arange(len(who)) - np.searchsorted(who[order], who[order])
    count = np.bincount(who)
    return np.asarray(place < np.minimum(np.floor(count * share + 0.5), count - 1)[who], bool)


def _noise(people: Genuine, share: float, seed: int) -> pa.Table:
    """Return rows in which everybody does SHARE as many items more, at random."""
    random = generator(seed, "assure.robust.noise", f"{share}")
    count = len(people.items)
    many = np.floor(np.bincount(people.user, minlength=len(people.users)) * share + random.random(len(people.users)))
    who = np.repeat(np.arange(len(people.users)), many.astype(np.int64))
    what = random.integers(0, count, len(who))
    subject = people.subject
    right = people.places(one(subject.rows["item"]))
    user = np.asarray(pc.fill_null(pc.index_in(texts(subject.rows["query"]), people.users), -1), np.int64)
    taken = np.concatenate([people.user * count + people.item, (user * count + right)[(user >= 0) & (right >= 0)]])
    pair = np.unique(who * count + what)
    pair = pair[~np.isin(pair, taken)]
    at = random.integers(0, people.log.num_rows, len(pair))  # weight and time as somewhere else in the log
    more = {name: one(people.log[name]).take(pa.array(at)) for name in people.log.column_names
            if name not in ("user", "item")}  # fmt: skip
    return people.new_rows(people.users.take(pa.array(pair // count)), pair % count, more)
