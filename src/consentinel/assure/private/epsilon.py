"""A lower bound of the epsilon that training truly keeps, from canaries in one run, beside the one that is claimed."""

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from consentinel.assure.measure import Measure, Plan
from consentinel.assure.private._planted import planted
from consentinel.assure.subject import Subject
from consentinel.core import meeting
from consentinel.core.rng import generator
from consentinel.core.stats import Interval

__all__ = ["KINDS", "NEEDS", "probe"]

KINDS = ("tabular", "vision", "text", "graph", "recsys")
NEEDS = ("train", "claim")
SHARE = 4  # one in so many learned rows (people) is a canary at most
FEWEST = 10
_NONE = 1e-9  # a claim of nothing at all, which the auditor takes as a positive number


class Finding(Protocol):
    """What the auditor of the protect room answers, as far as it is used here."""

    @property
    def lower_bound_epsilon(self) -> float:
        """What the true epsilon reaches, at the level that was asked for."""
        ...

    @property
    def p(self) -> float:
        """Chance of such evidence under a true claim."""
        ...

    @property
    def verdict(self) -> str:
        """refuted, consistent or insufficient."""
        ...

    @property
    def why(self) -> str:
        """The same in words."""
        ...


class Auditor(Protocol):
    """The door `core.meeting.canary_auditor`."""

    def __call__(
        self, scores: NDArray[Any], included: NDArray[Any], /, *, claimed: float, delta: float, level: float
    ) -> Finding:
        """Return what SCORES of canaries, of which INCLUDED were learned by fair coins, say of a claim."""
        ...


def probe(subject: Subject, plan: Plan) -> Iterator[Measure]:
    """Yield the lower bound; the claim is refuted where it lies above the claimed epsilon.

    One model is trained anew with canaries, each in by a fair coin. A claim about people is held against canaries that
    are people for recommenders, and rows for classifiers.
    """
    assert subject.learned is not None
    assert subject.trainer is not None
    assert subject.claimed is not None
    units = len(subject.learned["user"].unique()) if subject.kind == "recsys" else subject.learned.num_rows
    made = planted(subject, max(FEWEST, min(2 * plan.rows, units // SHARE)), plan.seed)
    if made.count < FEWEST:
        yield Measure("epsilon_lower_bound", None, why=f"needs at least {FEWEST} canaries, there can be {made.count}")
        return
    # the trainer under audit is no adversary that foresees these coins, so the audit may come out the same twice
    inside = generator(plan.seed, "assure.private.epsilon").random(made.count) < 0.5
    model = subject.trainer.train(made.rows(inside.astype(np.int64)), seed=plan.seed + 1)
    yield measured(meeting.canary_auditor(), made.scores(model), inside, subject.claimed, plan, made.what)


def measured(
    auditor: Auditor, scores: NDArray[Any], inside: NDArray[Any], claimed: tuple[float, float], plan: Plan, what: str
) -> Measure:
    """Return what AUDITOR says of SCORES of canaries, INSIDE the learned ones, beside CLAIMED epsilon and delta."""
    epsilon, delta = claimed
    found = auditor(scores, inside, claimed=max(epsilon, _NONE), delta=delta, level=plan.level)
    bound = float(found.lower_bound_epsilon)
    interval = Interval(bound, bound, float("inf"), len(scores), plan.level, "one run, guessed canaries")
    words = {
        "refuted": f"the claim of epsilon {epsilon:g} is refuted",
        "consistent": f"the claim of epsilon {epsilon:g} is not refuted",
        "insufficient": f"too few canaries to refute epsilon {epsilon:g}",
    }
    why = f"{words[found.verdict]}: {found.why}; {len(scores)} {what}"
    return Measure("epsilon_lower_bound", interval, "", "", epsilon, found.p, None, "lower", why)
