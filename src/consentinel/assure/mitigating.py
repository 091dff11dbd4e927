"""What a mitigation does to a subject, as rows of AUDITS: gap and utility before and after, on rows not chosen on."""

import inspect
import re

import pyarrow as pa

from consentinel.assure.measure import Found, Measure, Plan, table
from consentinel.assure.mitigate._result import Mitigated
from consentinel.assure.shelves import MITIGATE
from consentinel.assure.subject import Subject
from consentinel.core.errors import ConsentinelError, UsageError

__all__ = ["MARK", "PILLAR", "applied", "found", "known", "mitigated", "of", "probe", "tried"]

PILLAR = "fair"
_NONE = pa.table({})
MARK = "mitigate/"  # before the name of the part, in the column probe


def found(subject: Subject, part: str, attribute: str, plan: Plan) -> list[Found]:
    """Return what the PART of the shelf mitigate does to the gap of SUBJECT over ATTRIBUTE: before, after, change.

    PART: a name, name:criterion (demographic_parity, equal_opportunity, equalized_odds) or, for thresholds,
    name:criterion:objective (accuracy, balanced_accuracy). Raises UsageError.
    """
    made = applied(subject, part, attribute, seed=plan.seed)
    return [
        Found(PILLAR, probe(part), measure)
        for change in (made.gap, made.utility, *made.more)
        for measure in change.measures(attribute, made.told)
    ]


def tried(subject: Subject, part: str, attribute: str, plan: Plan) -> list[Found]:
    """Return `found`; where PART fails, one measure that says why."""
    try:
        return found(subject, part, attribute, plan)
    except ConsentinelError as why:
        said = f"could not be done: {why}"
    except Exception as why:  # of the model under audit: its message may quote data
        said = f"could not be done: the model raised {type(why).__name__}"
    return [Found(PILLAR, probe(part), Measure("mitigation", None, attribute, why=said))]


def probe(part: str) -> str:
    """Return what stands as probe in the measures of PART."""
    return MARK + re.split("[: ]", part)[0]


def of(subject: Subject, part: str, attribute: str) -> str:
    """Return the attribute whose gap PART narrows: ATTRIBUTE, else the first of people; raises UsageError."""
    known(part, subject.kind)
    there = [*subject.attributes(), *(name for name in (subject.items or _NONE).column_names if name != "item")]
    wanted = attribute or next(iter(subject.attributes()), "")
    if wanted not in there:
        raise UsageError(
            f"a mitigation narrows the gap over an attribute (--attribute); there is: {', '.join(there) or 'none'}"
        )
    return wanted


def mitigated(subject: Subject, part: str, attribute: str, plan: Plan) -> pa.Table:
    """Return `found` as AUDITS."""
    return table(found(subject, part, attribute, plan), plan.level)


def applied(subject: Subject, part: str, attribute: str, *, seed: int, **more: float) -> Mitigated:
    """Return SUBJECT as PART (as in `found`) mitigates it, told MORE where it takes it; raises UsageError where it
    cannot."""
    name, *words = known(part, subject.kind)
    asked = dict(zip(_words(name), words, strict=False))
    made: Mitigated = MITIGATE.take(name).mitigate(subject, attribute, seed=seed, **asked, **more)
    return made


def known(part: str, kind: str) -> list[str]:
    """Return the words of PART, its name first; raises UsageError where there is no such part for models of KIND."""
    name, *words = part.split(":")
    chosen = MITIGATE.take(name)
    if kind not in chosen.KINDS:
        raise UsageError(f"mitigate/{name} is for {', '.join(chosen.KINDS)} models; this one is {kind}")
    asked = _words(name)
    if len(words) > len(asked):
        raise UsageError(f"mitigate/{name} takes {' and '.join(asked) or 'nothing'} after its name; got '{part[:80]}'")
    return [name, *words]


def _words(name: str) -> list[str]:
    there = inspect.signature(MITIGATE.take(name).mitigate).parameters
    return [word for word in ("criterion", "objective") if word in there]
