"""Trains on rows drawn so that label and group are independent (before training)."""

from consentinel.assure.mitigate._compared import classified, groups_of
from consentinel.assure.mitigate._result import Mitigated
from consentinel.assure.mitigate._training import crossed, learned_rows, resampled, reweighing, trained
from consentinel.assure.subject import Subject

KINDS = ("tabular", "text", "vision")
WHEN = "before"

STRENGTHS = (0.5, 1.0, 1.5, 2.0)  # powers of the weights; 1 is independence


def mitigate(subject: Subject, attribute: str, /, *, seed: int, criterion: str = "demographic_parity") -> Mitigated:
    """Return SUBJECT trained anew with the weights of reweighing, to a power chosen on the other half of the units.

    A row of group g and label y weighs P(g) P(y) / P(g, y), and is drawn as often. Raises UsageError.
    Source: Kamiran and Calders 2012, section 4.3 (weights) and 4.4 (sampling).
    """
    groups = groups_of(subject, attribute, criterion)
    learned = learned_rows(subject, attribute)
    weight = reweighing(learned)
    made = [trained(subject, resampled(learned, weight**power, seed), seed, subject.rows)[0] for power in STRENGTHS]
    answers, picked = crossed(subject, made, groups, criterion, seed)
    gap, utility, other = classified(subject, answers, groups, criterion)
    powers = " and ".join(f"{STRENGTHS[at]:g}" for at in picked)
    return Mitigated(
        answers,
        f"reweighed by {attribute} and label, to the powers {powers} for the two halves",
        gap,
        utility,
        (other,),
    )
