"""The shelves of understand: which folder holds which kind of part, and the door that each part opens."""

from typing import TYPE_CHECKING

from consentinel.core.contracts import ExperimentPart, ForecasterPart, MaskingPart, SourcePart
from consentinel.core.shelf import Shelf

if TYPE_CHECKING:
    from consentinel.understand.experimenting.trial import Reading, Trial
    from consentinel.understand.forecasting.series import Series
    from consentinel.understand.masking._span import Span
    from consentinel.understand.sources._asking import Asking

__all__ = ["EXPERIMENTS", "FORECASTERS", "MASKING", "SOURCES"]

SOURCES: "Shelf[SourcePart[Asking]]" = Shelf("consentinel.understand.sources", "read")
MASKING: "Shelf[MaskingPart[Span]]" = Shelf("consentinel.understand.masking", "find")
FORECASTERS: "Shelf[ForecasterPart[Series]]" = Shelf("consentinel.understand.forecasters", "expect")
EXPERIMENTS: "Shelf[ExperimentPart[Trial, Reading]]" = Shelf("consentinel.understand.experiments", "read")
