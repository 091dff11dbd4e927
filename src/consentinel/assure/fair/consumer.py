"""How well people of each group are served by a recommender or ranker: nDCG, recall, precision and their gaps."""

from collections.abc import Iterator

import numpy as np

from consentinel.assure.fair._between import Ratio, absent, gaps_of
from consentinel.assure.fair._estimation import estimation
from consentinel.assure.fair._lists import Floats, lists, quality
from consentinel.assure.fair._rates import Groups, comparable, grouped, interval
from consentinel.assure.measure import Measure, Plan
from consentinel.assure.subject import RANKED_KINDS, Subject
from consentinel.core import gaps
from consentinel.core.shares import Shares, by_influence

KINDS = RANKED_KINDS
NEEDS = ("labels", "groups")

PLACES = 60  # values of nDCG at which two distributions are compared for their interval
MOST = 8  # groups whose distributions are compared with that of the largest


def probe(subject: Subject, plan: Plan) -> Iterator[Measure]:
    """Yield the quality of lists of every group, gaps, distances of distributions, and estimation errors.

    Source: Ekstrand et al. 2018 (quality by group); Yao and Huang 2017 (estimation); KS: Kolmogorov 1933.
    """
    found = lists(subject)
    values, known = quality(found)
    if not known.any():
        yield Measure(f"ndcg@{found.k}", None, why="nobody has an item with a label above 0: nothing is right")
        return
    for name in subject.attributes():
        groups = grouped(name, subject.attribute(name))
        yield from absent(groups, known)
        for metric, value in values.items():
            yield from gaps_of(Ratio(metric, value, known.astype(np.float64)), groups, plan)
        yield from _distances(f"ndcg@{found.k}", values[f"ndcg@{found.k}"], known.astype(np.float64), groups, plan)
        yield from estimation(found, groups, plan)


def _distances(metric: str, value: Floats, known: Floats, groups: Groups, plan: Plan) -> Iterator[Measure]:
    """Yield the Kolmogorov-Smirnov distance of METRIC between each group and the largest.

    It is the largest of many differences of shares, those at most x, so that its interval is that of a worst gap.
    """
    kept, _ = comparable(groups, known[:, None])
    sizes = np.bincount(kept.code[(kept.code >= 0) & (known > 0)], minlength=len(kept.names))
    if len(sizes) < 2:
        return
    largest = int(sizes.argmax())
    others = [int(at) for at in np.argsort(-sizes, kind="stable") if at != largest]
    for at in others[MOST:]:
        why = f"the distributions of the {MOST} largest other groups are compared, this is a smaller one"
        yield Measure(f"ks_distance_{metric}", None, kept.slice(at), kept.slice(largest), why=why)
    for at in others[:MOST]:
        mine, theirs = ((kept.code == one) & (known > 0) for one in (at, largest))
        places = np.unique(value[mine | theirs])
        steps = [np.searchsorted(np.sort(value[side]), places, side="right") / side.sum() for side in (mine, theirs)]
        top = int(np.abs(steps[0] - steps[1]).argmax())
        if len(places) > PLACES:
            spread = np.quantile(value[mine | theirs], np.linspace(0, 1, PLACES), method="inverted_cdf")
            places = np.unique(np.append(spread, places[top]))
        places = places[:-1] if len(places) > 1 else places  # at the last one both are 1
        inside = (mine | theirs).astype(np.float64)
        below = np.repeat(inside[:, None], len(places), axis=1)
        above = (value[:, None] <= places[None, :]) * below
        shares = _shares(above, mine, theirs)
        eye = np.eye(len(places))
        flat, none = np.hstack([eye, 0 * eye]), np.hstack([0 * eye, eye])
        pairs = np.vstack([flat, none]), np.vstack([none, flat])
        found = gaps.worst(shares, pairs, "difference", plan.level, draws=min(plan.draws, 1000), seed=plan.seed)
        estimate = interval(found, int(inside.sum()), plan.level, "inverted tests of the worst place")
        yield Measure(
            f"ks_distance_{metric}", estimate, kept.slice(at), kept.slice(largest), 0.0, float(found.p),
            float(found.detectable), "lower",
        )  # fmt: skip


def _shares(above: Floats, mine: np.ndarray, theirs: np.ndarray) -> Shares:
    """Return the shares at most each place (people, places) in MINE, then in THEIRS."""
    value = np.concatenate([above[side].mean(axis=0) for side in (mine, theirs)])
    parts = [np.where(side[:, None], (above - above[side].mean(axis=0)) / side.sum(), 0.0) for side in (mine, theirs)]
    units = np.repeat([mine.sum(), theirs.sum()], above.shape[1])
    made = by_influence(value, np.hstack(parts), units)
    return Shares(made.value, made.covariance, made.units, sure=True)
