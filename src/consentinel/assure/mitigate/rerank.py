"""Orders lists anew, so that groups of people are served alike, or groups of items shown as they merit (after)."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from consentinel.assure.fair._absolute import absolute
from consentinel.assure.fair._lists import Lists, item_groups, lists, quality
from consentinel.assure.fair._rates import Groups, comparable, grouped
from consentinel.assure.mitigate._compared import LEVEL, gained, halves, mover, served
from consentinel.assure.mitigate._result import Mitigated
from consentinel.assure.subject import Subject
from consentinel.core.columns import one
from consentinel.core.errors import UsageError
from consentinel.core.stats import Interval

KINDS = ("recsys",)
WHEN = "after"

DEPTH = 5  # times k: candidates of a list
STEPS = 25
DRAWS = 300
KEPT = 0.1  # of a gap between groups of people is left where it is chosen; half of the people decide it for the others

Floats = NDArray[np.float64]


def mitigate(subject: Subject, attribute: str, /, *, seed: int, kept: float = KEPT) -> Mitigated:
    """Return SUBJECT with lists ordered anew from five times as many candidates, chosen on the other half of people.

    ATTRIBUTE of people: lists of the groups that are served better give room to items that are shown less than they
    were chosen, until the share KEPT of the gap in nDCG is left. Nobody's list becomes better by it, which
    the utility shows.
    ATTRIBUTE of items: every list, until each group of items has its share of what is right. Raises UsageError.
    Source: Li et al. 2021 (people, there by integer programming); Singh and Joachims 2018 (items).
    """
    if subject.lacks("labels"):
        raise UsageError("to choose an order needs what was right for people (labels)")
    deep = _deep(subject)
    if attribute in subject.attributes():
        return _people(subject, deep, attribute, seed, kept)
    if subject.items is not None and attribute in subject.items.column_names:
        return _items(subject, deep, attribute, seed)
    raise UsageError(f"'{attribute[:60]}' is an attribute neither of people nor of items")


def _deep(subject: Subject) -> Subject:
    """Return SUBJECT with longer lists; raises UsageError where there are none."""
    wanted = DEPTH * subject.k
    if subject.model is not None and subject.queries is not None:
        at = subject.queries.schema.get_field_index("k")
        k = pa.array([wanted] * subject.queries.num_rows, pa.int32())
        asked = subject.queries.append_column("k", k) if at < 0 else subject.queries.set_column(at, "k", k)
        deep = subject.answered(subject.ask(asked))
    else:
        deep = subject
    if deep.answers.num_rows <= subject.k * subject.groups.num_rows:
        raise UsageError(f"re-ranking needs lists longer than k = {subject.k}; the model gives no more")
    return deep


def _people(subject: Subject, deep: Subject, attribute: str, seed: int, kept: float) -> Mitigated:
    found = lists(deep)
    known = quality(found)[1].astype(np.float64)
    groups, _ = comparable(grouped(attribute, subject.attribute(attribute)), known[:, None])
    if len(groups.names) < 2:
        raise UsageError(f"{attribute} has {len(groups.names)} groups that are large enough to compare")
    first, place = halves(groups, seed), _standardised(found)
    new = np.zeros(len(place))
    told = []
    for tested in (first, ~first):
        bonus = _overlooked(subject, found, ~tested)[found.item]
        power = np.zeros(len(groups.names))
        reached = _served(found, place, groups, ~tested)
        low = int(reached.argmin())
        for at in range(len(groups.names)):
            if at != low:
                wanted = float(reached[low] + kept * (reached[at] - reached[low]))
                power[at] = _least(found, place, bonus, groups, at, ~tested, wanted)
        shift = np.where(groups.code >= 0, power[groups.code], 0.0)[found.query] * bonus
        new = np.where(tested[found.query], place + shift, new)
        told.append(
            ", ".join(f"{name} by {x:.2f}" for name, x in zip(groups.names, power, strict=True) if x) or "nobody"
        )
    answers = _ordered(subject, found, new)
    gap, utility = served(subject, answers, groups)
    rule = f"in the lists of {told[0]} in one half of people, of {told[1]} in the other"
    rule = f"items that are shown less than they were chosen are lifted, by {attribute}: {rule} (standard deviations)"
    return Mitigated(answers, rule, gap, utility)


def _items(subject: Subject, deep: Subject, attribute: str, seed: int) -> Mitigated:
    found = lists(deep)
    items = item_groups(subject, found, attribute)
    if items is None or len(items.names) < 2:
        raise UsageError(f"{attribute} has no two groups of items, or too many")
    everybody = Groups("people", ["all"], np.zeros(found.people, np.intp), np.zeros(found.people, bool))
    first, place = halves(everybody, seed), _standardised(found)
    group = items.code[found.item]
    new = np.zeros(len(place))
    for tested in (first, ~first):
        merit = _merit(found, items, ~tested)
        power = np.zeros(len(items.names))
        best, kept = np.inf, power
        for step in range(STEPS):
            share = _exposure(found, place + np.where(group >= 0, power[group], 0.0), group, len(items.names), ~tested)
            off = float(np.abs(share - merit).sum())
            if off < best:
                best, kept = off, power
            power = power + (1.0 if step < STEPS // 2 else 0.3) * np.log((merit + 1e-3) / (share + 1e-3))
        new = np.where(tested[found.query], place + np.where(group >= 0, kept[group], 0.0), new)
    answers = _ordered(subject, found, new)
    before, after = (_disparity(subject.answered(said), attribute, seed) for said in (subject.answers, answers))
    gap = mover("disparate_exposure_sum", before, after, "lower")
    told = f"{len(items.names)} groups of items by {attribute} get a bonus each, until exposure is as merit"
    return Mitigated(answers, told, gap, gained(subject, answers))


def _standardised(found: Lists) -> Floats:
    """Return scores less their mean over their standard deviation, within each list."""
    many = np.maximum(np.bincount(found.query, minlength=found.people), 1)
    mean = np.bincount(found.query, found.score, found.people) / many
    off = found.score - mean[found.query]
    spread = np.sqrt(np.bincount(found.query, off * off, found.people) / many)
    return np.asarray(off / np.where(spread > 0, spread, 1.0)[found.query])


def _ranks(found: Lists, value: Floats) -> NDArray[np.int64]:
    """Return the rank of each answer within its list by VALUE, best first."""
    order = np.lexsort((found.rank, -value, found.query))
    rank = np.empty(len(order), np.int64)
    rank[order] = found.rank  # lists stay in their places
    return rank


def _served(found: Lists, value: Floats, groups: Groups, units: NDArray[np.bool_]) -> Floats:
    """Return the mean nDCG of each group among UNITS, were lists ordered by VALUE."""
    rank = _ranks(found, value)
    by = np.lexsort((rank, found.query))
    moved = Lists(found.people, found.items, found.query[by], found.item[by], rank[by], found.score[by],
                  found.label[by], found.true_query, found.true_item, found.true_label, found.k)  # fmt: skip
    values, known = quality(moved)
    ndcg = values[f"ndcg@{found.k}"]
    return np.array([ndcg[(groups.code == at) & known & units].mean() for at in range(len(groups.names))])


def _overlooked(subject: Subject, found: Lists, units: NDArray[np.bool_]) -> Floats:
    """Return for each item how much less it is shown to UNITS than it was chosen, there and in the learned rows, on a
    logarithmic scale with standard deviation 1."""
    size = len(found.items)
    use = found.top() & units[found.query]
    shown = np.bincount(found.item[use], minlength=size).astype(np.float64)
    right = units[found.true_query] & (found.true_label > 0)
    merit = np.bincount(found.true_item[right], minlength=size).astype(np.float64)
    if subject.learned is not None and "item" in subject.learned.column_names:
        learned = pc.index_in(one(subject.learned["item"]).cast(pa.string()), found.items)
        merit += np.bincount(np.asarray(learned, np.int64), minlength=size)
    bonus = np.log((merit / max(merit.sum(), 1) + 1 / size) / (shown / max(shown.sum(), 1) + 1 / size))
    return np.asarray(bonus / max(float(bonus.std()), 1e-12))


def _least(
    found: Lists, place: Floats, bonus: Floats, groups: Groups, at: int, units: NDArray[np.bool_], wanted: float
) -> float:
    """Return about the least power of BONUS in [0, 8] with which the mean nDCG of group AT falls to WANTED."""

    def reached(power: float) -> float:
        return float(_served(found, place + power * bonus, groups, units)[at])

    low, high = 0.0, 0.25
    while reached(high) > wanted and high < 8:
        low, high = high, 2 * high
    for _ in range(12):
        middle = (low + high) / 2
        low, high = (middle, high) if reached(middle) > wanted else (low, middle)
    return high


def _merit(found: Lists, items: Groups, units: NDArray[np.bool_]) -> Floats:
    code = items.code[found.true_item]
    use = units[found.true_query] & (found.true_label > 0) & (code >= 0)
    share = np.bincount(code[use], minlength=len(items.names)).astype(np.float64)
    return np.asarray(share / max(share.sum(), 1))


def _exposure(found: Lists, value: Floats, group: NDArray[np.intp], count: int, units: NDArray[np.bool_]) -> Floats:
    rank = _ranks(found, value)
    use = (rank < found.k) & (group >= 0) & units[found.query]
    share = np.bincount(group[use], 1 / np.log2(rank[use] + 2), count)
    return np.asarray(share / max(float(share.sum()), 1e-300))


def _disparity(subject: Subject, attribute: str, seed: int) -> Interval:
    """Return the sum of |share of exposure - share of merit| over groups of items."""
    found = lists(subject)
    items = item_groups(subject, found, attribute)
    assert items is not None
    count, everybody = len(items.names), np.ones(found.people, bool)
    share = _exposure(found, -found.rank.astype(np.float64), items.code[found.item], count, everybody)
    merit = _merit(found, items, everybody)
    group, right = items.code[found.item], items.code[found.true_item]
    shown, use = found.top() & (group >= 0), (found.true_label > 0) & (right >= 0)
    seen = 1 / np.log2(found.rank[shown] + 2)

    def noise(drawn: Floats) -> Floats:
        weights, times = drawn[found.query[shown]] * seen, drawn[found.true_query[use]]
        one_side = (np.bincount(group[shown], weights, count) - share * weights.sum()) / seen.sum()
        return np.asarray(one_side - (np.bincount(right[use], times, count) - merit * times.sum()) / max(use.sum(), 1))

    return absolute(share - merit, np.ones(count), noise, found.people, LEVEL, draws=DRAWS, seed=seed)[0]


def _ordered(subject: Subject, found: Lists, value: Floats) -> pa.Table:
    """Return the first k of each list by VALUE as answers."""
    assert subject.queries is not None
    by = np.lexsort((found.rank, -value, found.query))
    rank = found.rank  # sorted by query: places are those of the lists
    by = by[rank < found.k]
    query = one(subject.queries["query"]).cast(pa.string()).take(pa.array(found.query[by]))
    return pa.table(
        {"query": query, "item": pc.take(found.items, pa.array(found.item[by])), "score": pa.array(value[by])}
    )
