"""Where each finding stands: open, decided, waived, or back because what was decided no longer holds.

A decision holds for the versions that it was made on. When the rule has another version, or the model for a claim that
rests on no proof (P3, P4), it is `stale`: the claim fails as if it had never been reviewed, and is asked about again. A
waiver that has ended is `expired`. Where reviewers whose decisions hold disagree, there is a `conflict`, and nothing is
closed until they agree.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime

import pyarrow as pa

from consentinel.core.columns import values
from consentinel.core.text import one_line
from consentinel.detect.reviews.classes import classes
from consentinel.detect.reviews.memory import Given, Memory

__all__ = ["BACK", "CLOSED", "MODELLED", "REVIEWED", "STATUSES", "Standing", "standing", "standings", "table"]

STATUSES = ("open", "violation", "not_violation", "waived", "undecided", "stale", "expired", "conflict")
CLOSED = ("not_violation", "waived")  # such a finding does not fail
MODELLED = ("P3", "P4")  # claims that another model could see otherwise; the others rest on proof
BACK = ("stale", "expired", "conflict")  # was decided once, and has to be decided again
REVIEWED = pa.schema(
    [
        ("run_id", pa.dictionary(pa.int32(), pa.string())),
        *((name, pa.string()) for name in ("finding_id", "class", "status", "why", "reviewer")),
    ]
)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a finding stands and why, in words."""

    class_: str
    status: str  # one of STATUSES
    why: str = ""
    reviewer: str = ""

    @property
    def closed(self) -> bool:
        """Whether a decision that holds lets the finding pass."""
        return self.status in CLOSED


def standings(findings: pa.Table, memory: Memory, *, model: str = "", today: date | None = None) -> dict[str, Standing]:
    """Return where each of FINDINGS stands, by finding_id; MODEL is the version of the model that took part, if any."""
    today = today or datetime.now(UTC).date()
    asked = classes(findings)
    columns = [values(findings[name]) for name in ("finding_id", "rule_version", "proof")]
    columns += [asked["class"].to_pylist(), asked["alike"].to_pylist()]
    found: dict[str, Standing] = {}
    known: dict[tuple[str, str, str | None], Standing] = {}
    for finding, version, proof, class_, alike in zip(*columns, strict=True):
        key = (class_, version or "", model if proof in MODELLED else None)
        if key not in known:
            known[key] = standing(memory, *key, alike=alike, today=today)
        found[finding] = known[key]
    return found


def standing(memory: Memory, class_: str, rule_version: str, model: str | None, *, alike: str, today: date) -> Standing:
    """Return where the class CLASS_ stands when the rule has RULE_VERSION and the model MODEL.

    MODEL is "" where no model took part in the scan, and None where the claim rests on proof, which no model changes.
    """
    said = sorted(memory.said.get(class_, {}).values(), key=lambda given: given.seq)
    if not said:
        other = memory.alike.get(alike)
        return Standing(class_, "open", f"decided under another basis: {one_line(other.basis, 120)}" if other else "")
    lapsed = {given.seq: _lapsed(given, rule_version, model, today) for given in said}
    holding = [given for given in said if not lapsed[given.seq] and given.decision != "undecided"]
    if len({given.decision for given in holding}) > 1:
        told = ", ".join(f"{given.reviewer} says {given.decision}" for given in holding)
        return Standing(class_, "conflict", told)
    if holding:
        latest = holding[-1]
        return Standing(class_, latest.decision, _spoken(latest), latest.reviewer)
    latest = said[-1]
    if reason := lapsed[latest.seq]:
        return Standing(class_, reason[0], f"{reason[1]}; was: {_spoken(latest)}", latest.reviewer)
    return Standing(class_, "undecided", _spoken(latest), latest.reviewer)


def _lapsed(given: Given, rule_version: str, model: str | None, today: date) -> tuple[str, str] | None:
    """The status and the reason of a decision that no longer holds; None when it does."""
    if given.rule_version != rule_version:
        return "stale", f"rule version {given.rule_version} -> {rule_version}"
    if model is not None and given.model_version != model:
        return "stale", f"model version {given.model_version[:12] or 'none'} -> {model[:12] or 'none'}"
    if given.expires is not None and given.expires < today:
        return "expired", f"the waiver ended on {given.expires}"
    return None


def _spoken(given: Given) -> str:
    day = datetime.fromtimestamp(given.decided / 1e6, UTC).date()
    until = f" until {given.expires}" if given.expires else ""
    return f"{given.decision}{until} by {given.reviewer} on {day}" + (f": {given.reason}" if given.reason else "")


def table(found: Iterable[tuple[str, Standing]]) -> pa.Table:
    """Return the (finding_id, Standing) pairs FOUND as a table REVIEWED."""
    rows = [
        {"finding_id": finding, "class": s.class_, "status": s.status, "why": s.why, "reviewer": s.reviewer}
        for finding, s in found
    ]
    return pa.Table.from_pylist(rows, REVIEWED)
