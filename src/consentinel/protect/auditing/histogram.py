"""Refutes a claim by sets of exact outputs, for counts, words, votes and other discrete outputs."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel.core.errors import UsageError
from consentinel.protect.auditing import _views
from consentinel.protect.auditing._events import Scores, judged, tested_pairs
from consentinel.protect.auditing._finding import Finding, Plan, Release

__all__ = ["CATCHES", "audit"]

CATCHES = ("C1", "C8")


def audit(release: Release, plan: Plan) -> Finding:
    """Return whether RELEASE keeps the plan's claim, by the set of outputs whose likelihood ratio is highest.

    The set is made of exact outputs (whole rows where they are vectors) seen in one half of the sample and counted in
    the other. A value that only one input can give, such as an answer without noise, is such a set.
    Raises UsageError without pairs; ContractBroken for outputs of another shape. Source: Ding et al. 2018.
    """
    if not plan.pairs:
        raise UsageError("an audit by outputs needs a pair of neighbouring inputs")
    return judged(tested_pairs(release, plan, [_exact], "outputs"), plan)


def _exact(one: NDArray[Any], two: NDArray[Any]) -> Iterator[tuple[str, Scores]]:
    if one.ndim == 1:
        yield "output", lambda outputs: outputs.astype(np.float64)
    else:
        yield from _views.exact_row(one, two)
