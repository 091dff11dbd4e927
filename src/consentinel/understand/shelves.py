"""The shelves of understand: which folder holds which kind of part, and the door that each part opens."""

from typing import TYPE_CHECKING

from consentinel.core.shelf import Shelf
from consentinel.core.understand_contracts import (
    AskerPart,
    ClassifierPart,
    ExperimentPart,
    ForecasterPart,
    MaskingPart,
    PaperPart,
    SourcePart,
    StoryPart,
)

if TYPE_CHECKING:
    from consentinel.understand.askers._setting import Proposal, Setting
    from consentinel.understand.asking.live import Live
    from consentinel.understand.experimenting.trial import Reading, Trial
    from consentinel.understand.forecasting.series import Series
    from consentinel.understand.masking._span import Span
    from consentinel.understand.sources._asking import Asking
    from consentinel.understand.telling.story import Story
    from consentinel.understand.telling.teller import Teller

__all__ = ["ASKERS", "CLASSIFIERS", "EXPERIMENTS", "FORECASTERS", "MASKING", "PAPERS", "SOURCES", "STORIES"]

ASKERS: "Shelf[AskerPart[Live, Setting, Proposal]]" = Shelf("consentinel.understand.askers", "propose")
CLASSIFIERS: "Shelf[ClassifierPart]" = Shelf("consentinel.understand.classifiers", "train")
SOURCES: "Shelf[SourcePart[Asking]]" = Shelf("consentinel.understand.sources", "read")
MASKING: "Shelf[MaskingPart[Span]]" = Shelf("consentinel.understand.masking", "find")
FORECASTERS: "Shelf[ForecasterPart[Series]]" = Shelf("consentinel.understand.forecasters", "expect")
EXPERIMENTS: "Shelf[ExperimentPart[Trial, Reading]]" = Shelf("consentinel.understand.experiments", "read")
STORIES: "Shelf[StoryPart[Teller]]" = Shelf("consentinel.understand.stories", "tell")
PAPERS: "Shelf[PaperPart[Story]]" = Shelf("consentinel.understand.papers", "write")
