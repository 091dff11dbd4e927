"""Refutes a claim by one event on two neighbouring inputs, for outputs that are numbers or vectors."""

from consentinel.core.errors import UsageError
from consentinel.protect.auditing import _views
from consentinel.protect.auditing._events import judged, tested_pairs
from consentinel.protect.auditing._finding import Finding, Plan, Release

__all__ = ["CATCHES", "audit"]

CATCHES = ("C5", "C8", "C9")


def audit(release: Release, plan: Plan) -> Finding:
    """Return whether RELEASE keeps the plan's claim on its pairs of inputs.

    On each pair an event (a tail or a region of a high likelihood ratio of the output, a coordinate, a projection, the
    length) is chosen on one half of the outputs and counted on the other; Clopper-Pearson limits of its two
    probabilities give the lower bound. The pairs share the error rate.
    Raises UsageError without pairs; ContractBroken for outputs of another shape.
    Source: Jagielski, Ullman and Oprea 2020; hockey-stick events: Kong et al. 2024 (DP-Auditorium).
    """
    if not plan.pairs:
        raise UsageError("an audit by events needs a pair of neighbouring inputs")
    return judged(tested_pairs(release, plan, [_views.numbers, _views.likelihood, _views.shape], "events"), plan)
