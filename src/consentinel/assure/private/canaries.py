"""Canary exposure: how far planted rows stand out among equal ones that the model did not learn, in bits."""

import math
from collections.abc import Iterator

import numpy as np

from consentinel.assure.measure import Measure, Plan
from consentinel.assure.private._planted import Planted, planted
from consentinel.assure.subject import Subject
from consentinel.core.resample import cluster_bootstrap, permutation_test
from consentinel.core.stats import Floats, Interval, wilson

__all__ = ["KINDS", "NEEDS", "probe"]

KINDS = ("tabular", "vision", "text", "graph", "recsys")
NEEDS = ("train",)
COPIES = (1, 8)  # how often a canary is learned
SHARE = 40  # one in so many learned rows (people) may be a canary
MOST = 50
FEWEST = 10


def probe(subject: Subject, plan: Plan) -> Iterator[Measure]:
    """Yield the mean exposure of canaries that a model, trained anew, learned once and eight times.

    Exposure of a canary: log2 of how many there are, planted or not, less log2 of its rank by how much the model looks
    as if it had learned it. One model is trained, with all planted canaries in it.
    Source: Carlini et al. 2019, section 4.2 and definition 5.
    """
    assert subject.learned is not None
    assert subject.trainer is not None
    made = planted(subject, plan.rows, plan.seed)
    units = _units(subject)
    copies = COPIES[:1] if made.once else COPIES
    each = min(MOST, made.count // 4, max(FEWEST, units // SHARE // sum(copies)))
    if each < FEWEST:
        yield Measure("canary_exposure", None, why=f"needs at least {4 * FEWEST} canaries, there can be {made.count}: "
                      "give more rows of the data")  # fmt: skip
        return
    times = np.zeros(made.count, np.int64)
    for at, many in enumerate(copies):
        times[at * each : (at + 1) * each] = many
    model = subject.trainer.train(made.rows(times), seed=plan.seed + 1)
    scores = made.scores(model)
    for many in copies:
        yield _exposure(scores[times == many], scores[times == 0], many, made, plan)


def _units(subject: Subject) -> int:
    assert subject.learned is not None
    return len(subject.learned["user"].unique()) if subject.kind == "recsys" else subject.learned.num_rows


def _exposure(inside: Floats, outside: Floats, copies: int, made: Planted, plan: Plan) -> Measure:
    space = len(outside) + 1
    null = math.log2(space) - float(np.log2(np.arange(1, space + 1)).mean())
    most = math.log2(space)
    scores = np.concatenate([inside, outside])
    own = np.arange(len(scores)) < len(inside)
    above = scores[None, ~own] >= scores[own, None]  # (canaries, others)

    def mean(_: Floats, weights: Floats) -> Floats:
        others = weights[:, ~own]
        share = (others @ above.T + 1) / (others.sum(axis=1, keepdims=True) + 1)
        canaries = weights[:, own]
        return np.asarray((canaries * -np.log2(share)).sum(axis=1) / canaries.sum(axis=1))

    with np.errstate(invalid="ignore", divide="ignore"):
        found = cluster_bootstrap(scores, np.arange(len(scores)), mean, level=plan.level, draws=plan.draws,
                                  seed=plan.seed)  # fmt: skip
    if found.high - found.low < 1e-9:  # all stand out alike: what so few of them can show
        share = wilson(len(inside), len(inside), plan.level)
        found = Interval(found.value, found.value * share.low, most, len(inside), plan.level, "wilson")
    tested = permutation_test(_ranks(scores)[own], _ranks(scores)[~own], seed=plan.seed)
    interval = Interval(found.value, found.low, min(found.high, most), len(inside), plan.level, found.method)
    why = f"{len(inside)} {made.what} among {len(outside)} that were not learned, which can show {most:.1f} bits"
    return Measure("canary_exposure", interval, f"copies={copies}", "", null, tested.p,
                   2.8 * (found.high - found.low) / 3.92, "lower", why)  # fmt: skip


def _ranks(scores: Floats) -> Floats:
    by = np.sort(scores)
    return (np.searchsorted(by, scores, "left") + np.searchsorted(by, scores, "right")) / 2.0
