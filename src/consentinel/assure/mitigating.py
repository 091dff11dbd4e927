"""What a mitigation does to a subject, as rows of AUDITS: gap and utility before and after, on rows not chosen on."""

import inspect

import pyarrow as pa

from consentinel.assure.measure import Found, Plan, table
from consentinel.assure.mitigate._result import Mitigated
from consentinel.assure.shelves import MITIGATE
from consentinel.assure.subject import Subject
from consentinel.core.errors import UsageError

__all__ = ["applied", "mitigated"]

PILLAR = "fair"


def mitigated(subject: Subject, part: str, attribute: str, plan: Plan) -> pa.Table:
    """Return what the PART of the shelf mitigate does to the gap of SUBJECT over ATTRIBUTE, as AUDITS.

    PART: a name, name:criterion (demographic_parity, equal_opportunity, equalized_odds) or, for thresholds,
    name:criterion:objective (accuracy, balanced_accuracy). Raises UsageError.
    """
    name = part.partition(":")[0]
    made = applied(subject, part, attribute, seed=plan.seed)
    found = [
        Found(PILLAR, f"mitigate/{name}", measure)
        for change in (made.gap, made.utility, *made.more)
        for measure in change.measures(attribute, made.told)
    ]
    return table(found, plan.level)


def applied(subject: Subject, part: str, attribute: str, *, seed: int) -> Mitigated:
    """Return SUBJECT as PART (as in `mitigated`) mitigates it; raises UsageError where it cannot."""
    name, *words = part.split(":")
    chosen = MITIGATE.take(name)
    if subject.kind not in chosen.KINDS:
        raise UsageError(f"mitigate/{name} is for {', '.join(chosen.KINDS)} models; this one is {subject.kind}")
    asked = [word for word in ("criterion", "objective") if word in inspect.signature(chosen.mitigate).parameters]
    if len(words) > len(asked):
        raise UsageError(f"mitigate/{name} takes {' and '.join(asked) or 'nothing'} after its name; got '{part[:80]}'")
    made: Mitigated = chosen.mitigate(subject, attribute, seed=seed, **dict(zip(asked, words, strict=False)))
    return made
