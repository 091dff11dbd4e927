"""The shelves of protect: which folder holds which kind of part, and the door that each part opens."""

from typing import TYPE_CHECKING

from consentinel.core.contracts import AuditingPart, MechanismPart, NoisePart
from consentinel.core.shelf import Shelf

if TYPE_CHECKING:
    from consentinel.protect.auditing._finding import Finding, Plan
    from consentinel.protect.estimates import Estimates, Facts
    from consentinel.protect.statistic import Bounds, Statistic

__all__ = ["AUDITING", "MECHANISMS", "NOISE"]

MECHANISMS: "Shelf[MechanismPart[Bounds, Statistic, Facts, Estimates]]" = Shelf(
    "consentinel.protect.mechanisms", "answer"
)
NOISE: Shelf[NoisePart] = Shelf("consentinel.protect.noise", "draw")
AUDITING: "Shelf[AuditingPart[Plan, Finding]]" = Shelf("consentinel.protect.auditing", "audit")
