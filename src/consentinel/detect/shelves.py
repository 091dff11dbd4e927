"""The shelves of detect: which folder holds which kind of part, and the door that each part opens."""

from typing import TYPE_CHECKING

from consentinel.core.contracts import CollectorPart, JudgePart, ReportPart, RulePart, SignalPart, SurfacePart
from consentinel.core.shelf import Shelf

if TYPE_CHECKING:
    from consentinel.detect.collectors._batch import Batch, Options
    from consentinel.detect.reports._result import Result
    from consentinel.detect.signals._reading import Reading
    from consentinel.detect.surfaces._pairs import Pairs

__all__ = ["COLLECTORS", "JUDGES", "REPORTS", "RULES", "SIGNALS", "SURFACES"]

COLLECTORS: "Shelf[CollectorPart[Options, Batch]]" = Shelf("consentinel.detect.collectors", "read")
SIGNALS: "Shelf[SignalPart[Reading]]" = Shelf("consentinel.detect.signals", "read")
SURFACES: "Shelf[SurfacePart[Pairs]]" = Shelf("consentinel.detect.surfaces", "recognise")
RULES: Shelf[RulePart] = Shelf("consentinel.detect.rules", "find")
JUDGES: Shelf[JudgePart] = Shelf("consentinel.detect.judges", "open")
REPORTS: "Shelf[ReportPart[Result]]" = Shelf("consentinel.detect.reports", "write")
