"""How far reviewers agree: Cohen's kappa for each pair, and the claims that they see differently.

kappa = (observed - expected) / (1 - expected), where expected is the agreement of two reviewers who answer by chance
with the shares that each of them has. Source: J. Cohen, A coefficient of agreement for nominal scales (1960).
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

from consentinel.detect.reviews.memory import Given, Memory

__all__ = ["Agreement", "agreements", "conflicts"]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How two reviewers agree on the classes that both decided."""

    first: str
    second: str
    n: int  # classes that both decided
    agreed: int
    kappa: float | None  # None where both always said the same one thing, and chance explains all of it


def agreements(memory: Memory) -> list[Agreement]:
    """Return the agreement of each pair of reviewers that decided a class in common, on their latest decisions.

    Undecided is no decision, and decisions on different versions of rule or model are not compared.
    """
    pairs: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for said in memory.said.values():
        for one, two in combinations(_decided(said), 2):
            if one.claim == two.claim:
                pairs.setdefault((one.reviewer, two.reviewer), []).append((one.decision, two.decision))
    return [_agreement(*names, answers) for names, answers in sorted(pairs.items())]


def conflicts(memory: Memory) -> list[tuple[Given, ...]]:
    """Return the decisions of each class, on the same versions, that are not all the same, by reviewer."""
    found = []
    for said in memory.said.values():
        by_claim: dict[str, list[Given]] = {}
        for given in _decided(said):
            by_claim.setdefault(given.claim, []).append(given)
        found += [tuple(group) for group in by_claim.values() if len({given.decision for given in group}) > 1]
    return found


def _decided(said: Mapping[str, Given]) -> list[Given]:
    decided = [given for given in said.values() if given.decision != "undecided"]
    return sorted(decided, key=lambda given: given.reviewer)


def _agreement(first: str, second: str, answers: list[tuple[str, str]]) -> Agreement:
    n = len(answers)
    agreed = sum(one == two for one, two in answers)
    ones, twos = Counter(one for one, _ in answers), Counter(two for _, two in answers)
    expected = sum(ones[said] * twos[said] for said in ones)  # of n squared
    kappa = None if expected == n * n else (agreed * n - expected) / (n * n - expected)
    return Agreement(first, second, n, agreed, kappa)
