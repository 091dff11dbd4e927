"""The audit: every probe that fits a subject, what could not be run and why, and the table of all that was found."""

from collections.abc import Iterator

from consentinel.assure import shelves
from consentinel.assure.measure import Found, Measure, Plan
from consentinel.assure.subject import NEEDS, Subject
from consentinel.core.contracts import ProbePart
from consentinel.core.errors import ConsentinelError
from consentinel.core.shelf import Shelf

__all__ = ["PILLARS", "Left", "fitting", "found"]

PILLARS: dict[str, Shelf[ProbePart]] = {
    "fair": shelves.FAIR, "explain": shelves.EXPLAIN, "robust": shelves.ROBUST, "private": shelves.PRIVATE
}  # fmt: skip
Left = tuple[str, str, str]  # a probe that was not run: pillar, probe, why


def fitting(subject: Subject, wanted: str = "all") -> tuple[list[tuple[str, str]], list[Left]]:
    """Return the (pillar, probe) that SUBJECT allows, and those that it does not, with what they need.

    WANTED: "all", pillars or pillar/probe, separated by commas. Probes for other kinds are not mentioned.
    """
    chosen = {word.strip() for word in wanted.split(",") if word.strip()} - {"all"}
    fit: list[tuple[str, str]] = []
    left: list[Left] = []
    for pillar, shelf in PILLARS.items():
        for name in shelf.names():
            if chosen and not {pillar, f"{pillar}/{name}"} & chosen:
                continue
            part = shelf.take(name)
            if subject.kind not in part.KINDS:
                continue
            lacking = [need for need in part.NEEDS if subject.lacks(need)]
            if lacking:
                left.append((pillar, name, "needs " + "; ".join(NEEDS[need] for need in lacking)))
            else:
                fit.append((pillar, name))
    return fit, left


def found(subject: Subject, plan: Plan, pillar: str, name: str) -> Iterator[Found]:
    """Yield what the probe NAME of PILLAR finds of SUBJECT; where it fails, one measure that says why."""
    try:
        for measure in PILLARS[pillar].take(name).probe(subject, plan):
            yield Found(pillar, name, measure)
    except ConsentinelError as why:
        yield Found(pillar, name, Measure(name, None, why=f"could not be measured: {why}"))
    except Exception as why:  # of the model under audit: its message may quote data
        yield Found(
            pillar, name, Measure(name, None, why=f"could not be measured: the model raised {type(why).__name__}")
        )
