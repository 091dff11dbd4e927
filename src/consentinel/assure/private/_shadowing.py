"""Shadow models: one after the other with progress; their signals alone are kept, and outlive a stop."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from consentinel.assure.measure import Plan
from consentinel.assure.subject import Subject
from consentinel.core.model_contracts import Model
from consentinel.core.progress import each
from consentinel.core.stats import Floats

__all__ = ["FEWEST", "shadowed", "why_none"]

FEWEST = 4  # shadow models, below which nothing is learned from them


def why_none(subject: Subject, plan: Plan) -> str:
    """Return why SUBJECT gets no shadow models under PLAN; empty where it does."""
    if subject.trainer is None:
        return "shadow models need a way to train the model anew (--trainer)"
    if plan.shadows < FEWEST:
        return f"needs at least {FEWEST} shadow models (--shadows), asked for {plan.shadows}"
    return ""


def shadowed(
    subject: Subject, plan: Plan, rows: Callable[[int], pa.Table], signals: Callable[[Model], Floats]
) -> Floats:
    """Return SIGNALS of each shadow model of ROWS(at), shape (shadows, ...): as many as PLAN says, an even number.

    Where SUBJECT says where to keep them, those that an earlier run of the same audit finished are not trained again.
    """
    assert subject.trainer is not None
    made: list[Floats] = []
    for at in each(range(plan.shadows // 2 * 2), "shadow models"):
        found = None if subject.shadows is None else subject.shadows.load(at)
        if found is None:
            found = np.asarray(signals(subject.trainer.train(rows(at), seed=plan.seed + 1 + at)), np.float64)
            if subject.shadows is not None:
                subject.shadows.keep(at, found)
        made.append(found)
    return np.stack(made)
