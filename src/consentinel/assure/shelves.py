"""The shelves of assure: which folder holds which kind of part, and the door that each part opens."""

from consentinel.core.contracts import IntakePart, MitigatePart, ProbePart, ReportPart
from consentinel.core.shelf import Shelf

__all__ = ["EXPLAIN", "FAIR", "INTAKE", "MITIGATE", "PRIVATE", "REPORTS", "ROBUST"]

FAIR: Shelf[ProbePart] = Shelf("consentinel.assure.fair", "probe")
EXPLAIN: Shelf[ProbePart] = Shelf("consentinel.assure.explain", "probe")
ROBUST: Shelf[ProbePart] = Shelf("consentinel.assure.robust", "probe")
PRIVATE: Shelf[ProbePart] = Shelf("consentinel.assure.private", "probe")
MITIGATE: Shelf[MitigatePart] = Shelf("consentinel.assure.mitigate", "mitigate")
INTAKE: Shelf[IntakePart] = Shelf("consentinel.assure.intake", "opened")
REPORTS: Shelf[ReportPart] = Shelf("consentinel.assure.reports", "write")
