"""Sets the two sources side by side, row by row: where both can decide, do they say the same, and if not, why not."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from labels.decide import LOW, SURFACE
from labels.randomised import Verdict
from labels.traced import TYPES

YES, NO, OPEN, NOT_ASKED = "yes", "no", "undecidable", "not asked"
# Types that only source (b) decides: many devices share their values, so a text that looks like one proves nothing.
ONLY_B = frozenset(LOW.values()) | {SURFACE, "location.coarse"}
BOTH = frozenset(TYPES.values()) | {"contact.email_hashed", "contact.phone_hashed"}
# Types whose planted value has parts that many devices share, such as the major version: those cannot be followed.
PARTED = frozenset((TYPES["ua_version"], TYPES["os_version"]))
# What source (b) found out of a field by testing it, as against what it could not test.
TESTED = frozenset(("follows no property", "fails on the scoring half", "constant"))
EXPLAINED = {
    "constant": "the value is the same in all visits",
    "follows no property": "the value stands in a field that varies for other reasons too",
    "fails on the scoring half": "the field followed on the deciding half only",
}


@dataclass(slots=True)
class Pair:
    """What both sources say of one row, and the explanation of a difference or of an open question."""

    a: str
    b: str
    why: str = ""

    @property
    def both_decided(self) -> bool:
        """Say whether both sources decided."""
        return {self.a, self.b} <= {YES, NO}

    @property
    def differ(self) -> bool:
        """Say whether both sources decided, and differently."""
        return self.both_decided and self.a != self.b


def compare(
    kind: str, a: bool, guess: bool, b: bool, only_short: bool, verdicts: list[Verdict], b_kinds: set[str]
) -> Pair:
    """Return what both sources say of a row of type KIND.

    A and B tell whether a source found the datum, GUESS whether source (a) saw a text that may be it. VERDICTS are
    those of source (b) on the fields in which source (a) found something, B_KINDS the kinds of verdict by which (b)
    found it, ONLY_SHORT tells that (b) found nothing but values too short to be followed as texts.
    """
    if kind in ONLY_B:
        if b:
            return Pair(NOT_ASKED, YES)
        return Pair(NOT_ASKED, OPEN, _open_why(verdicts) if guess else "")
    if a and b:
        return Pair(YES, YES)
    if b:
        if only_short:
            return Pair(NOT_ASKED, YES, "a value derived from the planted one, too short to follow")
        if kind in PARTED:
            return Pair(NOT_ASKED, YES, "a part of the planted version, which many devices share")
        if b_kinds == {"identifier"}:
            return Pair(NO, YES, "a lasting identifier that was seen in no storage")
        return Pair(NO, YES, "the value follows a property but stands in no form that is known")
    tested = [verdict.kind for verdict in verdicts if verdict.kind in TESTED]
    if tested and len(tested) == len(verdicts):
        return Pair(YES, NO, EXPLAINED[Counter(tested).most_common(1)[0][0]])
    return Pair(YES, OPEN, _open_why(verdicts))


def _open_why(verdicts: list[Verdict]) -> str:
    kinds = Counter(verdict.kind for verdict in verdicts if verdict.kind not in TESTED)
    if any(verdict.carries for verdict in verdicts):
        return "a level or value that the deciding half did not show"
    return kinds.most_common(1)[0][0] if kinds else "no field to test"


@dataclass(slots=True)
class Share:
    """A share with its 95% interval, resampled by component, and the numbers behind it; NaN of nothing."""

    good: int
    total: int
    low: float
    high: float
    clusters: int

    @property
    def share(self) -> float:
        """Return the share, NaN of nothing."""
        return self.good / self.total if self.total else float("nan")


def clustered(good: list[bool], cluster: list[str], seed: int = 1, draws: int = 2000) -> Share:
    """Return the share of GOOD with an interval from resampling whole clusters (bootstrap, percentile method).

    Where nothing or everything is good the bootstrap cannot vary; then the outer bound is the exact one for the
    clusters (Clopper and Pearson), as if a cluster were one observation.
    """
    if not good:
        return Share(0, 0, float("nan"), float("nan"), 0)
    names, place = np.unique(np.asarray(cluster), return_inverse=True)
    hits = np.bincount(place, weights=np.asarray(good, float))
    sizes = np.bincount(place).astype(float)
    picks = np.random.default_rng(seed).integers(0, len(names), (draws, len(names)))
    shares = hits[picks].sum(1) / sizes[picks].sum(1)
    low, high = (float(bound) for bound in np.quantile(shares, [0.025, 0.975]))
    total = int(hits.sum())
    if total == len(good):
        low, high = 0.025 ** (1 / len(names)), 1.0
    elif total == 0:
        low, high = 0.0, 1 - 0.025 ** (1 / len(names))
    return Share(total, len(good), low, high, len(names))
